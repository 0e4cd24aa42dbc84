"""The gradient of the input, after a convolution, a ReLU and a 2 x 2 max-pool: window by window of the pool.

A pooling window stands on 2 x 2 neighbouring outputs, and those see a patch of (KH + 1) x (KW + 1) inputs. Of each
filter, at most one of the four outputs has a gradient g that is not zero, and adds to a part of the patch:

    dx[part of the patch]  +=  g * kernel[:, :, :, f]         the part begins at (0, 0), (0, 1), (1, 0) or (1, 1)

So the patch, for one vector of channels, is held in registers while the window's filters are gone through, once for
each of the four places; then the next patch is taken, two pixels further. Each number of the kernel that is needed is
loaded once for one multiplication, and nothing is stored in between. (``input_gradient_by_line.py`` takes any other
pool, and any number of channels.)

Which filters have a gradient at a place, a *mask* tells: an integer with a bit for each filter.
"""

from functools import cache

import numpy as np

from ....types import Array
from ...settings import Window
from ..machine.registers import Tile, registers
from ..machine.tile import tile_load, tile_shape, tile_store
from ..machine.tile_bits import lowest_bit, mask_of_equal, mask_of_nonzero
from ..machine.tile_rows import tile_axpy_part
from ..runtime.arguments import read_array, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_for_work, part_of
from ..runtime.compile import device, native
from ..runtime.launch import run
from ..runtime.scratch import chunk_scratch, scratch
from ..shared.padded_image import copy_back, zero
from ..shared.transpose import transpose
from .masks import BITS, mask_shape
from .shapes import ConvDims


def input_gradient_by_window(kernel: Array, dy: Array, index: Array, window: Window, pool: Window, dx: Array) -> None:
    """Compute dx from dy, the gradient of the pooled output."""
    KH, KW, C, F = kernel.shape
    tile = patch_tile(KH, KW, C, dx.dtype)
    g = ConvDims.of(dx, F, F, window, pool)
    by_filter = scratch("kernel by filter", (C // tile.lanes, F, KH * KW, tile.lanes), dx.dtype)
    groups, lanes = C // tile.lanes, tile.lanes
    lines = kernel.reshape(KH * KW * groups, lanes, F)
    transpose(lines, by_filter, by_filter[0].size, KH * KW * lanes, group=groups, group_stride=lanes)
    filters = next(n for n in range(BITS, 0, -16) if F % n == 0)  # at a time
    chunks = chunks_for_work(g.N, g.N * g.OH * g.OW * F * KH * KW * C // 2)  # about half of the gradients are zero
    dimages = chunk_scratch("image gradients", chunks, g.height * g.width * C, dx.dtype)
    address = _patch_kernel(dx.dtype, *tile[:2], tile.lanes, KW, *mask_shape(filters, dx.dtype), filters)
    run(address, chunks, g, by_filter, dy, dimages, dx, index)


@cache
def patch_tile(KH: int, KW: int, channels: int, dtype: np.dtype) -> Tile:
    """Choose the tile: a patch for as many of the kernel's KH lines as the registers hold, one vector of channels."""
    lanes = registers().width // dtype.itemsize
    while channels % lanes:
        lanes //= 2
    lines = next(n for n in range(KH, 0, -1) if KH % n == 0 and (n + 1) * (KW + 1) <= most_vectors())
    return Tile(lines + 1, KW + 1, 1, lanes)


def most_vectors() -> int:
    """Return how many vectors of a patch the registers can hold."""
    return registers().count - 2


@native
def _patch_kernel(dtype, outer, inner, lanes, KW, mask_vectors, mask_lanes, filters):
    def patch_gradient(chunk, chunks, dims, pointers):
        """A chunk of the images; for each vector of channels, one window after the other.

        Registers: the patch. L1: the kernel for a vector of channels, 36 KiB for 3 x 3 and 64 filters, of which a
        window needs about half; the window's gradients. L2: the image's gradient, to which each patch is added.
        """
        g = read_dims(dims, ConvDims)
        weights, dy, image_gradients, dx = read_arrays(pointers, 4, dtype)
        index = read_array(pointers, 4, np.uint8)
        patch, mask = tile_shape(outer, inner, 1, lanes), tile_shape(1, 1, mask_vectors, mask_lanes)
        dimage = part_of(image_gradients, chunk, chunks)
        line = KW * lanes
        for n in chunk_range(g.N, chunk, chunks):
            zero(dimage)
            for c in range(0, g.C, lanes):
                for window in range(g.OH * g.OW):
                    corner = (window // g.OW * 2 * g.width + window % g.OW * 2) * g.C + c
                    for ky in range(0, g.KH, outer - 1):
                        place = corner + ky * g.width * g.C
                        acc = tile_load(patch, dimage, place, g.width * g.C, g.C)
                        for f in range(0, g.F, filters):
                            here = (n * g.OH * g.OW + window) * g.F + f
                            start = (c // lanes * g.F + f) * g.KH * line + ky * line
                            operands = dy, here, weights, start, g.KH * line, line, lanes
                            passed = mask_of_nonzero(mask, dy, here)
                            winners = passed & mask_of_equal(mask, index, here, 0)
                            acc = add_filters(patch, tile_shape(1, 1, 1, 1), acc, winners, operands)
                            winners = passed & mask_of_equal(mask, index, here, 1)
                            acc = add_filters(patch, tile_shape(1, 2, 1, 1), acc, winners, operands)
                            winners = passed & mask_of_equal(mask, index, here, 2)
                            acc = add_filters(patch, tile_shape(2, 1, 1, 1), acc, winners, operands)
                            winners = passed & mask_of_equal(mask, index, here, 3)
                            acc = add_filters(patch, tile_shape(2, 2, 1, 1), acc, winners, operands)
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
        acc = tile_axpy_part(patch, place, acc, dy, window + f, weights, start, line_stride, pixel_stride)
    return acc
