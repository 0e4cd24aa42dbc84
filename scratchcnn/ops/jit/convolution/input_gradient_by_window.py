"""The gradient of the input, after a convolution, a ReLU and a 2 x 2 max-pool: window by window of the pool.

A pooling window stands on 2 x 2 neighbouring outputs, and those see a patch of (KH + 1) x (KW + 1) inputs. Of each
filter, at most one of the four outputs has a gradient g that is not zero, and adds to a part of the patch:

    dx[part of the patch]  +=  g * kernel[:, :, :, f]         the part begins at (0, 0), (0, 1), (1, 0) or (1, 1)

Where it fits, the patch, for one vector of channels, is held in registers while the window's filters are gone through,
once for each of the four places; then the next patch is taken, two pixels further. Each number of the kernel that is
needed is loaded once for one multiplication, and nothing is stored in between. (``input_gradient_by_line.py`` takes any
other pool, and any number of channels.)

Where the registers cannot hold a patch (3 x 3 with AVX2, 5 x 5 with AVX-512), they hold line t of it, for several
vectors of channels: a gradient of the window's upper outputs adds line t of its kernel, one of the lower outputs line
t - 1. Where the channels can only be divided into single vectors, they hold lines t and t + 1: both add line t of the
kernel, upper ones to the first, lower ones to the second.

Which filters have a gradient at a place, a *mask* tells: an integer with a bit for each filter.
"""

from functools import cache

import numpy as np

from ....types import Array
from ...settings import Window
from ..machine.registers import Tile, registers
from ..machine.tile import tile_load, tile_shape, tile_store
from ..machine.tile_bits import lowest_bit, mask_of_equal, mask_of_nonzero
from ..machine.tile_rows import tile_axpy
from ..runtime.arguments import read_array, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_for_work
from ..runtime.compile import device, native
from ..runtime.launch import run
from ..runtime.scratch import chunk_scratch, scratch_of
from ..shared.kernel_by_filter import kernel_by_filter
from ..shared.padded_image import copy_back, zero
from .masks import BITS, mask_shape
from .shapes import ConvDims

GROUP_BYTES = 128  # of channels at a time, at most: with more, two lines of the kernel, of all filters, outgrow the L1


