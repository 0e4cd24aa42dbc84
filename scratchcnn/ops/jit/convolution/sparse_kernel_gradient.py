"""Backward from the few gradients that are not zero, after a max-pool and a ReLU: filter by filter.

Each pooling window hands its gradient to one pixel of four, and ReLU has stopped about half of them; a dropout
after it, half of the rest. Of the convolution's output gradient one number in eight or sixteen is not zero. The
backward pass finds those (``masks.py``) and works for them alone, which gives exactly the same sums:

    each gradient g of filter f at output pixel p:     dkernel[:, :, :, f] += g * (the window of x at p)
                                                       dx[window at p]     += g * kernel[:, :, :, f]

Both are g times KH lines of KW*C neighbouring numbers: a tile of KH x (KW*C) sums gathers a filter's windows of a band
of the image, and a tile with the filter's numbers is scattered over their places in the image's gradient. (That is done
in ``sparse_input_gradient.py`` where that is quicker. Unpooling dy and convolving it with the flipped kernel would take
2 to 6 times as long: lenet5's second layer 1.1 us an image here, 6.3 us so; two cores of a Zen 5.) A band of the image
is in L1, and the kernel and its sums pass through from L2, once for each band.

Lines are filled up to whole vectors with zeros, so a gradient that is not finite makes NaN of what is after its line.
"""

from functools import cache

import numpy as np

from ....types import Array
from ...settings import Window
from ..machine.registers import Tile, registers
from ..machine.tile import at, tile_load, tile_shape, tile_store
from ..machine.tile_bits import lowest_bit
from ..machine.tile_rows import tile_axpy, tile_axpy_of
from ..runtime.arguments import or_empty, read_array, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_of_reduction, part_of, round_up
from ..runtime.compile import device, native
from ..runtime.launch import run
from ..runtime.scratch import chunk_scratch, scratch
from ..shared.padded_image import copy_back, hold_image, zero
from ..shared.reduce import add_transposed_chunks
from ..shared.transpose import transpose
from .masks import BITS, mask_shape, masks_by_filter
from .shapes import ConvDims

BAND_BYTES = 36 << 10  # of the image that a band of windows sees: little more than L1 holds


def gradients_sparse(
    x: Array,
    kernel: Array,
    dy: Array,
    index: Array,
    window: Window,
    pool: Window,
    dx: Array | None,
    dkernel: Array,
    dbias: Array | None,
) -> None:
    """Compute dx (unless None), dkernel and dbias (unless None) from dy, the gradient of the pooled output."""
    KH, KW, C, F = kernel.shape
    tile = sparse_tile(KH, KW * C, x.dtype)
    columns = round_up(KW * C, tile.columns)
    g = ConvDims.of(x, F, columns, window, pool)
    g = g._replace(band=windows_at_once(g, x.itemsize))
    size = F * KH * columns
    chunks = chunks_of_reduction(g.N, size * x.itemsize)
    sums = scratch("kernel gradients", (chunks, size + round_up(F, 16)), x.dtype)
    image = g.height * g.width * C + columns
    by_filter = scratch("kernel by filter", (F, KH, columns), x.dtype)
    if dx is not None:
        lines = kernel.reshape(KH, KW * C, F)
        transpose(lines, by_filter, line_stride=columns, column_stride=KH * columns, padding=columns - KW * C)
    images, dimages = (chunk_scratch(name, chunks, image, x.dtype) for name in ("images", "image gradients"))
    address = _sparse_gradient_kernel(x.dtype, *tile, *mask_shape(F, x.dtype))
    run(address, chunks, g, x, by_filter, dy, images, dimages, sums, or_empty(dx, x.dtype), index)
    add_transposed_chunks(sums, columns, dkernel, dbias)


