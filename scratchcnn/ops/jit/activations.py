"""Activations, number by number."""

import numpy as np

from ...types import Array
from .runtime.arguments import read_arrays, read_dims
from .runtime.compile import native
from .runtime.launch import exclusive
from .shared.flat import Flat, chunk_of, run_flat


@exclusive
def add(a: Array, b: Array, *, out: Array) -> None:
    """Compute a + b."""
    run_flat(_add(a.dtype), a.size, a, b, out)


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


@exclusive
def sigmoid_forward(x: Array, *, out: Array) -> None:
    """Compute y = 1 / (1 + exp(-x))."""
    run_flat(_sigmoid_forward(x.dtype), x.size, x, out)


@exclusive
def sigmoid_backward(y: Array, dy: Array, *, out: Array) -> None:
    """Compute dx = dy y (1 - y)."""
    run_flat(_sigmoid_backward(y.dtype), y.size, y, dy, out)


@exclusive
def tanh_forward(x: Array, *, out: Array) -> None:
    """Compute y = tanh(x)."""
    run_flat(_tanh_forward(x.dtype), x.size, x, out)


@exclusive
def tanh_backward(y: Array, dy: Array, *, out: Array) -> None:
    """Compute dx = dy (1 - y^2)."""
    run_flat(_tanh_backward(y.dtype), y.size, y, dy, out)


@exclusive
def elu_forward(x: Array, alpha: float, *, out: Array) -> None:
    """Compute y = x where x > 0, and alpha (exp(x) - 1) elsewhere."""
    run_flat(_elu_forward(x.dtype), x.size, x, np.array([alpha], x.dtype), out)


@exclusive
def elu_backward(y: Array, alpha: float, dy: Array, *, out: Array) -> None:
    """Compute dx = dy where y > 0, and dy (y + alpha) elsewhere."""
    run_flat(_elu_backward(y.dtype), y.size, y, dy, np.array([alpha], y.dtype), out)


@native
def _add(dtype):
    def add(chunk, chunks, dims, pointers):
        a, b, total = read_arrays(pointers, 3, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        a, b, total = a[first:last], b[first:last], total[first:last]
        for i in range(a.size):
            total[i] = a[i] + b[i]

    return add


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


@native
def _sigmoid_forward(dtype):
    def sigmoid_forward(chunk, chunks, dims, pointers):
        x, y = read_arrays(pointers, 2, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        x, y = x[first:last], y[first:last]
        one = y.dtype.type(1)
        for i in range(x.size):
            power = np.exp(-abs(x[i]))
            y[i] = (one if x[i] >= 0 else power) / (one + power)

    return sigmoid_forward


@native
def _sigmoid_backward(dtype):
    def sigmoid_backward(chunk, chunks, dims, pointers):
        y, dy, dx = read_arrays(pointers, 3, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        y, dy, dx = y[first:last], dy[first:last], dx[first:last]
        for i in range(y.size):
            dx[i] = dy[i] * y[i] * (1 - y[i])

    return sigmoid_backward


@native
def _tanh_forward(dtype):
    def tanh_forward(chunk, chunks, dims, pointers):
        x, y = read_arrays(pointers, 2, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        x, y = x[first:last], y[first:last]
        for i in range(x.size):
            y[i] = np.tanh(x[i])

    return tanh_forward


@native
def _tanh_backward(dtype):
    def tanh_backward(chunk, chunks, dims, pointers):
        y, dy, dx = read_arrays(pointers, 3, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        y, dy, dx = y[first:last], dy[first:last], dx[first:last]
        for i in range(y.size):
            dx[i] = dy[i] * (1 - y[i] * y[i])

    return tanh_backward


@native
def _elu_forward(dtype):
    def elu_forward(chunk, chunks, dims, pointers):
        x, alpha, y = read_arrays(pointers, 3, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        x, y = x[first:last], y[first:last]
        for i in range(x.size):
            y[i] = x[i] if x[i] > 0 else alpha[0] * np.expm1(x[i])

    return elu_forward


@native
def _elu_backward(dtype):
    def elu_backward(chunk, chunks, dims, pointers):
        y, dy, alpha, dx = read_arrays(pointers, 4, dtype)
        first, last = chunk_of(chunk, chunks, read_dims(dims, Flat).size)
        y, dy, dx = y[first:last], dy[first:last], dx[first:last]
        for i in range(y.size):
            dx[i] = dy[i] if y[i] > 0 else dy[i] * (y[i] + alpha[0])

    return elu_backward
