"""Gather the images of a mini-batch from the data set, as they are or rescaled on the way.

A chunk takes some of the images, one after the other. There is nothing to compute: the time is that of the memory, and
of bytes there are a quarter as many as of numbers. So a network that starts with a ``Rescaling`` reads them in place.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .machine.tile import copy_run
from .runtime.arguments import read_array, read_arrays, read_dims
from .runtime.chunks import BLOCK, chunk_range, chunks_for_rows
from .runtime.compile import native
from .runtime.launch import exclusive, run


class Images(NamedTuple):
    """The integers of a gather: images, and elements (of ``gather``: bytes) in one."""

    images: int
    size: int


@exclusive
def gather(images: np.ndarray, indices: np.ndarray, out: np.ndarray) -> None:
    """Compute out[i] = images[indices[i]]."""
    if out.size:
        g = Images(len(out), out.nbytes // len(out))
        sources = images.reshape(len(images), -1).view(np.uint8)
        run(_gather(), chunks_for_rows(out.nbytes // BLOCK), g, sources, indices, out.view(np.uint8))


@exclusive
def gather_rescaled(images: np.ndarray, indices: np.ndarray, scale: float, offset: float, out: np.ndarray) -> None:
    """Compute out[i] = scale * images[indices[i]] + offset from uint8: to the bit what ``rescale_forward`` does."""
    if out.size:
        g = Images(len(out), out.size // len(out))
        scalars = np.array([scale, offset], out.dtype)
        run(_gather_rescaled(out.dtype), chunks_for_rows(out.size // BLOCK), g, out, scalars, images, indices)


@cache
def _gather() -> int:
    @native
    def gather(chunk, chunks, dims, pointers):
        g = read_dims(dims, Images)
        images = read_array(pointers, 0, np.uint8)
        indices = read_array(pointers, 1, np.int64)
        out = read_array(pointers, 2, np.uint8)
        for i in chunk_range(g.images, chunk, chunks):
            copy_run(images, indices[i] * g.size, out, i * g.size, g.size)

    return gather


@cache
def _gather_rescaled(dtype):
    @native
    def gather_rescaled(chunk, chunks, dims, pointers):
        g = read_dims(dims, Images)
        out, scalars = read_arrays(pointers, 2, dtype)
        images = read_array(pointers, 2, np.uint8)
        indices = read_array(pointers, 3, np.int64)
        scale, offset = scalars[0], scalars[1]
        for i in chunk_range(g.images, chunk, chunks):
            pixels, results = images[indices[i] * g.size :], out[i * g.size : (i + 1) * g.size]
            for p in range(g.size):
                results[p] = scale * out.dtype.type(pixels[p]) + offset

    return gather_rescaled