def input_gradient_by_window(kernel: Array, dy: Array, index: Array, window: Window, pool: Window, dx: Array) -> None:
    """Compute dx from dy, the gradient of the pooled output."""
    KH, KW, C, F = kernel.shape
    tile = patch_tile(KH, KW, C, dx.dtype)
    g = ConvDims.of(dx, F, F, window, pool)
    by_filter = kernel_by_filter(kernel, tile.columns)
    filters = next(n for n in range(BITS, 0, -16) if F % n == 0)  # at a time
    chunks = chunks_for_work(g.N, g.N * g.OH * g.OW * F * KH * KW * C // 2)  # about half of the gradients are zero
    dimages = chunk_scratch("image gradients", chunks, g.height * g.width * C, dx.dtype)
    address = _patch_kernel(dx.dtype, *tile, *mask_shape(filters, dx.dtype), filters)
    run(address, chunks, g, by_filter, dy, dimages, dx, index)


@cache
def patch_tile(KH: int, KW: int, channels: int, dtype: np.dtype) -> Tile:
    """Choose the tile: a patch for one vector of channels, or else a line of it for several, or else two lines."""
    lanes = registers().width // dtype.itemsize
    while channels % lanes:
        lanes //= 2
    if holds_patch(KH, KW):
        return Tile(KH + 1, KW + 1, 1, lanes)
    most = min(most_vectors() // (KW + 1), GROUP_BYTES // (lanes * dtype.itemsize))
    vectors = next(n for n in range(most, 0, -1) if channels % (n * lanes) == 0)
    return Tile(1, KW + 1, vectors, lanes) if vectors > 1 else Tile(2, KW + 1, 1, lanes)


def holds_patch(KH: int, KW: int) -> bool:
    """Return whether the registers can hold a patch of one vector of channels, not only some of its lines."""
    return (KH + 1) * (KW + 1) <= most_vectors()


def most_vectors() -> int:
    """Return how many vectors of a patch the registers can hold."""
    return registers().count - 2


@native
def _patch_kernel(dtype, outer, inner, vectors, lanes, mask_vectors, mask_lanes, filters):
    KW = inner - 1
    part = max(1, outer - 1)  # lines of the kernel that a gradient adds to the tile
    below = min(outer, 2)  # the line of the tile, counted from 1, from which on a lower gradient adds to it
    lag = int(outer == 1)  # a lower gradient adds the kernel from line top - lag on

    def patch_gradient(chunk, chunks, dims, pointers):
        """A chunk of the images; for some vectors of channels, and each line of a patch, one window after the other.

        Registers: the patch, or one or two lines of it. L1: of the kernel for these channels what is added to them, 36
        KiB for a patch of 3 x 3, 64 filters and 16 channels, of which a window needs about half; the window's
        gradients. L2: the image's gradient, to which each patch is added.
        """
        g = read_dims(dims, ConvDims)
        weights, dy, image_gradients, dx = read_arrays(pointers, 4, dtype)
        index = read_array(pointers, 4, np.uint8)
        patch, mask = tile_shape(outer, inner, vectors, lanes), tile_shape(1, 1, mask_vectors, mask_lanes)
        upper = tile_shape(1, 1, part, KW), tile_shape(1, 2, part, KW)
        lower = tile_shape(below, 1, part, KW), tile_shape(below, 2, part, KW)
        dimage, windows, blocks = scratch_of(image_gradients, chunk, chunks), g.OH * g.OW, g.F // filters
        columns = vectors * lanes
        line, size, masks = KW * columns, g.KH * KW * columns, np.empty(4 * windows * blocks, np.int64)
        for n in chunk_range(g.N, chunk, chunks):
            zero(dimage)
            for i in range(windows * blocks):
                here = (n * windows * blocks + i) * filters
                passed = mask_of_nonzero(mask, dy, here)
                for p in range(4):
                    masks[4 * i + p] = passed & mask_of_equal(mask, index, here, p)
            for c in range(0, g.C, columns):
                for top in range(0, g.KH + lag, part):
                    for i in range(windows):
                        place = ((i // g.OW * 2 + top) * g.width + i % g.OW * 2) * g.C + c
                        acc = tile_load(patch, dimage, place, g.width * g.C, g.C)
                        for block in range(i * blocks, (i + 1) * blocks):
                            here = n * windows * g.F + block * filters
                            start = (c // columns * g.F + block % blocks * filters) * size + top * line
                            at_0, at_1, at_2, at_3 = masks[4 * block : 4 * block + 4]
                            if top < g.KH:
                                operands = dy, here, weights, start, size, line, columns
                                acc = add_filters(patch, upper[0], acc, at_0, operands)
                                acc = add_filters(patch, upper[1], acc, at_1, operands)
                            if top >= lag:
                                operands = dy, here, weights, start - lag * line, size, line, columns
                                acc = add_filters(patch, lower[0], acc, at_2, operands)
                                acc = add_filters(patch, lower[1], acc, at_3, operands)
                        tile_store(patch, acc, dimage, place, g.width * g.C, g.C)
            copy_back(dimage, g, dx, n * g.H * g.W * g.C)

    return patch_gradient


@device
def add_filters(patch, place, acc, mask, operands):
    """Add the kernels of the filters in a mask, times their gradients, to a part of the patch."""
    dy, window, weights, kernels, filter_stride, line_stride, pixel_stride = operands
    while mask:
        f, mask = lowest_bit(mask), mask & (mask - 1)
        start = kernels + f * filter_stride
        acc = tile_axpy(patch, place, acc, dy, window + f, weights, start, line_stride, pixel_stride)
    return acc
