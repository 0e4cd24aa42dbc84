"""The gradient of the input, after a convolution, a ReLU and a 2 x 2 max-pool: window by window of the pool.

A pooling window stands on 2 x 2 neighbouring outputs, and those see a patch of (KH + 1) x (KW + 1) inputs. Of each
filter, at most one of the four outputs has a gradient g that is not zero, and adds to a part of the patch:

    dx[part of the patch]  +=  g * kernel[:, :, :, f]         the part begins at (0, 0), (0, 1), (1, 0) or (1, 1)

So the patch, for one vector of channels, is held in registers while the window's filters are gone through, once for
each of the four places; then the next patch is taken, two pixels further. Each number of the kernel that is needed is
loaded once for one multiplication, and nothing is stored in between. (``input_gradient_by_line.py`` takes any other
pool, and any number of channels.)

Which filters have a gradient at a place, a *mask* tells: an integer with a bit for each filter.

Where the registers hold only two lines of a patch, a gradient adds to fewer than 8 sums, and the next one to the same:
each addition would wait for the one before. So gradients of the window's upper and of its lower line take turns.
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
from ..runtime.chunks import chunk_range, chunks_for_work
from ..runtime.compile import device, native
from ..runtime.launch import run
from ..runtime.scratch import chunk_scratch, scratch_of
from ..shared.kernel_by_filter import kernel_by_filter
from ..shared.padded_image import copy_back, zero
from .masks import BITS, mask_shape
from .shapes import ConvDims

MANY_SUMS = 8  # that additions do not wait for: a multiplication takes 4 cycles, and two begin in each cycle


def input_gradient_by_window(kernel: Array, dy: Array, index: Array, window: Window, pool: Window, dx: Array) -> None:
    """Compute dx from dy, the gradient of the pooled output."""
    KH, KW, C, F = kernel.shape
    tile = patch_tile(KH, KW, C, dx.dtype)
    g = ConvDims.of(dx, F, F, window, pool)
    by_filter = kernel_by_filter(kernel, tile.lanes)
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
    part = outer - 1  # lines that a gradient adds to
    in_turns = part * KW < MANY_SUMS

    def patch_gradient(chunk, chunks, dims, pointers):
        """A chunk of the images; for each vector of channels, one window after the other.

        Registers: the patch, or some of its lines. L1: the kernel for a vector of channels, 36 KiB for 3 x 3 and 64
        filters, of which a window needs about half; the window's gradients. L2: the image's gradient, to which each
        patch is added.
        """
        g = read_dims(dims, ConvDims)
        weights, dy, image_gradients, dx = read_arrays(pointers, 4, dtype)
        index = read_array(pointers, 4, np.uint8)
        patch, mask = tile_shape(outer, inner, 1, lanes), tile_shape(1, 1, mask_vectors, mask_lanes)
        dimage, windows, blocks = scratch_of(image_gradients, chunk, chunks), g.OH * g.OW, g.F // filters
        line, size, masks = KW * lanes, g.KH * KW * lanes, np.empty(4 * windows * blocks, np.int64)
        for n in chunk_range(g.N, chunk, chunks):
            zero(dimage)
            for i in range(windows * blocks):
                here = (n * windows * blocks + i) * filters
                passed = mask_of_nonzero(mask, dy, here)
                for p in range(4):
                    masks[4 * i + p] = passed & mask_of_equal(mask, index, here, p)
            for c in range(0, g.C, lanes):
                for ky in range(0, g.KH, part):
                    for i in range(windows):
                        place = ((i // g.OW * 2 + ky) * g.width + i % g.OW * 2) * g.C + c
                        acc = tile_load(patch, dimage, place, g.width * g.C, g.C)
                        for block in range(i * blocks, (i + 1) * blocks):
                            here, start = (
                                n * windows * g.F + block * filters,
                                (c // lanes * g.F + block % blocks * filters),
                            )
                            operands = dy, here, weights, start * size + ky * line, size, line, lanes
                            at_0, at_1, at_2, at_3 = masks[4 * block : 4 * block + 4]
                            upper = tile_shape(1, 1, part, KW), tile_shape(1, 2, part, KW)
                            lower = tile_shape(2, 1, part, KW), tile_shape(2, 2, part, KW)
                            if in_turns:
                                acc = add_in_turns(patch, upper[0], lower[0], acc, at_0, at_2, operands)
                                acc = add_in_turns(patch, upper[1], lower[1], acc, at_1, at_3, operands)
                            else:
                                acc = add_filters(patch, upper[0], acc, at_0, operands)
                                acc = add_filters(patch, upper[1], acc, at_1, operands)
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
        acc = tile_axpy_part(patch, place, acc, dy, window + f, weights, start, line_stride, pixel_stride)
    return acc


@device
def add_in_turns(patch, upper_place, lower_place, acc, upper, lower, operands):
    """Like ``add_filters``, of two masks to two parts of the patch: as long as both have filters, in turns."""
    dy, window, weights, kernels, filter_stride, line_stride, pixel_stride = operands
    while (upper != 0) & (lower != 0):
        f, upper = lowest_bit(upper), upper & (upper - 1)
        start = kernels + f * filter_stride
        acc = tile_axpy_part(patch, upper_place, acc, dy, window + f, weights, start, line_stride, pixel_stride)
        f, lower = lowest_bit(lower), lower & (lower - 1)
        start = kernels + f * filter_stride
        acc = tile_axpy_part(patch, lower_place, acc, dy, window + f, weights, start, line_stride, pixel_stride)
    acc = add_filters(patch, upper_place, acc, upper, operands)
    return add_filters(patch, lower_place, acc, lower, operands)
