"""Batch normalisation, alone or with a ReLU after it: sums over the batch for each channel, then one pass.

How the batch is cut into chunks and lines, and how its statistics are computed, is in ``normalization_statistics.py``.
"""

import numpy as np

from ...types import Array
from .normalization_statistics import Matrix, batch_statistics, channel_totals, line_sums, repeat_channels
from .runtime.arguments import read_array, read_arrays, read_dims
from .runtime.chunks import part_of
from .runtime.compile import native
from .runtime.launch import exclusive, run, tell_observer
from .runtime.scratch import scratch

Three = tuple[Array, Array, Array]  # dx, dgamma, dbeta
Statistics = tuple[Array, Array, Array, Array]  # y; mean, 1 / sqrt(variance + epsilon), variance


@exclusive
def batch_norm_forward(x: Array, gamma: Array, beta: Array, epsilon: float, *, out: Statistics) -> None:
    """Normalise with the batch's own mean and variance, and return both, and 1 / sqrt(variance + epsilon)."""
    _normalise(x, gamma, beta, epsilon, out, relu=False)


@exclusive
def batch_norm_relu_forward(x: Array, gamma: Array, beta: Array, epsilon: float, *, out: Statistics) -> None:
    """Compute y = ReLU(batch normalisation of x)."""
    _normalise(x, gamma, beta, epsilon, out, relu=True)


@exclusive
def batch_norm_inference(
    x: Array, gamma: Array, beta: Array, moving_mean: Array, moving_variance: Array, epsilon: float, *, out: Array
) -> None:
    """Normalise with the statistics remembered from training."""
    g = Matrix.of(x)
    operands = x, gamma, beta, moving_mean, moving_variance, out, np.array([epsilon])
    run(_scale(x.dtype, False, True), g.chunks(), g, *operands)


@exclusive
def batch_norm_backward(x: Array, gamma: Array, mean: Array, inverse_std: Array, dy: Array, *, out: Three) -> None:
    """Compute dbeta = sum(dy), dgamma = sum(dy x_hat), dx = gamma s (dy - mean(dy) - x_hat mean(dy x_hat))."""
    _backward(x, gamma, mean, inverse_std, dy, dy, out, relu=False)


@exclusive
def batch_norm_relu_backward(
    x: Array, gamma: Array, mean: Array, inverse_std: Array, y: Array, dy: Array, *, out: Three
) -> None:
    """Like ``batch_norm_backward``, with dy counted as 0 where the output y is not positive."""
    _backward(x, gamma, mean, inverse_std, y, dy, out, relu=True)


@exclusive
def fold_batch_norm(
    kernel: Array,
    bias: Array | None,
    gamma: Array,
    beta: Array,
    mean: Array,
    variance: Array,
    epsilon: float,
    *,
    out: tuple[Array, Array],
) -> None:
    """Multiply a kernel by what a normalisation after it does: in NumPy, since it is done once for a whole batch."""

    def fold() -> None:
        factor = gamma / np.sqrt(variance + epsilon)  # (F,)
        np.multiply(kernel, factor, out=out[0])
        np.add((-mean if bias is None else bias - mean) * factor, beta, out=out[1])

    fold()
    tell_observer(fold)  # which repeats it before each replay


def _normalise(x: Array, gamma: Array, beta: Array, epsilon: float, out: Statistics, relu: bool) -> None:
    y, mean, inverse_std, variance = out
    batch_statistics(x, epsilon, mean, inverse_std, variance)
    g = Matrix.of(x)
    run(_scale(x.dtype, relu, False), g.chunks(), g, x, gamma, beta, mean, inverse_std, y)


def _backward(
    x: Array, gamma: Array, mean: Array, inverse_std: Array, y: Array, dy: Array, out: Three, relu: bool
) -> None:
    (dx, dgamma, dbeta), g, dtype = out, Matrix.of(x), x.dtype
    sums = line_sums(_gradient_sums(dtype, relu), g, x, y, dy, mean)
    coefficients = scratch("coefficients", (3, g.C), dtype)
    run(_coefficients(dtype), 1, g, gamma, inverse_std, dgamma, dbeta, coefficients, sums)
    run(_input_gradient(dtype, relu), g.chunks(), g, x, y, dy, mean, coefficients, dx)


