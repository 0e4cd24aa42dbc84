"""Which neighbouring layers run as one step.

What a layer computes is written down in the layer. But a ReLU alone reads and writes the whole output of a convolution
for one comparison a number, and a max-pool behind it throws three quarters away. ``fuse`` finds such neighbours and
puts a *step* in their place, which has the forward and backward of a layer and one operation behind it. The layers stay
as they are: they own the parameters and gradients, and a model made with ``fuse=False`` runs them one by one. Both give
the same result, up to the order of the additions.

    Conv2D, ReLU                                     ConvReLU
    Conv2D, ReLU, MaxPool2D  (or pool before ReLU)   ConvReLUPool: the same function, since ReLU keeps the order
    Dense, ReLU                                      DenseReLU
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import ops
from .layers import Conv2D, Dense, MaxPool2D, ReLU
from .layers.base import Layer


def fuse(layers: Sequence[Layer]) -> list[Layer]:
    """Return the steps that compute the same as the built ``layers``, one after the other."""
    steps: list[Layer] = []
    start = 0
    while start < len(layers):
        step = _longest_step(list(layers[start : start + 3]))
        steps.append(step)
        start += len(step.fused) if isinstance(step, Step) else 1
    return steps


def _longest_step(layers: list[Layer]) -> Layer:
    """Return the step that takes most of the layers at the head of the list."""
    kinds = [type(layer) for layer in layers]
    if kinds in ([Conv2D, ReLU, MaxPool2D], [Conv2D, MaxPool2D, ReLU]):
        conv = layers[0]
        pool = layers[1] if kinds[1] is MaxPool2D else layers[2]
        assert isinstance(conv, Conv2D) and isinstance(pool, MaxPool2D)
        if _windows_stay_inside(conv, pool):
            return ConvReLUPool(layers, conv, pool)
    if kinds[:2] == [Conv2D, ReLU]:
        return ConvReLU(layers[:2])
    if kinds[:2] == [Dense, ReLU]:
        return DenseReLU(layers[:2])
    return layers[0]


def _windows_stay_inside(conv: Conv2D, pool: MaxPool2D) -> bool:
    """Tell whether no window of the pool sticks out of the convolution's output."""
    assert conv.output_shape is not None and pool.output_shape is not None
    return pool.padding_before == (0, 0) and all(
        (stops - 1) * stride + size <= extent
        for stops, stride, size, extent in zip(
            pool.output_shape, pool.strides, pool.pool_size, conv.output_shape, strict=False
        )
    )


class Step(Layer):
    """Neighbouring layers that run as one; the first of them owns the parameters.

    Attributes
    ----------
    fused : list of Layer
        The layers, in their order.
    """

    def __init__(self, fused: Sequence[Layer]) -> None:
        super().__init__()
        self.fused = list(fused)
        self.name = " + ".join(layer.name for layer in fused)
        self.dtype = fused[0].dtype
        self.params, self.grads = fused[0].params, fused[0].grads
        assert fused[0].input_shape is not None and fused[-1].output_shape is not None
        self.set_shapes(fused[0].input_shape, fused[-1].output_shape)


class ConvReLU(Step):
    """y = ReLU(convolution(x) + bias): the sums go through the ReLU before they are stored."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        conv = self.fused[0]
        assert isinstance(conv, Conv2D)
        self._x = self.as_input(x)  # (N, H, W, C)
        self._y = self.output_buffer()  # (N, OH, OW, F)
        kernel, bias = self.params["kernel"], self.params.get("bias")
        ops.conv_relu_forward(self._x, kernel, bias, conv.strides, conv.padding_before, self._y)
        return self._y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        conv = self.fused[0]
        assert isinstance(conv, Conv2D)
        dy = self.as_gradient(dy)  # (N, OH, OW, F)
        dx = self.input_gradient_buffer() if self.needs_input_gradient else None  # (N, H, W, C)
        dkernel, dbias = self.grads["kernel"], self.grads.get("bias")
        ops.conv_relu_backward(
            self._x, self.params["kernel"], self._y, dy, conv.strides, conv.padding_before, dx, dkernel, dbias
        )
        return dx


class ConvReLUPool(Step):
    """y = ReLU(max-pool(convolution(x) + bias)): only what the pool leaves is stored, and where it was found."""

    def __init__(self, fused: Sequence[Layer], conv: Conv2D, pool: MaxPool2D) -> None:
        super().__init__(fused)
        self._geometry = conv.strides, conv.padding_before, pool.pool_size, pool.strides

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._x = self.as_input(x)  # (N, H, W, C)
        y = self.output_buffer()  # (N, OH, OW, F)
        self._index = self.buffer("index", y.shape, np.uint8)  # (N, OH, OW, F)
        kernel, bias = self.params["kernel"], self.params.get("bias")
        ops.conv_relu_pool_forward(self._x, kernel, bias, *self._geometry, y, self._index)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dy = self.as_gradient(dy)  # (N, OH, OW, F)
        dx = self.input_gradient_buffer() if self.needs_input_gradient else None  # (N, H, W, C)
        dkernel, dbias = self.grads["kernel"], self.grads.get("bias")
        ops.conv_relu_pool_backward(
            self._x, self.params["kernel"], dy, self._index, *self._geometry, dx, dkernel, dbias
        )
        return dx


class DenseReLU(Step):
    """y = ReLU(x W + b)."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._x = self.as_input(x)  # (N, D)
        self._y = self.output_buffer()  # (N, F)
        ops.dense_relu_forward(self._x, self.params["kernel"], self.params.get("bias"), self._y)
        return self._y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dy = self.as_gradient(dy)  # (N, F)
        dx = self.input_gradient_buffer() if self.needs_input_gradient else None  # (N, D)
        dkernel, dbias = self.grads["kernel"], self.grads.get("bias")
        ops.dense_relu_backward(self._x, self.params["kernel"], self._y, dy, dx, dkernel, dbias)
        return dx
