"""Rescaling, number by number."""

import numpy as np

from ...types import Array
from .runtime.arguments import read_array, read_arrays
from .runtime.compile import native
from .runtime.launch import exclusive
from .shared.flat import chunk_of, run_flat


@exclusive
def rescale_forward(x: Array, scale: float, offset: float, dtype: np.dtype, *, out: Array) -> None:
    """Compute y = scale * x + offset in the precision ``dtype``, for x of any real dtype."""
    x = x if x.dtype == np.uint8 else x.astype(out.dtype, copy=False)
    run_flat(_rescale(out.dtype, x.dtype), out.size, out, np.array([scale, offset], out.dtype), x)


@exclusive
def rescale_backward(dy: Array, scale: float, *, out: Array) -> None:
    """Compute dx = scale * dy."""
    run_flat(_rescale(dy.dtype, dy.dtype), dy.size, out, np.array([scale, 0], dy.dtype), dy)


@native
def _rescale(dtype, source):
    def rescale(chunk, chunks, dims, pointers):
        y, scalars = read_arrays(pointers, 2, dtype)
        x = read_array(pointers, 2, source)
        scale, offset = scalars[0], scalars[1]
        first, last = chunk_of(chunk, chunks, y.size)
        x, y = x[first:last], y[first:last]
        for i in range(y.size):
            y[i] = scale * y.dtype.type(x[i]) + offset

    return rescale
