"""Masks: which of up to 64 gradients count, as the bits of an integer.

After a max-pool and a ReLU, the gradient of a pooled output counts if ReLU has let the output pass (``index`` is not
``OFF``) and the gradient is not zero. A mask tells that for 64 filters of one pooling window, or for one filter in 64
windows, and whoever works on those that count goes from one bit to the next, without looking at the others.
"""

from functools import cache

import numpy as np

from ....types import OFF
from ..machine.registers import registers
from ..machine.tile_bits import mask_of_equal, mask_of_nonzero, transpose_bits
from ..runtime.chunks import round_up
from ..runtime.compile import device

BITS = 64


@cache
def mask_shape(filters: int, dtype: np.dtype) -> tuple[int, int]:
    """Return (vectors, lanes) for as many filters as a mask has room for. 16 numbers fill vectors of any width."""
    lanes = registers().width // dtype.itemsize
    return round_up(min(filters, BITS), 16) // lanes, lanes


@device
def masks_by_filter(shape, bits, dy, index, place, F, filters, windows, masks):
    """Set bit w of masks[f] where dy[place + w*F + f] counts, for up to 64 ``filters`` and up to 64 ``windows``.

    First masks[w] is made for each window, whose filters are neighbours in memory. Then the square of bits is
    transposed. A vector may reach beyond a window's filters into the next window, but not beyond the array.
    """
    below = (1 << filters) - 1 if filters < BITS else -1
    masks[:] = 0
    for w in range(windows):
        here = place + w * F
        if here + bits <= dy.size:
            masks[w] = mask_of_nonzero(shape, dy, here) & ~mask_of_equal(shape, index, here, OFF) & below
        else:
            for f in range(filters):
                masks[w] |= np.int64((index[here + f] != OFF) & (dy[here + f] != 0)) << f
    transpose_bits(masks)
