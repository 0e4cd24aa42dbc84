"""Rescaling as a layer: pixels to numbers. Letters: N batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..checks.inputs import as_contiguous
from ..checks.messages import shown
from ..checks.settings import as_number
from ..types import Shape
from .base import Layer
from .settings import LayerSetting


def _finite(what: str, value: Any) -> float:
    number = as_number(what, value)
    if not math.isfinite(number):
        raise ValueError(f"{what} must be a finite number, got {shown(value)}")
    return number


class Rescaling(Layer):
    """Scale pixels to a range that trains well: y = scale x + offset.

    As the first layer of a model it takes the pixels as they are in the file, one byte each, 0 to 255: a saved model
    cannot be fed differently from how it was trained. ``Rescaling(1 / 255)`` maps them to 0..1, and
    ``Rescaling(1 / 127.5, offset=-1)`` to -1..1.

    Backward: dx = scale dy.

    Parameters
    ----------
    scale, offset : float

    Input shape: any, uint8 or floating point. Output shape: the same.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Rescaling(1 / 127.5, offset=-1)], input_shape=(2,))
    >>> model.forward(np.array([[0, 255]], np.uint8)).round(5).tolist()
    [[-1.0, 1.0]]
    """

    scale = LayerSetting(_finite)
    offset = LayerSetting(_finite)

    def __init__(self, scale: float, offset: float = 0.0, name: str | None = None) -> None:
        super().__init__(name)
        self.scale, self.offset = scale, offset

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self.as_input(x)
        y = self.output_buffer()
        ops.rescale_forward(x, self.scale, self.offset, self.dtype, out=y)
        return y

    def as_input(self, x: np.ndarray) -> np.ndarray:
        """As in every layer, but bytes stay bytes."""
        if x.dtype == np.uint8 and x.shape[1:] == self.input_shape:
            self._batch_size = len(x)
            return as_contiguous(x)
        return super().as_input(x)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dy = self.as_gradient(dy)
        if not self.needs_input_gradient:
            return None
        dx = self.input_gradient_buffer()
        ops.rescale_backward(dy, self.scale, out=dx)
        return dx

    def config(self) -> dict[str, Any]:
        return {"scale": self.scale, "offset": self.offset}
