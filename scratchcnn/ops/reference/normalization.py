"""Batch normalisation: bring each channel to mean 0 and variance 1 over the batch, then scale and shift it.

Ioffe and Szegedy 2015, "Batch normalization: accelerating deep network training by reducing internal covariate shift".

The statistics run over every axis but the last: over (N, H, W) for images, over N for vectors. M is the number of
values that one channel has in a batch, C the number of channels. The variance is the biased one, the mean of squares.
"""

from __future__ import annotations

import numpy as np


def batch_norm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Normalise with the batch's own statistics, as in training:

        x_hat = (x - mean) / sqrt(variance + epsilon)        y = gamma x_hat + beta

    Parameters
    ----------
    x : (..., C)
    gamma, beta : (C,)

    Returns
    -------
    y : like x
    mean, inverse_std : (C,)
        The batch's mean, and 1 / sqrt(variance + epsilon): what the backward pass needs.
    variance : (C,)
        What the moving average needs.
    """
    batch_axes = tuple(range(x.ndim - 1))
    mean = x.mean(axis=batch_axes, dtype=np.float64).astype(x.dtype)
    deviation = x - x[(0,) * (x.ndim - 1)].astype(np.float64)  # from any of the numbers: exactly 0 where all are equal
    variance = deviation.var(axis=batch_axes)
    inverse_std = (1 / np.sqrt(variance + epsilon)).astype(x.dtype)
    y = gamma * ((x - mean) * inverse_std) + beta
    return y, mean, inverse_std, variance


def batch_norm_backward(
    x: np.ndarray, gamma: np.ndarray, mean: np.ndarray, inverse_std: np.ndarray, dy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the gradients dx, dgamma and dbeta from dy = dL/dy, of x's shape. For the parameters of a channel:

        dgamma = sum of dy x_hat        dbeta = sum of dy

    An input x_i reaches the loss in three ways: through its own x_hat_i, through the mean and through the variance that
    it shares with the M values of its channel. Write g = dL/dx_hat = gamma dy, and s = inverse_std. Then, with
    d mean / d x_i = 1/M, and d variance / d x_i = 2 (x_i - mean) / M, so that d s / d x_i = -s^2 x_hat_i / M,

        d x_hat_j / d x_i = s (1 if i = j else 0)  -  s / M  -  s x_hat_j x_hat_i / M

        dx_i = sum_j g_j d x_hat_j / d x_i = s (g_i  -  mean(g)  -  x_hat_i mean(g x_hat))

    In words: take out of g what would only move the mean or stretch the deviation, since normalisation undoes both.
    """
    batch_axes = tuple(range(x.ndim - 1))
    x_hat = (x - mean) * inverse_std
    dbeta = dy.sum(axis=batch_axes, dtype=np.float64).astype(x.dtype)
    dgamma = (dy * x_hat).sum(axis=batch_axes, dtype=np.float64).astype(x.dtype)
    count = x.size // x.shape[-1]  # M
    dx = gamma * inverse_std * (dy - dbeta / count - x_hat * (dgamma / count))  # mean(g) = gamma dbeta / M
    return dx, dgamma, dbeta


def update_moving_statistics(
    mean: np.ndarray,
    variance: np.ndarray,
    momentum: float,
    moving_mean: np.ndarray,
    moving_variance: np.ndarray,
) -> None:
    """Let the moving averages follow the statistics of a batch, as ``batch_norm_forward`` has written them:

        moving = momentum moving + (1 - momentum) batch

    All arrays are (C,); the last two are changed.
    """
    moving_mean[...] = momentum * moving_mean + (1 - momentum) * mean
    moving_variance[...] = momentum * moving_variance + (1 - momentum) * variance


def batch_norm_inference(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    moving_mean: np.ndarray,
    moving_variance: np.ndarray,
    epsilon: float,
) -> np.ndarray:
    """Normalise with the statistics remembered from training, (C,) each: y no longer depends on the other samples."""
    return gamma * ((x - moving_mean) / np.sqrt(moving_variance + epsilon)) + beta
