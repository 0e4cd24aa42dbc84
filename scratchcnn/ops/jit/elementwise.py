"""Operations on each number by itself: ReLU, leaky ReLU, rescaling, dropout.

Memory is the limit here, not arithmetic. Each chunk works on one stretch of the flat arrays, from front to back; the
compiler turns the loops into SIMD instructions by itself, since nothing in them depends on the element before.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from .runtime.arguments import read_array, read_arrays, read_dims
from .runtime.chunks import BLOCK, chunks_for_rows
from .runtime.compile import device, native
from .runtime.launch import exclusive, run

PAIRS = 256  # of elements, whose random bits are made at a time (dropout)


class Flat(NamedTuple):
    """The integers of an elementwise kernel."""

    size: int
    threshold: int = 0  # dropout: what the 32 random bits of a kept element are at least


@exclusive
def relu_forward(x: np.ndarray, y: np.ndarray) -> None:
    """Compute y = max(x, 0); a NaN stays a NaN."""
    _run(_relu_forward(y.dtype), y.size, x, y)


@exclusive
def relu_backward(y: np.ndarray, dy: np.ndarray, dx: np.ndarray) -> None:
    """Compute dx = dy where y > 0, and 0 elsewhere."""
    _run(_relu_backward(y.dtype), y.size, y, dy, dx)


@exclusive
def leaky_relu_forward(x: np.ndarray, negative_slope: float, y: np.ndarray) -> None:
    """Compute y = x where x > 0, and negative_slope * x elsewhere."""
    _run(_leaky_relu(y.dtype), y.size, x, x, np.array([negative_slope], y.dtype), y)


@exclusive
def leaky_relu_backward(x: np.ndarray, negative_slope: float, dy: np.ndarray, dx: np.ndarray) -> None:
    """Compute dx = dy where x > 0, and negative_slope * dy elsewhere."""
    _run(_leaky_relu(x.dtype), x.size, x, dy, np.array([negative_slope], x.dtype), dx)


@exclusive
def rescale_forward(x: np.ndarray, scale: float, offset: float, y: np.ndarray) -> None:
    """Compute y = scale * x + offset, for x of any real dtype."""
    scalars = np.array([scale, offset], y.dtype)
    if x.dtype == np.uint8:
        _run(_rescale_bytes(y.dtype), y.size, y, scalars, x)
    else:
        _run(_rescale(y.dtype), y.size, y, scalars, x.astype(y.dtype, copy=False))


@exclusive
def rescale_backward(dy: np.ndarray, scale: float, dx: np.ndarray) -> None:
    """Compute dx = scale * dy."""
    _run(_rescale(dx.dtype), dx.size, dx, np.array([scale, 0], dx.dtype), dy)


@exclusive
def dropout_forward(x: np.ndarray, rate: float, seed: np.ndarray, y: np.ndarray) -> None:
    """Compute y = x / (1 - rate) for the elements that ``seed`` keeps, and 0 for the others."""
    dims = Flat(y.size, min(math.ceil(rate * 2**32), 2**32 - 1))
    run(
        _dropout(y.dtype),
        chunks_for_rows(y.size // BLOCK),
        dims,
        x,
        np.array([1 / (1 - rate)], y.dtype),
        y,
        seed,
    )


@exclusive
def dropout_backward(dy: np.ndarray, rate: float, seed: np.ndarray, dx: np.ndarray) -> None:
    """Compute dx = dy / (1 - rate) for the elements that ``seed`` keeps, and 0 for the others."""
    dropout_forward(dy, rate, seed, dx)


def _run(address: int, size: int, *operands: np.ndarray) -> None:
    run(address, chunks_for_rows(size // BLOCK), Flat(size), *operands)


@device
def chunk_of(chunk, chunks, size):
    """Return the first element of this chunk and the element after its last; chunks meet at cache lines."""
    lines = (size + 15) // 16
    return min(size, chunk * lines // chunks * 16), min(size, (chunk + 1) * lines // chunks * 16)


@cache
def _relu_forward(dtype):
    @native
    def relu_forward(chunk, chunks, dims, pointers):
        x, y = read_arrays(pointers, 2, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        x, y = x[first:last], y[first:last]
        for i in range(y.size):
            y[i] = 0 if x[i] <= 0 else x[i]

    return relu_forward


@cache
def _relu_backward(dtype):
    @native
    def relu_backward(chunk, chunks, dims, pointers):
        y, dy, dx = read_arrays(pointers, 3, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        y, dy, dx = y[first:last], dy[first:last], dx[first:last]
        for i in range(y.size):
            dx[i] = dy[i] if y[i] > 0 else 0

    return relu_backward


@cache
def _leaky_relu(dtype):
    @native
    def leaky_relu(chunk, chunks, dims, pointers):
        """The way forward and back are one function: the sign of x decides whether ``value`` is scaled."""
        x, value, slope, result = read_arrays(pointers, 4, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        x, value, result = x[first:last], value[first:last], result[first:last]
        for i in range(x.size):
            result[i] = value[i] if x[i] > 0 else slope[0] * value[i]

    return leaky_relu


@cache
def _rescale(dtype):
    @native
    def rescale(chunk, chunks, dims, pointers):
        y, scalars, x = read_arrays(pointers, 3, dtype)
        scale, offset = scalars[0], scalars[1]
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        x, y = x[first:last], y[first:last]
        for i in range(y.size):
            y[i] = scale * x[i] + offset

    return rescale


@cache
def _rescale_bytes(dtype):
    @native
    def rescale_bytes(chunk, chunks, dims, pointers):
        y, scalars = read_arrays(pointers, 2, dtype)
        x = read_array(pointers, 2, np.uint8)
        scale, offset = scalars[0], scalars[1]
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        x, y = x[first:last], y[first:last]
        for i in range(y.size):
            y[i] = scale * y.dtype.type(x[i]) + offset

    return rescale_bytes


@cache
def _dropout(dtype):
    @native
    def dropout(chunk, chunks, dims, pointers):
        """Element i is kept where half of output i // 2 of the splitmix64 generator reaches the threshold.

        The outputs are made for a few hundred elements at a time, in L1, where they are then read as twice as many
        numbers of 32 bits. Two multiplications of 64 bits for each pair of elements are what takes the time.
        """
        x, scales, y = read_arrays(pointers, 3, dtype)
        seed = read_array(pointers, 3, np.uint64)[0]
        g = read_dims(dims, Flat)
        threshold = np.uint32(g.threshold)
        scale = scales[0]
        outputs = np.empty(PAIRS, np.uint64)
        halves = outputs.view(np.uint32)  # the lower one first: the CPUs that numba compiles for are little-endian
        first, last = chunk_of(chunk, chunks, g.size)
        steps = np.empty(PAIRS, np.uint64)
        for i in range(PAIRS):
            steps[i] = (np.uint64(i) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        for start in range(first, last, 2 * PAIRS):
            state = seed + np.uint64(start // 2) * np.uint64(0x9E3779B97F4A7C15)
            for i in range(PAIRS):
                z = state + steps[i]
                z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                outputs[i] = z ^ (z >> np.uint64(31))
            stop = min(start + 2 * PAIRS, last)
            values, results = x[start:stop], y[start:stop]
            for i in range(results.size):
                results[i] = values[i] * scale if halves[i] >= threshold else 0

    return dropout
