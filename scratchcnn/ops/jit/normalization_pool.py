"""Batch normalisation, ReLU and max-pool in one pass: of the normalised image only what the pool leaves is stored.

The windows of a line are worked on together, one of their positions after the other: the pixels that they have there
are first copied side by side (``collect``). The innermost loops are then as long as a line of y, OW*C numbers, whatever
the pool and however few the channels. All lines in use, of windows, of coefficients and of sums, are in the L1 cache.

**Forward**, once the statistics are known: normalise and keep the largest so far, beginning with a 0 that is in no
window: the ReLU. Pixels that no window looks at only count in the statistics.

**Backward**: each window hands its gradient to one pixel, if the ReLU let it through, so the channels' sums take one
term a window. But mean and variance tie all pixels together, and dx is dense:

    dx = factor dy + slope (x - mean) + constant

Its last two terms are written to the lines of an image that a line of windows needs, and the first is added where a
window's maximum was.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .channels import batch_statistics, input_gradient_coefficients, line_sums, spread
from .convolution.shapes import OFF, Pair
from .machine.tile import copy_run
from .runtime.arguments import read_array, read_arrays, read_dims
from .runtime.chunks import chunk_range, chunks_for_rows, chunks_of_reduction, part_of
from .runtime.compile import device, native
from .runtime.launch import exclusive, run
from .runtime.scratch import scratch


class PooledNorm(NamedTuple):
    """The integers of a batch normalisation with a pool PH PW behind it, whose output is OH OW."""

    N: int
    H: int
    W: int
    C: int
    OH: int
    OW: int
    PH: int
    PW: int
    stride_y: int
    stride_x: int
    L: int  # OW * C, the numbers in a line of y, of coefficients and of sums

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray, pool_size: Pair, pool_strides: Pair) -> PooledNorm:
        """Return the numbers for an input x and a pooled output y."""
        N, H, W, C = x.shape
        _, OH, OW, _ = y.shape
        return cls(N, H, W, C, OH, OW, *pool_size, *pool_strides, OW * C)


@exclusive
def batch_norm_relu_pool_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    epsilon: float,
    pool_size: Pair,
    pool_strides: Pair,
    y: np.ndarray,
    index: np.ndarray,
    mean: np.ndarray,
    inverse_std: np.ndarray,
    variance: np.ndarray,
) -> None:
    """Compute y = ReLU(max-pool(batch normalisation)); ``index``: each maximum's position, or 255 where y is 0."""
    batch_statistics(x, epsilon, mean, inverse_std, variance)
    g = PooledNorm.of(x, y, pool_size, pool_strides)
    chunks = chunks_for_rows(g.N * g.OH)
    pixels = scratch("pixels", (chunks, g.L), x.dtype)
    run(_normalize(x.dtype), chunks, g, x, gamma, beta, mean, inverse_std, pixels, y, index)


