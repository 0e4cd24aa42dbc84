"""The gradient of a kernel from the few gradients that are not zero, after a max-pool and a ReLU: filter by filter.

Each pooling window hands its gradient to one pixel of four, and ReLU has stopped about half of them; a dropout
after it, half of the rest. Of the convolution's output gradient one number in eight or sixteen is not zero. The
backward pass finds those (``masks.py``) and works for them alone, which gives exactly the same sums:

    each gradient g of filter f at output pixel p:     dkernel[:, :, :, f] += g * (the window of x at p)

That is g times KH lines of KW*C neighbouring numbers: a tile of KH x (KW*C) sums, or a part of it, gathers a filter's
windows of a band of the image. The band is in L1, and the sums pass through from L2, once for each band.

Lines are filled up to whole vectors with zeros, so a gradient that is not finite makes NaN of what is after its line.
"""

import numpy as np

from ....types import Array
from ...settings import Window
from ..machine.registers import lines_tile
from ..machine.tile import at, tile_load, tile_shape, tile_store
from ..machine.tile_bits import lowest_bit
from ..machine.tile_rows import tile_axpy
from ..runtime.arguments import read_array, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_of_reduction, part_of, round_up
from ..runtime.compile import device, native
from ..runtime.launch import run
from ..runtime.scratch import chunk_scratch, scratch, scratch_of
from ..shared.padded_image import hold_image, zero
from ..shared.reduce import add_kernel_chunks
from .masks import BITS, mask_shape, masks_by_filter
from .shapes import ConvDims

BAND_BYTES = 36 << 10  # of the image that a band of windows sees: little more than L1 holds
LEAST_WINDOWS = 12  # of a band, even if they see more: for each band all sums are loaded and stored


def kernel_gradient_sparse(
    x: Array, dy: Array, index: Array, window: Window, pool: Window, dkernel: Array, dbias: Array | None
) -> None:
    """Compute the gradients of kernel and bias from dy, the gradient of the pooled output."""
    KH, KW, C, F = dkernel.shape
    tile = lines_tile(KH, KW * C, x.dtype)
    columns = round_up(KW * C, tile.columns)
    g = ConvDims.of(x, F, columns, window, pool)
    g = g._replace(band=windows_at_once(g, x.itemsize))
    size = F * KH * columns
    chunks = chunks_of_reduction(g.N, size * x.itemsize)
    sums = scratch("kernel gradients", (chunks, size + round_up(F, 16)), x.dtype)
    images = chunk_scratch("images", chunks, g.height * g.width * C + columns, x.dtype)
    listed = (tile.outer, tile.columns) != (KH, columns)  # for a single tile, a list does not pay
    address = _sparse_gradient_kernel(x.dtype, tile.outer, tile.vectors, tile.lanes, listed, *mask_shape(F, x.dtype))
    run(address, chunks, g, x, dy, images, sums, index)
    add_kernel_chunks(sums, padded_depth=columns, columns=F, dkernel=dkernel, dbias=dbias, by_filter=True)


@native
def _sparse_gradient_kernel(dtype, outer, vectors, lanes, listed, mask_vectors, mask_lanes):
    def sparse_gradient(chunk, chunks, dims, pointers):
        """A chunk of the batch, image by image, band by band, filter by filter.

        A band is a few lines of windows, 64 windows at the most: a mask tells which of a filter's gradients count, and
        they are listed if more than one tile is to be filled. Registers: the tile. L1: the band's part of the image.
        L2: the sums.
        """
        g = read_dims(dims, ConvDims)
        x, dy, images, sums = read_arrays(pointers, 4, dtype)
        index = read_array(pointers, 4, np.uint8)
        tile = tile_shape(outer, 1, vectors, lanes)
        whole = tile_shape(1, 1, outer, 1)  # a place in it: from its first row on, all rows
        by_window = tile_shape(1, 1, mask_vectors, mask_lanes)
        bits = mask_vectors * mask_lanes
        image, total = scratch_of(images, chunk, chunks), part_of(sums, chunk, chunks)
        windows, line = g.OH * g.OW, g.width * g.C
        corners, offsets, masks = np.empty(windows, np.int64), np.zeros(256, np.int64), np.empty(BITS, np.int64)
        gradients, places = np.empty(BITS, np.int64), np.empty(BITS, np.int64)  # the list
        for p in range(windows):
            y, pixel = p // g.OW * g.pool_stride_y * g.stride_y, p % g.OW * g.pool_stride_x * g.stride_x
            corners[p] = (y * g.width + pixel) * g.C
        for p in range(g.PH * g.PW):
            offsets[p] = (p // g.PW * g.stride_y * g.width + p % g.PW * g.stride_x) * g.C
        zero(image)
        zero(total)
        for n in chunk_range(g.N, chunk, chunks):
            hold_image(x, n, -1, g, image)
            for first in range(0, windows, g.band):
                band = min(g.band, windows - first)
                begin = (n * windows + first) * g.F
                for f in range(g.F):
                    if f % BITS == 0:
                        filters = min(BITS, g.F - f)
                        masks_by_filter(by_window, bits, dy, index, begin + f, g.F, filters, band, masks)
                    count, mask, bias = 0, masks[f % BITS], total[g.F * g.KH * g.columns + f]
                    if listed:
                        while mask:
                            mask, gradient, place = take(mask, begin + f, g.F, index, corners, first, offsets)
                            gradients[count], places[count] = gradient, place
                            count += 1
                            bias += at(dy, gradient)
                    for ky in range(0, g.KH, outer):
                        for k in range(0, g.columns, vectors * lanes):
                            here = (f * g.KH + ky) * g.columns + k  # in the sums
                            start = ky * line + k  # in a window of the image
                            acc = tile_load(tile, total, here, g.columns, 0)
                            for i in range(count):
                                place = start + at(places, i)
                                acc = tile_axpy(tile, whole, acc, dy, at(gradients, i), image, place, line, 0)
                            while mask:
                                mask, gradient, place = take(mask, begin + f, g.F, index, corners, first, offsets)
                                acc = tile_axpy(tile, whole, acc, dy, gradient, image, start + place, line, 0)
                                bias += at(dy, gradient)
                            tile_store(tile, acc, total, here, g.columns, 0)
                    total[g.F * g.KH * g.columns + f] = bias

    return sparse_gradient


@device
def take(mask, begin, F, index, corners, first, offsets):
    """Take the first gradient from a band's mask; return what remains, the gradient's number in dy, and its window.

    ``begin`` is where the band's gradients of this filter begin, and ``first`` the number of its first window. The
    gradient's window of the image begins where the pool's window does, plus the offset of the pixel that passed it.
    """
    p = lowest_bit(mask)
    gradient = begin + p * F
    return mask & (mask - 1), gradient, at(corners, first + p) + at(offsets, at(index, gradient))


def windows_at_once(g: ConvDims, itemsize: int) -> int:
    """Return how many windows to take at a time: whole lines of them, as many as L1 and a mask have room for.

    But no fewer than ``LEAST_WINDOWS``, if a mask has room for them.
    """
    lines = BAND_BYTES // (g.width * g.C * itemsize)  # of the image
    rows = max(-(-LEAST_WINDOWS // g.OW), (lines - g.KH - g.PH + 2) // (g.pool_stride_y * g.stride_y))
    return min(BITS, max(1, min(rows, BITS // g.OW)) * g.OW)
