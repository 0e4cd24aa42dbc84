"""Fused layers with a batch normalisation: with a ReLU, or after a convolution or dense layer (batch-norm folding).

In training a normalisation has to wait for the last number of the batch, since all of them make the mean and the
variance. So the convolution before it runs to the end and stores its output. The ReLU after it is one operation with
it. At inference the statistics are known, and all is one operation.

Letters: N batch, C channels, F filters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from .. import ops
from ..layers import BatchNorm
from ..layers.base import Layer
from .fused import FusedLayer


class FusedNormReLU(FusedLayer):
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
        ops.batch_norm_relu_forward(self._x, gamma, beta, norm.epsilon, out=(self._y, *norm.statistics_buffers()))
        norm.update_moving_averages()
        return self._y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        if not self._training:
            return self.backward_one_by_one(dy)
        norm = self.layer(BatchNorm)
        dy = self.as_gradient(dy)  # (N, ..., C)
        dx = self.input_gradient_buffer()  # (N, ..., C)
        statistics, gradients = (norm.batch_mean, norm.batch_inverse_std), (dx, self.grads["gamma"], self.grads["beta"])
        ops.batch_norm_relu_backward(self._x, self.params["gamma"], *statistics, self._y, dy, out=gradients)
        return dx


class FoldedNorm(FusedLayer):
    """A convolution or dense layer and a batch normalisation, perhaps with a ReLU, perhaps with a max-pool.

    At inference, a normalisation multiplies each filter's output by a number and adds another. The convolution does
    that itself if its parameters are changed, by ``fold_batch_norm`` (derived in ``ops/reference/fused.py``). Backward
    after such a forward, as a numerical check may want it, is left to the layers.

    Parameters
    ----------
    fused : list of Layer
    others : list of Layer
        What runs all layers but the first in training, fused where they can be.
    folded : Layer
        What runs all layers but the normalisation at inference; W' and b' are put into its ``params``.
    """

    _training = True  # whether the latest forward was one of training

    def __init__(self, fused: Sequence[Layer], others: Sequence[Layer], folded: Layer) -> None:
        super().__init__(fused)
        self.kept = [fused[0], *(layer.fused[-1] if isinstance(layer, FusedLayer) else layer for layer in others)]
        self._others, self._folded = tuple(others), folded

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._training = training
        if training:
            for layer in (self.fused[0], *self._others):
                x = layer.forward(x, training)
            return x
        self._x = x
        norm, kernel, gamma, beta = self.layer(BatchNorm), *(self.params[name] for name in ("kernel", "gamma", "beta"))
        statistics = norm.state["moving_mean"], norm.state["moving_variance"], norm.epsilon
        folded = self.buffer("kernel", kernel.shape), self.buffer("bias", beta.shape)
        ops.fold_batch_norm(kernel, self.params.get("bias"), gamma, beta, *statistics, out=folded)
        self._folded.params["kernel"], self._folded.params["bias"] = folded
        return self._folded.forward(x)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        if not self._training:
            self.forward_one_by_one(self._x)
            return self.backward_one_by_one(dy)
        first = self.fused[0]
        for layer in reversed(self._others):
            dy = cast(np.ndarray, layer.backward(dy))
        if not (first.trainable or self.needs_input_gradient):
            return None
        first.needs_input_gradient = self.needs_input_gradient
        return first.backward(dy)

    def all_buffers(self) -> list[np.ndarray]:
        """Return the memory of all buffers, also of the parts that do the work."""
        parts = self.fused[0], *self._others, self._folded
        return [*super().all_buffers(), *(buffer for part in parts for buffer in part.all_buffers())]

    def invalidate(self) -> None:
        for part in (self.fused[0], *self._others, self._folded):
            part.invalidate()
