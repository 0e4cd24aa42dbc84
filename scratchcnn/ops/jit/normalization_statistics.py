"""What batch normalisations share: the statistics of each channel, and how sums over the batch are made.

x is read as a matrix of M rows (the batch's pixels) and C channels, and the matrix in *lines* of L numbers: as many
whole pixels as make a few hundred. The sums and coefficients of the channels are kept once for every pixel of a line,
so that the innermost loop, which the compiler turns into SIMD instructions, is long even where there are few channels;
at the end the sums of a line's pixels are added up. Sums run over fixed chunks of the rows, in float64, and are added
in order.
"""

from typing import NamedTuple

import numpy as np

from ...types import Array
from .runtime.arguments import read_array, read_arrays, read_dims
from .runtime.chunks import chunks_for_rows, chunks_of_reduction, part_of
from .runtime.compile import device, native
from .runtime.launch import exclusive, run
from .runtime.scratch import scratch
from .shared.reduce import add_stretch

ROWS = 64  # rows that are worth the launch of another thread
LINE = 256  # numbers in a line, about


class Matrix(NamedTuple):
    """The integers of a batch normalisation: rows, channels, and numbers in a line, a multiple of the channels."""

    M: int
    C: int
    L: int

    @classmethod
    def of(cls, x: Array) -> "Matrix":
        """Return the numbers for an input x, in lines of ``LINE`` numbers or as many as make whole pixels."""
        C = x.shape[-1]
        return cls(x.size // C, C, C * max(1, LINE // C))

    def chunks(self) -> int:
        """Return the number of chunks where each row has a result of its own."""
        return chunks_for_rows(self.M // ROWS)


def line_sums(address: int, g: Matrix, *operands: Array) -> Array:
    """Run a kernel that sums over the rows, into two lines for each chunk, and return these, (chunks, 2 L)."""
    chunks = chunks_of_reduction(g.M // ROWS, 16 * g.L)
    sums = scratch("channel sums", (chunks, 2 * g.L), np.float64)
    run(address, chunks, g, *operands, sums)
    return sums


def batch_statistics(x: Array, epsilon: float, mean: Array, inverse_std: Array, variance: Array) -> None:
    """Write mean and variance of each channel, and 1 / sqrt(variance + epsilon), from one pass over x.

    With d = x - x0, for any x0:   mean = x0 + mean(d),   variance = mean(d^2) - mean(d)^2.

    The difference is exact enough if x0 is one of the numbers: then (x0 - mean)^2 is at most M times the variance, and
    in the worst case log10(M) of the 16 digits of float64 cancel. Here x0 is the first pixel.
    """
    g, dtype = Matrix.of(x), x.dtype
    sums = line_sums(_moments(dtype), g, x)
    run(_statistics(dtype), 1, g, x, mean, inverse_std, variance, sums, np.array([epsilon]))


@exclusive
def update_moving_statistics(
    mean: Array, variance: Array, momentum: float, moving_mean: Array, moving_variance: Array
) -> None:
    """Compute moving = momentum moving + (1 - momentum) batch, of mean and variance."""
    g = Matrix(1, mean.size, mean.size)
    run(_move(mean.dtype), 1, g, mean, variance, moving_mean, moving_variance, np.array([momentum]))


@device
def repeat_channels(values, size):
    """Return a line: the values of the channels, once for each of its pixels."""
    line = np.empty(size, values.dtype)
    for start in range(0, size, values.size):
        for c in range(values.size):
            line[start + c] = values[c]
    return line


@device
def channel_totals(sums, L, C):
    """Add up two lines of sums: over the chunks, in order, and over the pixels of a line; the totals are (2 C,)."""
    add_stretch(sums, sums.size // (2 * L), 2 * L, 0, 2 * L)
    totals = np.zeros(2 * C)
    for line in range(2):
        for start in range(line * L, (line + 1) * L, C):
            for c in range(C):
                totals[line * C + c] += sums[start + c]
    return totals


@native
def _moments(dtype):
    def channel_moments(chunk, chunks, dims, pointers):
        """Sums of d = x - first and, after them, of d^2."""
        g = read_dims(dims, Matrix)
        (x,) = read_arrays(pointers, 1, dtype)
        sums = part_of(read_array(pointers, 1, np.float64), chunk, chunks)
        sums[:] = 0
        first = repeat_channels(x[: g.C], g.L)
        deviation_sum, square_sum = sums[: g.L], sums[g.L :]
        end = (chunk + 1) * g.M // chunks * g.C
        for start in range(chunk * g.M // chunks * g.C, end, g.L):
            values = x[start : min(start + g.L, end)]
            for i in range(values.size):
                deviation = np.float64(values[i]) - np.float64(first[i])
                deviation_sum[i] += deviation
                square_sum[i] += deviation * deviation

    return channel_moments


@native
def _statistics(dtype):
    def channel_statistics(chunk, chunks, dims, pointers):
        """Mean, variance and 1 / sqrt(variance + epsilon) of each channel from the sums of the moments."""
        g = read_dims(dims, Matrix)
        x, mean, inverse_std, variance = read_arrays(pointers, 4, dtype)
        epsilon = read_array(pointers, 5, np.float64)[0]
        totals = channel_totals(read_array(pointers, 4, np.float64), g.L, g.C)
        for c in range(g.C):
            deviation, square = totals[c] / g.M, totals[g.C + c] / g.M
            mean[c] = np.float64(x[c]) + deviation
            squared = square - deviation * deviation
            squared = 0.0 if squared < 0 else squared  # by rounding only; a NaN stays one
            inverse_std[c] = 1 / np.sqrt(squared + epsilon)
            variance[c] = squared

    return channel_statistics


@native
def _move(dtype):
    def moving_statistics(chunk, chunks, dims, pointers):
        g = read_dims(dims, Matrix)
        mean, variance, moving_mean, moving_variance = read_arrays(pointers, 4, dtype)
        momentum = read_array(pointers, 4, np.float64)[0]
        for c in range(g.C):
            moving_mean[c] = momentum * moving_mean[c] + (1 - momentum) * mean[c]
            moving_variance[c] = momentum * moving_variance[c] + (1 - momentum) * variance[c]

    return moving_statistics
