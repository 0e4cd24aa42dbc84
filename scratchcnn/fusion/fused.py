"""Fused layers: neighbouring layers that run as one operation.

A fused layer computes what its layers compute one after the other; intermediate activations are not stored. The layers
stay what they are: they own the parameters, the gradients and the moving averages. Which neighbours are fused is in
``patterns.py``, the fused layers with a batch normalisation in ``fused_norm.py``.

Letters: N batch, H W height and width, C input channels, F filters, OH OW height and width of the output, D features.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from typing import TypeVar, cast

import numpy as np

from .. import ops
from ..layers import Conv2D, MaxPool2D
from ..layers.base import Layer

Kind = TypeVar("Kind", bound=Layer)


class FusedLayer(Layer):
    """Neighbouring layers that run as one.

    Attributes
    ----------
    fused : list of Layer
        The layers, in their order. Its ``params`` and ``grads`` are theirs.
    kept : list of Layer
        Those of them whose output is stored when the model trains.
    """

    def __init__(self, fused: Sequence[Layer]) -> None:
        super().__init__()
        self.fused = list(fused)
        self.kept = self.fused[-1:]
        self.name = " + ".join(layer.name for layer in fused)
        self.dtype = fused[0].dtype
        # Chains look into the layers' own dictionaries, whose arrays are replaced when a model is copied.
        self.__dict__["params"] = ChainMap(*(layer.params for layer in fused))
        self.__dict__["grads"] = ChainMap(*(layer.grads for layer in fused))
        assert fused[0].input_shape is not None and fused[-1].output_shape is not None
        self.set_shapes(fused[0].input_shape, fused[-1].output_shape)

    def layer(self, kind: type[Kind]) -> Kind:
        """Return the fused layer of a kind."""
        return next(layer for layer in self.fused if isinstance(layer, kind))

    def forward_one_by_one(self, x: np.ndarray) -> np.ndarray:
        """Return what the layers themselves make of x at inference."""
        for layer in self.fused:
            x = layer.forward(x)
        return x

    def backward_one_by_one(self, dy: np.ndarray) -> np.ndarray | None:
        """Let the layers themselves find the gradients that belong to ``forward_one_by_one``."""
        first, *others = self.fused
        for layer in reversed(others):
            dy = cast(np.ndarray, layer.backward(dy))
        first.needs_input_gradient = self.needs_input_gradient
        return first.backward(dy)


class FusedConvReLU(FusedLayer):
    """y = ReLU(convolution(x) + bias): the sums go through the ReLU before they are stored."""

    def __init__(self, fused: Sequence[Layer]) -> None:
        super().__init__(fused)
        self._window = self.layer(Conv2D).window

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._x = self.as_input(x)  # (N, H, W, C)
        self._y = self.output_buffer()  # (N, OH, OW, F)
        kernel, bias = self.params["kernel"], self.params.get("bias")
        ops.conv_relu_forward(self._x, kernel, bias, self._window, out=self._y)
        return self._y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dy = self.as_gradient(dy)  # (N, OH, OW, F)
        dx = self.input_gradient_buffer() if self.needs_input_gradient else None  # (N, H, W, C)
        gradients = dx, self.grads["kernel"], self.grads.get("bias")
        ops.conv_relu_backward(self._x, self.params["kernel"], self._y, dy, self._window, out=gradients)
        return dx


class FusedConvReLUPool(FusedLayer):
    """y = ReLU(max-pool(convolution(x) + bias)): only what the pool leaves is stored, and where it was found."""

    def __init__(self, fused: Sequence[Layer]) -> None:
        super().__init__(fused)
        self._windows = self.layer(Conv2D).window, self.layer(MaxPool2D).window

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._x = self.as_input(x)  # (N, H, W, C)
        y = self.output_buffer()  # (N, OH, OW, F)
        self._index = self.buffer("index", y.shape, np.uint8)  # (N, OH, OW, F)
        kernel, bias = self.params["kernel"], self.params.get("bias")
        ops.conv_relu_pool_forward(self._x, kernel, bias, *self._windows, out=(y, self._index))
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dy = self.as_gradient(dy)  # (N, OH, OW, F)
        dx = self.input_gradient_buffer() if self.needs_input_gradient else None  # (N, H, W, C)
        gradients = dx, self.grads["kernel"], self.grads.get("bias")
        ops.conv_relu_pool_backward(self._x, self.params["kernel"], dy, self._index, *self._windows, out=gradients)
        return dx


class FusedDenseReLU(FusedLayer):
    """y = ReLU(x W + b)."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._x = self.as_input(x)  # (N, D)
        self._y = self.output_buffer()  # (N, F)
        ops.dense_relu_forward(self._x, self.params["kernel"], self.params.get("bias"), out=self._y)
        return self._y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dy = self.as_gradient(dy)  # (N, F)
        dx = self.input_gradient_buffer() if self.needs_input_gradient else None  # (N, D)
        gradients = dx, self.grads["kernel"], self.grads.get("bias")
        ops.dense_relu_backward(self._x, self.params["kernel"], self._y, dy, out=gradients)
        return dx