@exclusive
def batch_norm_relu_pool_backward(
    x: np.ndarray,
    gamma: np.ndarray,
    mean: np.ndarray,
    inverse_std: np.ndarray,
    dy: np.ndarray,
    index: np.ndarray,
    pool_size: Pair,
    pool_strides: Pair,
    dx: np.ndarray,
    dgamma: np.ndarray,
    dbeta: np.ndarray,
) -> None:
    """Compute the gradients of ``batch_norm_relu_pool_forward`` from its ``index``: which pixel won, if it passed."""
    g, dtype = PooledNorm.of(x, dy, pool_size, pool_strides), x.dtype
    chunks = chunks_of_reduction(g.N * g.OH, 16 * g.L)
    pixels = scratch("pixels", (chunks, 2 * g.L), x.dtype)
    sums = line_sums(_winner_sums(dtype), chunks, g, x, dy, mean, pixels, index)
    coefficients = input_gradient_coefficients(g, x.size // g.C, gamma, mean, inverse_std, sums, dgamma, dbeta)
    chunks = chunks_for_rows(g.N)
    pixels = scratch("pixels", (chunks, g.L), x.dtype)
    run(_input_gradient(dtype), chunks, g, x, dy, coefficients, pixels, dx, index)


@cache
def _normalize(dtype):
    @native
    def normalize_relu_pool(chunk, chunks, dims, pointers):
        """A chunk of the lines of y: the largest scale (x - mean) + shift of each window, or 0 if that is larger."""
        g = read_dims(dims, PooledNorm)
        x, gamma, beta, mean, inverse_std, lines, y = read_arrays(pointers, 7, dtype)
        index = read_array(pointers, 7, np.uint8)
        mean, shift, scale = spread(mean, g.L), spread(beta, g.L), spread(gamma * inverse_std, g.L)
        pixels = part_of(lines, chunk, chunks)
        for row in chunk_range(g.N * g.OH, chunk, chunks):
            best, winner = y[row * g.L : (row + 1) * g.L], index[row * g.L : (row + 1) * g.L]
            best[:] = 0
            winner[:] = OFF
            for position in range(g.PH * g.PW):
                number = np.uint8(position)
                collect(x, g, row, position, pixels)
                for i in range(g.L):
                    value = scale[i] * (pixels[i] - mean[i]) + shift[i]
                    if (value > best[i]) | ((value != value) & (best[i] == best[i])):  # a NaN wins, and stays
                        best[i], winner[i] = value, number

    return normalize_relu_pool


@cache
def _winner_sums(dtype):
    @native
    def channel_winner_sums(chunk, chunks, dims, pointers):
        """Sums of dy and, after them, of dy (x - mean), over the windows whose maximum passed the ReLU."""
        g = read_dims(dims, PooledNorm)
        x, dy, mean, lines = read_arrays(pointers, 4, dtype)
        index = read_array(pointers, 4, np.uint8)
        sums = part_of(read_array(pointers, 5, np.float64), chunk, chunks)
        gradient_sum, deviation_sum = sums[: g.L], sums[g.L :]
        sums[:] = 0
        own = part_of(lines, chunk, chunks)
        pixels, maximum = own[: g.L], own[g.L :]
        maximum[:] = 0
        zero, mean = x.dtype.type(0), spread(mean, g.L)
        for row in chunk_range(g.N * g.OH, chunk, chunks):
            gradients, winner = dy[row * g.L : (row + 1) * g.L], index[row * g.L : (row + 1) * g.L]
            for position in range(g.PH * g.PW):
                number = np.uint8(position)
                collect(x, g, row, position, pixels)
                for i in range(g.L):
                    if winner[i] == number:
                        maximum[i] = pixels[i]
            for i in range(g.L):
                gradient = np.float64(gradients[i] if winner[i] != OFF else zero)
                gradient_sum[i] += gradient
                deviation_sum[i] += gradient * np.float64(maximum[i] - mean[i])

    return channel_winner_sums


@cache
def _input_gradient(dtype):
    @native
    def pooled_input_gradient(chunk, chunks, dims, pointers):
        """A chunk of the images, for each line of windows the dense part of dx, then the windows' gradients."""
        g = read_dims(dims, PooledNorm)
        x, dy, coefficients, lines, dx = read_arrays(pointers, 5, dtype)
        index = read_array(pointers, 5, np.uint8)
        factor, slope = spread(coefficients[: g.C], g.L), spread(coefficients[g.C : 2 * g.C], g.L)
        constant, mean = spread(coefficients[2 * g.C : 3 * g.C], g.L), spread(coefficients[3 * g.C :], g.L)
        pixels = part_of(lines, chunk, chunks)
        for n in chunk_range(g.N, chunk, chunks):
            written = n * g.H  # lines that have their dense part
            for row in range(n * g.OH, (n + 1) * g.OH):
                oy = row - n * g.OH
                needed = n * g.H + (oy * g.stride_y + g.PH if oy + 1 < g.OH else g.H)
                write_dense_part(x, slope, mean, constant, dx, g, written * g.W * g.C, needed * g.W * g.C)
                written = needed
                gradients, winner = dy[row * g.L : (row + 1) * g.L], index[row * g.L : (row + 1) * g.L]
                for position in range(g.PH * g.PW):
                    number = np.uint8(position)
                    collect(dx, g, row, position, pixels)
                    for i in range(g.L):
                        if winner[i] == number:
                            pixels[i] += factor[i] * gradients[i]
                    put_back(pixels, g, row, position, dx)

    return pooled_input_gradient


@device
def write_dense_part(x, slope, mean, constant, dx, g, start, end):
    """Write dx = slope (x - mean) + constant from element ``start`` to ``end``, both the first of a pixel."""
    for first in range(start, end, g.L):
        values, results = x[first : min(first + g.L, end)], dx[first : min(first + g.L, end)]
        for i in range(values.size):
            results[i] = slope[i] * (values[i] - mean[i]) + constant[i]


@device
def collect(x, g, row, position, pixels):
    """Copy the pixels that the windows of line ``row`` have at ``position`` side by side into ``pixels``, OW*C."""
    first, step = first_pixel(g, row, position), g.stride_x * g.C
    for ox in range(g.OW):
        copy_run(x, first + ox * step, pixels, ox * g.C, g.C)


@device
def put_back(pixels, g, row, position, x):
    """Copy what ``collect`` has collected back to where it was."""
    first, step = first_pixel(g, row, position), g.stride_x * g.C
    for ox in range(g.OW):
        copy_run(pixels, ox * g.C, x, first + ox * step, g.C)


@device
def first_pixel(g, row, position):
    """Return where in the images the pixel at ``position`` of the first window of line ``row`` begins."""
    n, oy = row // g.OH, row % g.OH
    line = n * g.H + oy * g.stride_y + position // g.PW
    return (line * g.W + position % g.PW) * g.C
