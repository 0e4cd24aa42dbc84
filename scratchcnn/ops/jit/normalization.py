"""Batch normalisation, alone or with a ReLU behind it: sums over the batch for each channel, then one pass.

x is read as a matrix of M rows (the batch's pixels) and C channels, and the matrix in *lines* of L numbers: as many
whole pixels as make a few hundred. The sums and coefficients of the channels are kept once for every pixel of a line,
so that the innermost loop, which the compiler turns into SIMD instructions, is long even where there are few channels;
at the end the sums of a line's pixels are added up. Sums run over fixed slices of the rows, in float64, and are added
in order.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .kernel import array_of, arrays, geometry, kernel, operation, precision_of, run
from .launch import add_slices, row_slices, scratch, sum_slices

ROWS = 64  # rows that are worth the launch of another thread
LINE = 256  # numbers in a line, about


class Matrix(NamedTuple):
    """The numbers of a batch normalisation: rows, channels, and numbers in a line, a multiple of the channels."""

    M: int
    C: int
    L: int

    @classmethod
    def of(cls, x: np.ndarray, line: int = LINE) -> Matrix:
        """Return the numbers for an input x, in lines of ``line`` numbers or as many as make whole pixels."""
        C = x.shape[-1]
        return cls(x.size // C, C, C * max(1, line // C))

    def line(self, *coefficients: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Return coefficients, (C,) each, as (count, L): once for every pixel of a line."""
        return np.tile(np.stack(coefficients).astype(dtype), self.L // self.C)


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
    batch_statistics(x, epsilon, mean, inverse_std)
    _scale_and_shift(x, gamma, beta, mean, inverse_std, y, relu=False)


@operation
def batch_norm_relu_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    epsilon: float,
    y: np.ndarray,
    mean: np.ndarray,
    inverse_std: np.ndarray,
) -> None:
    """Compute y = ReLU(batch normalisation of x)."""
    batch_statistics(x, epsilon, mean, inverse_std)
    _scale_and_shift(x, gamma, beta, mean, inverse_std, y, relu=True)


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
    inverse_std = 1 / np.sqrt(moving_variance.astype(np.float64) + epsilon)
    _scale_and_shift(x, gamma, beta, moving_mean, inverse_std, y, relu=False)


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
    _backward(x, gamma, mean, inverse_std, dy, dy, dx, dgamma, dbeta, relu=False)


@operation
def batch_norm_relu_backward(
    x: np.ndarray,
    gamma: np.ndarray,
    mean: np.ndarray,
    inverse_std: np.ndarray,
    y: np.ndarray,
    dy: np.ndarray,
    dx: np.ndarray,
    dgamma: np.ndarray,
    dbeta: np.ndarray,
) -> None:
    """Do as ``batch_norm_backward``, with dy counted as 0 where the output y is not positive."""
    _backward(x, gamma, mean, inverse_std, y, dy, dx, dgamma, dbeta, relu=True)


def batch_statistics(x: np.ndarray, epsilon: float, mean: np.ndarray, inverse_std: np.ndarray) -> None:
    """Write the mean of each channel, and 1 / sqrt(variance + epsilon), from one pass over x.

    With d = x - x0, for any x0:   mean = x0 + mean(d),   variance = mean(d^2) - mean(d)^2.

    The difference is exact enough if x0 is one of the numbers: then (x0 - mean)^2 is at most M times the variance, and
    in the worst case log10(M) of the 16 digits of float64 cancel. Here x0 is the first pixel.
    """
    g = Matrix.of(x)
    first = x.reshape(-1, g.C)[0]
    sums = channel_sums(_moments(precision_of(x.dtype)), _slices(g), g, x, g.line(first, dtype=x.dtype))
    deviation, square = sums / g.M
    mean[...] = first + deviation
    inverse_std[...] = 1 / np.sqrt(square - deviation**2 + epsilon)


def input_gradient_coefficients(
    g: Matrix, gamma: np.ndarray, mean: np.ndarray, inverse_std: np.ndarray, sums: np.ndarray, dtype: np.dtype
) -> np.ndarray:
    """Return factor, slope, constant, mean, line by line, of dx = factor dy + slope (x - mean) + constant.

    ``sums`` (2, C) are those of dy and of dy (x - mean).
    """
    dbeta, dgamma = sums[0], sums[1] * inverse_std
    factor = gamma.astype(np.float64) * inverse_std
    return g.line(factor, -factor * inverse_std * dgamma / g.M, -factor * dbeta / g.M, mean, dtype=dtype)


