"""Rescaling, number by number."""

from __future__ import annotations

from functools import cache

import numpy as np

from ...types import Array
from .runtime.arguments import read_array, read_arrays, read_dims
from .runtime.compile import native
from .runtime.launch import exclusive
from .shared.flat import Flat, chunk_of, run_flat


@exclusive
def rescale_forward(x: Array, scale: float, offset: float, *, out: Array) -> None:
    """Compute y = scale * x + offset, for x of any real dtype."""
    scalars = np.array([scale, offset], out.dtype)
    if x.dtype == np.uint8:
        run_flat(_rescale_bytes(out.dtype), out.size, out, scalars, x)
    else:
        run_flat(_rescale(out.dtype), out.size, out, scalars, x.astype(out.dtype, copy=False))


@exclusive
def rescale_backward(dy: Array, scale: float, *, out: Array) -> None:
    """Compute dx = scale * dy."""
    run_flat(_rescale(dy.dtype), dy.size, out, np.array([scale, 0], dy.dtype), dy)


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
