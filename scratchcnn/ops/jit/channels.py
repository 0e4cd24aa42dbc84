"""What batch normalisations share: the statistics of each channel, and how sums over the batch are made.

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

from .kernel import array_of, arrays, geometry, kernel, precision_of, run
from .launch import row_slices, scratch, sum_slices
from .sums import add_slices

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

    def slices(self) -> int:
        """Return the number of slices where each row has a result of its own."""
        return row_slices(self.M // ROWS)

    def sum_slices(self) -> int:
        """Return the number of slices of a sum over the rows."""
        return sum_slices(self.M // ROWS, 16 * self.L)


def channel_sums(address: int, slices: int, g: Any, *operands: np.ndarray) -> np.ndarray:
    """Run a kernel that sums into two lines for each slice, and return the two totals of each channel, (2, C)."""
    sums = scratch("channel sums", (slices, 2 * g.L), np.float64)
    run(address, slices, g, *operands, sums)
    return add_slices(sums).reshape(2, g.L // g.C, g.C).sum(axis=1)


def batch_statistics(x: np.ndarray, epsilon: float, mean: np.ndarray, inverse_std: np.ndarray) -> None:
    """Write the mean of each channel, and 1 / sqrt(variance + epsilon), from one pass over x.

    With d = x - x0, for any x0:   mean = x0 + mean(d),   variance = mean(d^2) - mean(d)^2.

    The difference is exact enough if x0 is one of the numbers: then (x0 - mean)^2 is at most M times the variance, and
    in the worst case log10(M) of the 16 digits of float64 cancel. Here x0 is the first pixel.
    """
    g = Matrix.of(x)
    first = x.reshape(-1, g.C)[0]
    sums = channel_sums(_moments(precision_of(x.dtype)), g.sum_slices(), g, x, g.line(first, dtype=x.dtype))
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