@cache
def sparse_tile(KH: int, depth: int, dtype: np.dtype) -> Tile:
    """Choose the tile for KH lines of ``depth`` = KW*C numbers: the fewest instructions, in the widest vectors."""
    widest = registers().width // dtype.itemsize
    lanes = min((widest, widest // 2, widest // 4), key=lambda n: (round_up(depth, max(n, 2)), -n))
    lanes = max(lanes, 2)
    vectors = -(-depth // lanes)
    most = registers().count - 2
    rows = KH if KH <= most else 1
    width = next(n for n in range(min(vectors, most // rows), 0, -1) if vectors % n == 0)
    return Tile(rows, 1, width, lanes)


@native
def _sparse_gradient_kernel(dtype, outer, inner, vectors, lanes, mask_vectors, mask_lanes):
    def sparse_gradient(chunk, chunks, dims, pointers):
        """A chunk of the batch, image by image, band by band, filter by filter: gather dkernel, scatter dx.

        A band is a few lines of windows, 64 windows at the most: a mask tells which of a filter's gradients count.
        Registers: the tile. L1: the band's part of the image. L2: the kernel and its sums, and the image's gradient.
        """
        g = read_dims(dims, ConvDims)
        x, weights, dy, images, image_gradients, sums, dx = read_arrays(pointers, 7, dtype)
        index = read_array(pointers, 7, np.uint8)
        tile, by_window = tile_shape(outer, inner, vectors, lanes), tile_shape(1, 1, mask_vectors, mask_lanes)
        bits = mask_vectors * mask_lanes
        image, dimage = part_of(images, chunk, chunks), part_of(image_gradients, chunk, chunks)
        total = part_of(sums, chunk, chunks)
        windows = g.OH * g.OW
        corners, offsets, masks = np.empty(windows, np.int64), np.zeros(256, np.int64), np.empty(BITS, np.int64)
        for p in range(windows):
            line, pixel = p // g.OW * g.pool_stride_y * g.stride_y, p % g.OW * g.pool_stride_x * g.stride_x
            corners[p] = (line * g.width + pixel) * g.C
        for p in range(g.PH * g.PW):
            offsets[p] = (p // g.PW * g.stride_y * g.width + p % g.PW * g.stride_x) * g.C
        zero(image)
        zero(total)
        for n in chunk_range(g.N, chunk, chunks):
            hold_image(x, n, -1, g, image)
            if dx.size > 0:
                zero(dimage)
            for first in range(0, windows, g.band):
                band = min(g.band, windows - first)
                begin = (n * windows + first) * g.F
                for f in range(g.F):
                    if f % BITS == 0:
                        filters = min(BITS, g.F - f)
                        masks_by_filter(by_window, bits, dy, index, begin + f, g.F, filters, band, masks)
                    for ky in range(0, g.KH, outer):
                        for k in range(0, g.columns, vectors * lanes):
                            here = (f * g.KH + ky) * g.columns + k  # in the kernel and its sums
                            start = ky * g.width * g.C + k  # in a window of the image
                            acc, bias = tile_load(tile, total, here, g.columns, 0), total[g.F * g.KH * g.columns + f]
                            mask = masks[f % BITS]
                            while mask:
                                mask, gradient, place = take(mask, begin + f, g.F, index, corners, first, offsets)
                                acc = tile_axpy_of(tile, acc, dy, gradient, image, start + place, g.width * g.C, 0)
                                bias += at(dy, gradient)
                            tile_store(tile, acc, total, here, g.columns, 0)
                            if dx.size > 0:
                                acc = tile_load(tile, weights, here, g.columns, 0)
                                mask = masks[f % BITS]
                                while mask:
                                    mask, gradient, place = take(mask, begin + f, g.F, index, corners, first, offsets)
                                    part = tile_load(tile, dimage, start + place, g.width * g.C, 0)
                                    part = tile_axpy(part, dy, gradient, acc)
                                    tile_store(tile, part, dimage, start + place, g.width * g.C, 0)
                    total[g.F * g.KH * g.columns + f] = bias  # each tile has found the same
            if dx.size > 0:
                copy_back(dimage, g, dx, n * g.H * g.W * g.C)

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
    """Return how many windows to take at a time: whole lines of them, as many as L1 and a mask have room for."""
    lines = BAND_BYTES // (g.width * g.C * itemsize)  # of the image
    rows = max(1, (lines - g.KH - g.PH + 2) // (g.pool_stride_y * g.stride_y))
    return min(BITS, max(1, min(rows, BITS // g.OW)) * g.OW)
