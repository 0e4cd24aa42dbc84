"""Scratch memory: arrays that kernels use while an operation runs, kept from one operation to the next.

Two operations may use the same name, since only one runs at a time; within one operation each name is one array.
"""

import math
import weakref
from typing import Any, Literal

import numpy as np

from ....memory import aligned_empty
from ....types import Array
from .chunks import round_up
from .compile import device

Name = Literal[
    # convolution, of each chunk
    "images", "lines", "index lines", "image gradients", "kernel gradients",
    # convolution, of all chunks
    "kernel", "flipped kernel", "kernel by filter", "passed by ReLU", "unpooled",
    # Winograd
    "input tiles", "products", "spare output tile", "spare index", "transformed kernel", "transformed kernels",
    "transformed output tiles", "transposed kernel",
    # dense
    "edges", "features", "partial sums", "passed", "results", "transposed",
    # normalization
    "channel sums", "coefficients",
    # the rest
    "augmentation", "losses", "no velocity", "squares",
]  # fmt: skip

LINE = 64  # bytes of a cache line
APART = 256 << 10  # bytes between the scratch memory of one chunk and the next, see ``scratch_of``
_scratch: dict[tuple[str, np.dtype], Array] = {}
_kept: dict[tuple[Any, ...], Array] = {}  # memory that is not shared, by the identity of its owner
_views: dict[tuple[str, tuple[int, ...], Any], Array] = {}  # what was asked for lately, to answer sooner


def scratch(name: Name, shape: tuple[int, ...], dtype: Any) -> Array:
    """Return scratch memory: aligned, its contents undefined, kept for the next operation that asks for ``name``.

    Each array lies apart from what comes after it, for the reason that ``scratch_of`` gives.
    """
    key = name, shape, dtype
    view = _views.get(key)
    if view is None:
        size, owner = math.prod(shape), (name, np.dtype(dtype))
        if owner not in _scratch or _scratch[owner].size < size:
            _scratch[owner] = aligned_empty((size + APART // owner[1].itemsize,), dtype)[:size]
            _views.clear()
        view = _views[key] = _scratch[owner][:size].reshape(shape)
    return view


def chunk_scratch(name: Name, chunks: int, size: int, dtype: Any) -> Array:
    """Return scratch memory for ``size`` numbers of each chunk, in which a kernel finds its own by ``scratch_of``."""
    itemsize = np.dtype(dtype).itemsize
    apart = APART // itemsize
    return scratch(name, (chunks * (round_up(size, LINE // itemsize) + apart) - apart,), dtype)


@device
def scratch_of(memory, chunk, chunks):
    """Return this chunk's own scratch memory, a part of what ``chunk_scratch`` has returned.

    Between two parts are ``APART`` bytes that nobody uses. A CPU fetches memory ahead of a loop, and beyond its end as
    well: in strides as long as the loop's, over a quarter of a megabyte on Zen 5. Were the next chunk's part there, one
    core would take from another, again and again, what that is about to write. Winograd's products took a sixth longer
    for that, and half as long again or twice as long where the cores shared no L3 cache.
    """
    apart = APART // memory.itemsize
    size = (memory.size + apart) // chunks
    return memory[chunk * size : (chunk + 1) * size - apart]


def kept_with(owner: Array, shape: tuple[int, ...], layout: Any) -> Array:
    """Return memory that is kept as long as its owner, for what is made of it in one layout; NaN at first."""
    key = id(owner), shape, layout
    memory = _kept.get(key)
    if memory is None:
        memory = _kept[key] = aligned_empty(shape, owner.dtype)
        memory[...] = np.nan
        weakref.finalize(owner, _kept.pop, key).atexit = False
    return memory
