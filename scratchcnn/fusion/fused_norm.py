"""Steps with a batch normalisation among their layers: alone with a ReLU, or behind a convolution or dense layer.

In training a normalisation has to wait for the last number of the batch, since all of them make the mean and the
variance. So what is before it, a convolution, runs to the end and stores its output. What is behind it, ReLU and
max-pool, is one operation with it. Outside of training the statistics are known, and all is one operation.

Letters: N batch, H W height and width, C channels, F filters, OH OW height and width of the output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from .. import ops
from ..layers import BatchNorm, MaxPool2D
from ..layers.base import Layer
from .fused import Step


class NormReLU(Step):
    """y = ReLU(batch normalisation of x), in training; otherwise, or if that is frozen, the layers run one by one."""

    _training = True  # whether the latest forward was one of training

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        norm = self.layer(BatchNorm)
        self._training = training and norm.trainable
        if not self._training:
            return self.forward_one_by_one(x)
        self._x = self.as_input(x)  # (N, ..., C)
        self._y = self.output_buffer()  # (N, ..., C)
        gamma, beta = self.params["gamma"], self.params["beta"]
        ops.batch_norm_relu_forward(self._x, gamma, beta, norm.epsilon, self._y, *norm.batch_statistics)
        norm.update_moving_averages()
        return self._y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        if not self._training:
            return self.backward_one_by_one(dy)
        norm = self.layer(BatchNorm)
        dy = self.as_gradient(dy)  # (N, ..., C)
        dx = self.input_gradient_buffer()  # (N, ..., C)
        gamma, dgamma, dbeta = self.params["gamma"], self.grads["gamma"], self.grads["beta"]
        statistics = norm.batch_mean, norm.batch_inverse_std
        ops.batch_norm_relu_backward(self._x, gamma, *statistics, self._y, dy, dx, dgamma, dbeta)
        return dx


class NormReLUPool(Step):
    """y = ReLU(max-pool(batch normalisation of x)), in training, unless that is frozen; else the layers run one by one.

    Only what the pool leaves is stored, and where it was found.
    """

    _training = True  # whether the latest forward was one of training

    def __init__(self, fused: Sequence[Layer]) -> None:
        super().__init__(fused)
        pool = self.layer(MaxPool2D)
        self._geometry = pool.pool_size, pool.strides

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        norm = self.layer(BatchNorm)
        self._training = training and norm.trainable
        if not self._training:
            return self.forward_one_by_one(x)
        self._x = self.as_input(x)  # (N, H, W, C)
        y = self.output_buffer()  # (N, OH, OW, C)
        self._index = self.buffer("index", y.shape, np.uint8)  # (N, OH, OW, C)
        gamma, beta = self.params["gamma"], self.params["beta"]
        ops.batch_norm_relu_pool_forward(
            self._x, gamma, beta, norm.epsilon, *self._geometry, y, self._index, *norm.batch_statistics
        )
        norm.update_moving_averages()
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        if not self._training:
            return self.backward_one_by_one(dy)
        norm = self.layer(BatchNorm)
        dy = self.as_gradient(dy)  # (N, OH, OW, C)
        dx = self.input_gradient_buffer()  # (N, H, W, C)
        gamma, dgamma, dbeta = self.params["gamma"], self.grads["gamma"], self.grads["beta"]
        statistics = norm.batch_mean, norm.batch_inverse_std
        ops.batch_norm_relu_pool_backward(
            self._x, gamma, *statistics, dy, self._index, *self._geometry, dx, dgamma, dbeta
        )
        return dx


class FoldedNorm(Step):
    """A convolution or dense layer and a batch normalisation, perhaps with a ReLU, perhaps with a max-pool.

    Outside of training, a normalisation multiplies each filter's output by a number and adds another. The convolution
    does that itself if its parameters are changed: with s = 1 / sqrt(variance + epsilon),

        gamma (W x + b - mean) s + beta  =  W' x + b'          W' = W gamma s          b' = (b - mean) gamma s + beta

    Backward after such a forward, as a numerical check may want it, is left to the layers.

    Parameters
    ----------
    fused : list of Layer
    normalize : Layer
        What runs all layers but the first, in training.
    folded : Layer
        What runs all layers but the normalisation otherwise; W' and b' are put into its ``params``.
    """

    _training = True  # whether the latest forward was one of training

    def __init__(self, fused: Sequence[Layer], normalize: Layer, folded: Layer) -> None:
        super().__init__(fused)
        self.kept = [fused[0], fused[-1]]
        self._normalize, self._folded = normalize, folded

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._training = training
        if training:
            return self._normalize.forward(self.fused[0].forward(x, training), training)
        self._x = x
        ops.each_time(self._fold)
        return self._folded.forward(x)

    def _fold(self) -> None:
        norm, kernel = self.layer(BatchNorm), self.params["kernel"]
        mean, variance = norm.state["moving_mean"], norm.state["moving_variance"]
        factor = self.params["gamma"] / np.sqrt(variance + norm.epsilon)  # (F,)
        folded_kernel = self.buffer("kernel", kernel.shape)
        np.multiply(kernel, factor, out=folded_kernel)
        folded_bias = self.buffer("bias", factor.shape)
        np.add((self.params.get("bias", 0) - mean) * factor, self.params["beta"], out=folded_bias)
        self._folded.params["kernel"], self._folded.params["bias"] = folded_kernel, folded_bias

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        if not self._training:
            self.forward_one_by_one(self._x)
            return self.backward_one_by_one(dy)
        first = self.fused[0]
        dy = cast(np.ndarray, self._normalize.backward(dy))
        if not (first.trainable or self.needs_input_gradient):
            return None
        first.needs_input_gradient = self.needs_input_gradient
        return first.backward(dy)

    def all_buffers(self) -> list[np.ndarray]:
        """Return the memory of all buffers, also of the parts that do the work."""
        parts = self.fused[0], self._normalize, self._folded
        return [*super().all_buffers(), *(buffer for part in parts for buffer in part.all_buffers())]

    def forget(self) -> None:
        for part in (self.fused[0], self._normalize, self._folded):
            part.forget()
