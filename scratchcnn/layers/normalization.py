"""Batch normalisation as a layer. Letters: N batch, C channels, M values of one channel in a batch (N, or N H W)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..checks.messages import shown
from ..checks.settings import above_zero, as_number
from ..types import Shape
from .base import Layer
from .settings import LayerSetting


def _from_0_to_1(what: str, value: Any) -> float:
    number = as_number(what, value)
    if not 0 <= number <= 1:
        raise ValueError(f"{what} must be from 0 to 1, got {shown(value)}")
    return number


class BatchNorm(Layer):
    """Bring each channel to mean 0 and variance 1, then let the network choose both: y = gamma x_hat + beta.

        x_hat = (x - mean) / sqrt(variance + epsilon)

    In training, mean and variance are those of the batch. Meanwhile moving averages of them are kept,

        moving = momentum moving + (1 - momentum) batch

    and used at inference, so that a prediction does not depend on the rest of the batch. The variance is the
    biased one, in both, as in Keras. (PyTorch's momentum is 1 minus this one, and it averages the unbiased variance.)

    Backward in training, with g = gamma dy, s = 1 / sqrt(variance + epsilon), and means over the M values of a channel
    (derived in ``ops/reference/normalization.py``):

        dgamma = sum dy x_hat        dbeta = sum dy        dx = s (g - mean(g) - x_hat mean(g x_hat))

    At inference mean and variance are constants, and dx = s g. While the layer is frozen (``trainable = False``) it
    works in this way in training, too, and keeps its moving averages.

    Parameters
    ----------
    momentum : float
        In [0, 1]: how much of the moving averages is kept at each step.
    epsilon : float
        Added to the variance, so that a constant channel does not divide by zero.

    Input shape: (N, ..., C). Output shape: the same. Parameters: gamma (C,), from 1, and beta (C,), from 0.
    State: moving_mean (C,), from 0, and moving_variance (C,), from 1.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.BatchNorm(epsilon=1e-7)], input_shape=(1,))
    >>> model.forward(np.array([[3.0], [5.0]], np.float32), training=True).round(3).tolist()
    [[-1.0], [1.0]]
    """

    momentum = LayerSetting(_from_0_to_1)
    epsilon = LayerSetting(above_zero)

    _x: np.ndarray  # the input: kept by forward for backward, as are
    batch_mean: np.ndarray  # the batch's mean,
    batch_inverse_std: np.ndarray  # 1 / sqrt(variance + epsilon),
    batch_variance: np.ndarray  # the variance itself,
    _training: bool  # and whether these were used
    _zeros: np.ndarray  # (C,)

    def __init__(self, *, momentum: float = 0.99, epsilon: float = 1e-3, name: str | None = None) -> None:
        super().__init__(name)
        self.momentum, self.epsilon = momentum, epsilon

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), input_shape[-1:])

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        if not input_shape:
            raise ValueError("BatchNorm expects (N, ..., C), an axis of channels at the end, got (N,)")
        channels = input_shape[-1]
        self.add_parameter("gamma", np.ones(channels))
        self.add_parameter("beta", np.zeros(channels))
        self.state["moving_mean"] = np.zeros(channels, self.dtype)
        self.state["moving_variance"] = np.ones(channels, self.dtype)
        self._zeros = np.zeros(channels, self.dtype)
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._x = x = self.as_input(x)  # (N, ..., C)
        self._training = training and self.trainable
        y = self.output_buffer()
        gamma, beta = self.params["gamma"], self.params["beta"]
        if self._training:
            ops.batch_norm_forward(x, gamma, beta, self.epsilon, out=(y, *self.statistics_buffers()))
            self.update_moving_averages()
        else:
            moving_mean, moving_variance = self.state["moving_mean"], self.state["moving_variance"]
            ops.batch_norm_inference(x, gamma, beta, moving_mean, moving_variance, self.epsilon, out=y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = self.as_gradient(dy)  # (N, ..., C)
        dx = self.input_gradient_buffer()
        gamma, dgamma, dbeta = self.params["gamma"], self.grads["gamma"], self.grads["beta"]
        if self._training:
            statistics = self.batch_mean, self.batch_inverse_std
            ops.batch_norm_backward(self._x, gamma, *statistics, dy, out=(dx, dgamma, dbeta))
        elif not self.trainable:  # dx = gamma s dy is what the inference makes of dy where mean and beta are 0
            variance = self.state["moving_variance"]
            ops.batch_norm_inference(dy, gamma, self._zeros, self._zeros, variance, self.epsilon, out=dx)
        else:
            batch_axes = tuple(range(dy.ndim - 1))
            inverse_std = 1 / np.sqrt(self.state["moving_variance"] + self.epsilon)
            dgamma[...] = (dy * (self._x - self.state["moving_mean"]) * inverse_std).sum(batch_axes, np.float64)
            dbeta[...] = dy.sum(batch_axes, np.float64)
            dx[...] = dy * (gamma * inverse_std)
        return dx

    def statistics_buffers(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the buffers of a batch's mean, 1 / sqrt(variance + epsilon) and variance, which an operation fills."""
        shape = self.params["gamma"].shape
        self.batch_mean, self.batch_inverse_std = self.buffer("mean", shape), self.buffer("inverse_std", shape)
        self.batch_variance = self.buffer("variance", shape)
        return self.batch_mean, self.batch_inverse_std, self.batch_variance

    def update_moving_averages(self) -> None:
        """Let the moving averages follow the statistics of the latest batch."""
        moving = self.state["moving_mean"], self.state["moving_variance"]
        ops.update_moving_statistics(self.batch_mean, self.batch_variance, self.momentum, *moving)

    def config(self) -> dict[str, Any]:
        return {"momentum": self.momentum, "epsilon": self.epsilon}
