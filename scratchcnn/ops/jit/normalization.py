"""Batch normalisation: sums over the batch for each channel, then one pass over the numbers.

x is read as a matrix of M rows (the batch's pixels) and C channels. Sums run over fixed slices of the rows, in float64,
and are added in order; the channels are innermost, side by side in memory, where the compiler finds its SIMD.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .kernel import array_of, arrays, geometry, kernel, operation, precision_of, run
from .launch import add_slices, row_slices, scratch, sum_slices

ROWS = 64  # rows that are worth the launch of another thread


class Matrix(NamedTuple):
    """The numbers of a batch normalisation: rows and channels."""

    M: int
    C: int


@operation
def batch_norm_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    epsilon: float,
    y: np.ndarray,
    mean: np.ndarray,
    inverse_std: np.ndarray,
) -> None:
    """Normalise with the batch's own mean and variance, and return both (the latter as 1 / standard deviation)."""
    M = x.size // x.shape[-1]
    mean[...] = _sum_over_rows(_sums(precision_of(x.dtype)), x, x, mean)[0] / M
    variance = _sum_over_rows(_square_sums(precision_of(x.dtype)), x, x, mean)[0] / M
    inverse_std[...] = 1 / np.sqrt(variance + epsilon)
    _scale_and_shift(x, gamma, beta, mean, inverse_std, y)


@operation
def batch_norm_backward(
    x: np.ndarray,
    gamma: np.ndarray,
    mean: np.ndarray,
    inverse_std: np.ndarray,
    dy: np.ndarray,
    dx: np.ndarray,
    dgamma: np.ndarray,
    dbeta: np.ndarray,
) -> None:
    """Compute dbeta = sum(dy), dgamma = sum(dy x_hat), dx = gamma s (dy - mean(dy) - x_hat mean(dy x_hat))."""
    M = x.size // x.shape[-1]
    dbeta_sum, deviation_sum = _sum_over_rows(_gradient_sums(precision_of(x.dtype)), x, x, dy, mean)
    dbeta[...] = dbeta_sum
    dgamma[...] = deviation_sum * inverse_std
    # dx = factor dy + slope (x - mean) + constant, channel by channel
    factor = gamma.astype(np.float64) * inverse_std
    slope = -factor * inverse_std * (deviation_sum * inverse_std) / M
    constant = -factor * dbeta_sum / M
    coefficients = np.stack([factor, slope, constant, mean]).astype(x.dtype)
    run(_input_gradient(precision_of(x.dtype)), row_slices(M // ROWS), Matrix(M, x.shape[-1]), x, dy, coefficients, dx)


@operation
def batch_norm_inference(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    moving_mean: np.ndarray,
    moving_variance: np.ndarray,
    epsilon: float,
    y: np.ndarray,
) -> None:
    """Normalise with the statistics remembered from training."""
    _scale_and_shift(x, gamma, beta, moving_mean, 1 / np.sqrt(moving_variance.astype(np.float64) + epsilon), y)


def _scale_and_shift(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, inverse_std: np.ndarray, y: np.ndarray
) -> None:
    coefficients = np.stack([mean, gamma * inverse_std, beta]).astype(x.dtype)
    M, C = x.size // x.shape[-1], x.shape[-1]
    run(_scale(precision_of(x.dtype)), row_slices(M // ROWS), Matrix(M, C), x, coefficients, y)


def _sum_over_rows(address: int, x: np.ndarray, *operands: np.ndarray) -> np.ndarray:
    """Run a kernel that sums over slices of the rows and return the totals, (2, C) in float64."""
    M, C = x.size // x.shape[-1], x.shape[-1]
    sums = scratch("channel sums", (sum_slices(M // ROWS, 16 * C), 2 * C), np.float64)
    run(address, len(sums), Matrix(M, C), *operands, sums)
    return add_slices(sums).reshape(2, C)


@cache
def _sums(precision):
    @kernel
    def channel_sums(s, slices, numbers, addresses):
        g = geometry(numbers, Matrix)
        x, _ = arrays(addresses, 2, precision)
        sums = array_of(addresses, 2, np.float64, precision)[s * 2 * g.C : (s + 1) * 2 * g.C]
        sums[:] = 0
        for row in range(s * g.M // slices, (s + 1) * g.M // slices):
            values = x[row * g.C : (row + 1) * g.C]
            for c in range(g.C):
                sums[c] += values[c]

    return channel_sums


@cache
def _square_sums(precision):
    @kernel
    def channel_square_sums(s, slices, numbers, addresses):
        g = geometry(numbers, Matrix)
        x, mean = arrays(addresses, 2, precision)
        sums = array_of(addresses, 2, np.float64, precision)[s * 2 * g.C : (s + 1) * 2 * g.C]
        sums[:] = 0
        for row in range(s * g.M // slices, (s + 1) * g.M // slices):
            values = x[row * g.C : (row + 1) * g.C]
            for c in range(g.C):
                sums[c] += np.float64(values[c] - mean[c]) ** 2

    return channel_square_sums


@cache
def _gradient_sums(precision):
    @kernel
    def channel_gradient_sums(s, slices, numbers, addresses):
        """Sums of dy and, after them, of dy (x - mean)."""
        g = geometry(numbers, Matrix)
        x, dy, mean = arrays(addresses, 3, precision)
        sums = array_of(addresses, 3, np.float64, precision)[s * 2 * g.C : (s + 1) * 2 * g.C]
        sums[:] = 0
        gradient_sum, deviation_sum = sums[: g.C], sums[g.C :]
        for row in range(s * g.M // slices, (s + 1) * g.M // slices):
            values, gradients = x[row * g.C : (row + 1) * g.C], dy[row * g.C : (row + 1) * g.C]
            for c in range(g.C):
                gradient_sum[c] += gradients[c]
                deviation_sum[c] += np.float64(gradients[c]) * np.float64(values[c] - mean[c])

    return channel_gradient_sums


@cache
def _scale(precision):
    @kernel
    def scale_and_shift(s, slices, numbers, addresses):
        """y = scale (x - mean) + shift, channel by channel."""
        g = geometry(numbers, Matrix)
        x, coefficients, y = arrays(addresses, 3, precision)
        mean, scale, shift = coefficients[: g.C], coefficients[g.C : 2 * g.C], coefficients[2 * g.C :]
        for row in range(s * g.M // slices, (s + 1) * g.M // slices):
            values, results = x[row * g.C : (row + 1) * g.C], y[row * g.C : (row + 1) * g.C]
            for c in range(g.C):
                results[c] = scale[c] * (values[c] - mean[c]) + shift[c]

    return scale_and_shift


@cache
def _input_gradient(precision):
    @kernel
    def batch_norm_input_gradient(s, slices, numbers, addresses):
        """dx = factor dy + slope (x - mean) + constant, channel by channel."""
        g = geometry(numbers, Matrix)
        x, dy, coefficients, dx = arrays(addresses, 4, precision)
        factor, slope = coefficients[: g.C], coefficients[g.C : 2 * g.C]
        constant, mean = coefficients[2 * g.C : 3 * g.C], coefficients[3 * g.C :]
        for row in range(s * g.M // slices, (s + 1) * g.M // slices):
            values, gradients = x[row * g.C : (row + 1) * g.C], dy[row * g.C : (row + 1) * g.C]
            results = dx[row * g.C : (row + 1) * g.C]
            for c in range(g.C):
                results[c] = factor[c] * gradients[c] + slope[c] * (values[c] - mean[c]) + constant[c]

    return batch_norm_input_gradient
