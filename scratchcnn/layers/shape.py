"""Layers that change the shape alone: images to vectors. Letters: N batch."""

from __future__ import annotations

import math

import numpy as np

from ..types import Shape
from .base import Layer


class Flatten(Layer):
    """Write all numbers of a sample into one row, in C order; backward puts the gradients back. Nothing is copied.

    Input shape: (N, ...). Output shape: (N, D), D the product of the others.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> sc.Sequential([sc.Flatten()], input_shape=(28, 28, 1)).output_shape
    (784,)
    """

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        return self.set_shapes(input_shape, self.compute_output_shape(input_shape))

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self.as_input(x)
        return x.reshape(len(x), -1)  # (N, D)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = self.as_gradient(dy)  # (N, D)
        assert self.input_shape is not None
        return dy.reshape(len(dy), *self.input_shape)
