"""Gather the images of a mini-batch from the data set.

A chunk takes some of the images, one after the other. There is nothing to compute: the time is that of the memory.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .machine.tile import copy_run
from .runtime.arguments import read_array, read_dims
from .runtime.chunks import BLOCK, chunk_range, chunks_for_rows
from .runtime.compile import native
from .runtime.launch import exclusive, run


class Images(NamedTuple):
    """The integers of a gather: images, and bytes in one."""

    images: int
    size: int


@exclusive
def gather(images: np.ndarray, indices: np.ndarray, out: np.ndarray) -> None:
    """Compute out[i] = images[indices[i]]."""
    if out.size:
        g = Images(len(out), out.nbytes // len(out))
        sources = images.reshape(len(images), -1).view(np.uint8)
        run(_gather(), chunks_for_rows(out.nbytes // BLOCK), g, sources, indices, out.view(np.uint8))


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