@native
def _scale(dtype, relu, by_variance):
    def scale_and_shift(chunk, chunks, dims, pointers):
        """y = scale (x - mean) + shift, and the ReLU of it.

        The spread is 1 / sqrt(variance + epsilon), or the variance where ``by_variance`` says so.
        """
        g = read_dims(dims, Matrix)
        x, gamma, beta, mean, spread, y = read_arrays(pointers, 6, dtype)
        factor = gamma.copy()
        if by_variance:
            epsilon = read_array(pointers, 6, np.float64)[0]
            for c in range(g.C):
                factor[c] *= gamma.dtype.type(1 / np.sqrt(spread[c] + epsilon))
        else:
            for c in range(g.C):
                factor[c] *= spread[c]
        mean, shift, scale = repeat_channels(mean, g.L), repeat_channels(beta, g.L), repeat_channels(factor, g.L)
        end = (chunk + 1) * g.M // chunks * g.C
        for start in range(chunk * g.M // chunks * g.C, end, g.L):
            values, results = x[start : min(start + g.L, end)], y[start : min(start + g.L, end)]
            for i in range(values.size):
                value = scale[i] * (values[i] - mean[i]) + shift[i]
                results[i] = 0 if relu and value <= 0 else value

    return scale_and_shift


@native
def _gradient_sums(dtype, relu):
    def channel_gradient_sums(chunk, chunks, dims, pointers):
        """Sums of dy and, after them, of dy (x - mean)."""
        g = read_dims(dims, Matrix)
        x, y, dy, mean = read_arrays(pointers, 4, dtype)
        sums = part_of(read_array(pointers, 4, np.float64), chunk, chunks)
        sums[:] = 0
        zero, mean = x.dtype.type(0), repeat_channels(mean, g.L)
        gradient_sum, deviation_sum = sums[: g.L], sums[g.L :]
        end = (chunk + 1) * g.M // chunks * g.C
        for start in range(chunk * g.M // chunks * g.C, end, g.L):
            stop = min(start + g.L, end)
            values, outputs, gradients = x[start:stop], y[start:stop], dy[start:stop]
            for i in range(values.size):
                gradient = np.float64(gradients[i] if not relu or outputs[i] > 0 else zero)
                gradient_sum[i] += gradient
                deviation_sum[i] += gradient * np.float64(values[i] - mean[i])

    return channel_gradient_sums


@native
def _coefficients(dtype):
    def batch_norm_coefficients(chunk, chunks, dims, pointers):
        """From the sums of dy and dy (x - mean): dbeta, dgamma, and three numbers of a channel that dx is made of."""
        g = read_dims(dims, Matrix)
        gamma, inverse_std, dgamma, dbeta, coefficients = read_arrays(pointers, 5, dtype)
        totals = channel_totals(read_array(pointers, 5, np.float64), g.L, g.C)
        for c in range(g.C):
            scale = np.float64(inverse_std[c])
            beta_gradient, gamma_gradient, factor = totals[c], totals[g.C + c] * scale, gamma[c] * scale
            dbeta[c], dgamma[c] = beta_gradient, gamma_gradient
            coefficients[c] = factor
            coefficients[g.C + c] = -factor * scale * gamma_gradient / g.M
            coefficients[2 * g.C + c] = -factor * beta_gradient / g.M

    return batch_norm_coefficients


@native
def _input_gradient(dtype, relu):
    def batch_norm_input_gradient(chunk, chunks, dims, pointers):
        """dx = factor dy + slope (x - mean) + constant."""
        g = read_dims(dims, Matrix)
        x, y, dy, mean, coefficients, dx = read_arrays(pointers, 6, dtype)
        factor, slope = repeat_channels(coefficients[: g.C], g.L), repeat_channels(coefficients[g.C : 2 * g.C], g.L)
        constant, mean = repeat_channels(coefficients[2 * g.C :], g.L), repeat_channels(mean, g.L)
        zero = x.dtype.type(0)
        end = (chunk + 1) * g.M // chunks * g.C
        for start in range(chunk * g.M // chunks * g.C, end, g.L):
            stop = min(start + g.L, end)
            values, outputs, gradients, results = x[start:stop], y[start:stop], dy[start:stop], dx[start:stop]
            for i in range(values.size):
                gradient = gradients[i] if not relu or outputs[i] > 0 else zero
                results[i] = factor[i] * gradient + slope[i] * (values[i] - mean[i]) + constant[i]

    return batch_norm_input_gradient
