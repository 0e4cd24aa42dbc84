"""Activations, number by number: ReLU, leaky ReLU."""

import numpy as np

from ...types import Array
from .runtime.arguments import read_arrays, read_dims
from .runtime.compile import native
from .runtime.launch import exclusive
from .shared.flat import Flat, chunk_of, run_flat


@exclusive
def relu_forward(x: Array, *, out: Array) -> None:
    """Compute y = max(x, 0); a NaN stays a NaN."""
    run_flat(_relu_forward(x.dtype), x.size, x, out)


@exclusive
def relu_backward(y: Array, dy: Array, *, out: Array) -> None:
    """Compute dx = dy where y > 0, and 0 elsewhere."""
    run_flat(_relu_backward(y.dtype), y.size, y, dy, out)


@exclusive
def leaky_relu_forward(x: Array, negative_slope: float, *, out: Array) -> None:
    """Compute y = x where x > 0, and negative_slope * x elsewhere."""
    run_flat(_leaky_relu(x.dtype), x.size, x, x, np.array([negative_slope], x.dtype), out)


@exclusive
def leaky_relu_backward(x: Array, negative_slope: float, dy: Array, *, out: Array) -> None:
    """Compute dx = dy where x > 0, and negative_slope * dy elsewhere."""
    run_flat(_leaky_relu(x.dtype), x.size, x, dy, np.array([negative_slope], x.dtype), out)


@native
def _relu_forward(dtype):
    def relu_forward(chunk, chunks, dims, pointers):
        x, y = read_arrays(pointers, 2, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        x, y = x[first:last], y[first:last]
        for i in range(y.size):
            y[i] = 0 if x[i] <= 0 else x[i]

    return relu_forward


@native
def _relu_backward(dtype):
    def relu_backward(chunk, chunks, dims, pointers):
        y, dy, dx = read_arrays(pointers, 3, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        y, dy, dx = y[first:last], dy[first:last], dx[first:last]
        for i in range(y.size):
            dx[i] = dy[i] if y[i] > 0 else 0

    return relu_backward


@native
def _leaky_relu(dtype):
    def leaky_relu(chunk, chunks, dims, pointers):
        """The way forward and back are one function: the sign of x decides whether ``value`` is scaled."""
        x, value, slope, result = read_arrays(pointers, 4, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        x, value, result = x[first:last], value[first:last], result[first:last]
        for i in range(x.size):
            result[i] = value[i] if x[i] > 0 else slope[0] * value[i]

    return leaky_relu