def channel_sums(address: int, slices: int, g: Any, *operands: np.ndarray) -> np.ndarray:
    """Run a kernel that sums into two lines for each slice, and return the two totals of each channel, (2, C)."""
    sums = scratch("channel sums", (slices, 2 * g.L), np.float64)
    run(address, slices, g, *operands, sums)
    return add_slices(sums).reshape(2, g.L // g.C, g.C).sum(axis=1)


def _slices(g: Matrix) -> int:
    return sum_slices(g.M // ROWS, 16 * g.L)


def _scale_and_shift(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    inverse_std: np.ndarray,
    y: np.ndarray,
    relu: bool,
) -> None:
    g = Matrix.of(x)
    coefficients = g.line(mean, gamma * inverse_std, beta, dtype=x.dtype)
    run(_scale(precision_of(x.dtype), relu), row_slices(g.M // ROWS), g, x, coefficients, y)


def _backward(
    x: np.ndarray,
    gamma: np.ndarray,
    mean: np.ndarray,
    inverse_std: np.ndarray,
    y: np.ndarray,
    dy: np.ndarray,
    dx: np.ndarray,
    dgamma: np.ndarray,
    dbeta: np.ndarray,
    relu: bool,
) -> None:
    g, precision = Matrix.of(x), precision_of(x.dtype)
    sums = channel_sums(_gradient_sums(precision, relu), _slices(g), g, x, y, dy, g.line(mean, dtype=x.dtype))
    dbeta[...] = sums[0]
    dgamma[...] = sums[1] * inverse_std
    coefficients = input_gradient_coefficients(g, gamma, mean, inverse_std, sums, x.dtype)
    run(_input_gradient(precision, relu), row_slices(g.M // ROWS), g, x, y, dy, coefficients, dx)


@cache
def _moments(precision):
    @kernel
    def channel_moments(s, slices, numbers, addresses):
        """Sums of d = x - first and, after them, of d^2."""
        g = geometry(numbers, Matrix)
        x, first = arrays(addresses, 2, precision)
        sums = array_of(addresses, 2, np.float64, precision)[s * 2 * g.L : (s + 1) * 2 * g.L]
        sums[:] = 0
        deviation_sum, square_sum = sums[: g.L], sums[g.L :]
        end = (s + 1) * g.M // slices * g.C
        for start in range(s * g.M // slices * g.C, end, g.L):
            values = x[start : min(start + g.L, end)]
            for i in range(values.size):
                deviation = np.float64(values[i]) - np.float64(first[i])
                deviation_sum[i] += deviation
                square_sum[i] += deviation * deviation

    return channel_moments


@cache
def _scale(precision, relu):
    @kernel
    def scale_and_shift(s, slices, numbers, addresses):
        """y = scale (x - mean) + shift, and the ReLU of it."""
        g = geometry(numbers, Matrix)
        x, coefficients, y = arrays(addresses, 3, precision)
        mean, scale, shift = coefficients[: g.L], coefficients[g.L : 2 * g.L], coefficients[2 * g.L :]
        end = (s + 1) * g.M // slices * g.C
        for start in range(s * g.M // slices * g.C, end, g.L):
            values, results = x[start : min(start + g.L, end)], y[start : min(start + g.L, end)]
            for i in range(values.size):
                value = scale[i] * (values[i] - mean[i]) + shift[i]
                results[i] = 0 if relu and value <= 0 else value

    return scale_and_shift


@cache
def _gradient_sums(precision, relu):
    @kernel
    def channel_gradient_sums(s, slices, numbers, addresses):
        """Sums of dy and, after them, of dy (x - mean)."""
        g = geometry(numbers, Matrix)
        x, y, dy, mean = arrays(addresses, 4, precision)
        sums = array_of(addresses, 4, np.float64, precision)[s * 2 * g.L : (s + 1) * 2 * g.L]
        sums[:] = 0
        zero = x.dtype.type(0)
        gradient_sum, deviation_sum = sums[: g.L], sums[g.L :]
        end = (s + 1) * g.M // slices * g.C
        for start in range(s * g.M // slices * g.C, end, g.L):
            stop = min(start + g.L, end)
            values, outputs, gradients = x[start:stop], y[start:stop], dy[start:stop]
            for i in range(values.size):
                gradient = np.float64(gradients[i] if not relu or outputs[i] > 0 else zero)
                gradient_sum[i] += gradient
                deviation_sum[i] += gradient * np.float64(values[i] - mean[i])

    return channel_gradient_sums


@cache
def _input_gradient(precision, relu):
    @kernel
    def batch_norm_input_gradient(s, slices, numbers, addresses):
        """dx = factor dy + slope (x - mean) + constant."""
        g = geometry(numbers, Matrix)
        x, y, dy, coefficients, dx = arrays(addresses, 5, precision)
        factor, slope = coefficients[: g.L], coefficients[g.L : 2 * g.L]
        constant, mean = coefficients[2 * g.L : 3 * g.L], coefficients[3 * g.L :]
        zero = x.dtype.type(0)
        end = (s + 1) * g.M // slices * g.C
        for start in range(s * g.M // slices * g.C, end, g.L):
            stop = min(start + g.L, end)
            values, outputs, gradients, results = x[start:stop], y[start:stop], dy[start:stop], dx[start:stop]
            for i in range(values.size):
                gradient = gradients[i] if not relu or outputs[i] > 0 else zero
                results[i] = factor[i] * gradient + slope[i] * (values[i] - mean[i]) + constant[i]

    return batch_norm_input_gradient
