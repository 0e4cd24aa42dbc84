"""Masks: which of up to 64 gradients count, as the bits of a whole number.

Behind a max-pool and a ReLU, the gradient of a pooled output counts if ReLU has let the output pass (``index`` is not
``OFF``) and the gradient is not zero. A mask tells that for 64 filters of one pooling window, or for one filter in 64
windows, and whoever works on those that count goes from one bit to the next, without looking at the others.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .cpu import registers
from .geometry import OFF
from .kernel import compiled
from .tile_sparse import mask_of_equal, mask_of_nonzero

BITS = 64


class MaskShape(NamedTuple):
    """How a mask is made: from so many vectors at once, or where ``at_once`` is 0 from one number after the other."""

    vectors: int
    lanes: int
    at_once: int


@cache
def mask_shape(filters: int, dtype: np.dtype) -> MaskShape:
    """Choose the vectors: as many as a mask has room for, in a number that divides ``filters``."""
    lanes = registers().width // dtype.itemsize
    at_once = next((n for n in range(BITS, 0, -16) if filters % n == 0), 0)
    return MaskShape(max(1, at_once // lanes), lanes, at_once)


@compiled
def masks_by_filter(shape, at_once, dy, index, place, F, filters, windows, masks):
    """Set bit w of masks[f] where dy[place + w*F + f] counts, for up to 64 ``filters`` and up to 64 ``windows``.

    First come the masks of the windows, which lie as the numbers do; they are a square of bits, which is transposed.
    """
    for w in range(BITS):
        here = place + w * F
        masks[w] = 0
        if w < windows and at_once == 0:
            for f in range(filters):
                masks[w] |= np.int64((index[here + f] != OFF) & (dy[here + f] != 0)) << f
        elif w < windows:
            for f in range(0, filters, at_once):
                counts = mask_of_nonzero(shape, dy, here + f) & ~mask_of_equal(shape, index, here + f, OFF)
                masks[w] |= counts << f
    transpose_bits(masks)


@compiled
def transpose_bits(masks):
    """Exchange bit w of masks[f] with bit f of masks[w], for all f and w below 64.

    The upper right quarter of the square changes places with the lower left one, then the same is done inside of each
    quarter, and so on, down to single bits: six steps (Warren, "Hacker's Delight", 2nd edition 2012, section 7-3).
    """
    size, low = BITS // 2, (1 << BITS // 2) - 1  # ``low``: the bits of the left half of each block
    while size > 0:
        for block in range(0, BITS, 2 * size):
            for f in range(block, block + size):
                exchanged = ((masks[f] >> size) ^ masks[f + size]) & low
                masks[f] ^= exchanged << size
                masks[f + size] ^= exchanged
        size //= 2
        low ^= low << size
