"""Gather the images of a mini-batch from the data set, as they are or rescaled on the way.

A slice takes some of the images, one after the other. There is nothing to compute: the time is that of the memory, and
of bytes there are a quarter as many as of numbers. So a network that starts with a ``Rescaling`` reads them in place.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .elementwise import BLOCK
from .machine.tile import copy_run
from .runtime.arguments import array_of, arrays, geometry
from .runtime.kernel import kernel, operation, precision_of, run
from .runtime.launch import row_slices


class Images(NamedTuple):
    """The numbers of a gather: images, and elements (of ``gather``: bytes) in one."""

    images: int
    size: int


@operation
def gather(images: np.ndarray, indices: np.ndarray, out: np.ndarray) -> None:
    """Compute out[i] = images[indices[i]]."""
    if out.size:
        g = Images(len(out), out.nbytes // len(out))
        precision = precision_of(np.dtype(np.float32))  # not used: the kernel moves bytes
        sources = images.reshape(len(images), -1).view(np.uint8)
        run(_gather(precision), row_slices(out.nbytes // BLOCK), g, sources, indices, out.view(np.uint8))


@operation
def gather_rescaled(images: np.ndarray, indices: np.ndarray, scale: float, offset: float, out: np.ndarray) -> None:
    """Compute out[i] = scale * images[indices[i]] + offset from uint8: to the bit what ``rescale_forward`` does."""
    if out.size:
        g = Images(len(out), out.size // len(out))
        scalars = np.array([scale, offset], out.dtype)
        run(_gather_rescaled(precision_of(out.dtype)), row_slices(out.size // BLOCK), g, out, scalars, images, indices)


@cache
def _gather(precision):
    @kernel
    def gather(s, slices, numbers, addresses):
        g = geometry(numbers, Images)
        images = array_of(addresses, 0, np.uint8, precision)
        indices = array_of(addresses, 1, np.int64, precision)
        out = array_of(addresses, 2, np.uint8, precision)
        for i in range(s * g.images // slices, (s + 1) * g.images // slices):
            copy_run(images, indices[i] * g.size, out, i * g.size, g.size)

    return gather


@cache
def _gather_rescaled(precision):
    @kernel
    def gather_rescaled(s, slices, numbers, addresses):
        g = geometry(numbers, Images)
        out, scalars = arrays(addresses, 2, precision)
        images = array_of(addresses, 2, np.uint8, precision)
        indices = array_of(addresses, 3, np.int64, precision)
        scale, offset = scalars[0], scalars[1]
        for i in range(s * g.images // slices, (s + 1) * g.images // slices):
            pixels, results = images[indices[i] * g.size :], out[i * g.size : (i + 1) * g.size]
            for p in range(g.size):
                results[p] = scale * out.dtype.type(pixels[p]) + offset

    return gather_rescaled
