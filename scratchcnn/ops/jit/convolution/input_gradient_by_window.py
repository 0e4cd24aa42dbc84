"""The gradient of the input, after a convolution, a ReLU and a 2 x 2 max-pool: window by window of the pool.

A pooling window stands on 2 x 2 neighbouring outputs, and those see a patch of (KH + 1) x (KW + 1) inputs. Of each
filter, at most one of the four outputs has a gradient g that is not zero, and adds to a part of the patch:

    dx[part of the patch]  +=  g * kernel[:, :, :, f]         the part begins at (0, 0), (0, 1), (1, 0) or (1, 1)

So the patch, for one vector of channels, is held in registers while the window's filters are gone through, once for
each of the four places; then the next patch is taken, two pixels further. Each number of the kernel that is needed is
loaded once for one multiplication, and nothing is stored in between. (``input_gradient_by_line.py`` takes any other
pool, and any number of channels.)

Which filters have a gradient at a place, a *mask* tells: an integer with a bit for each filter.

Where the registers cannot hold a patch (AVX2), they hold one of its lines, for as many vectors of channels as fit: a
gradient of the window's upper line adds a line of the kernel to it, one of the lower line the line above that one. Of
channels that fill a single vector, they hold two lines, one for each of the window's.
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


def input_gradient_by_window(kernel: Array, dy: Array, index: Array, window: Window, pool: Window, dx: Array) -> None:
    """Compute dx from dy, the gradient of the pooled output."""
    KH, KW, C, F = kernel.shape
    tile = patch_tile(KH, KW, C, dx.dtype)
    g = ConvDims.of(dx, F, F, window, pool)
    by_filter = kernel_by_filter(kernel, tile.columns)
    filters = next(n for n in range(BITS, 0, -16) if F % n == 0)  # at a time
    chunks = chunks_for_work(g.N, g.N * g.OH * g.OW * F * KH * KW * C // 2)  # about half of the gradients are zero
    dimages = chunk_scratch("image gradients", chunks, g.height * g.width * C, dx.dtype)
    address = _patch_kernel(dx.dtype, *tile, KW, *mask_shape(filters, dx.dtype), filters)
    run(address, chunks, g, by_filter, dy, dimages, dx, index)


@cache
def patch_tile(KH: int, KW: int, channels: int, dtype: np.dtype) -> Tile:
    """Choose the tile: a patch for a vector of channels, one line of it for several, or two lines for one."""
    lanes = registers().width // dtype.itemsize
    while channels % lanes:
        lanes //= 2
    if (KH + 1) * (KW + 1) <= most_vectors():
        return Tile(KH + 1, KW + 1, 1, lanes)
    vectors = next(n for n in range(most_vectors() // (KW + 1), 0, -1) if channels % (n * lanes) == 0)
    return Tile(1, KW + 1, vectors, lanes) if vectors > 1 else Tile(2, KW + 1, 1, lanes)


def most_vectors() -> int:
    """Return how many vectors of a patch the registers can hold."""
    return registers().count - 2


@native
def _patch_kernel(dtype, outer, inner, vectors, lanes, KW, mask_vectors, mask_lanes, filters):
    part = max(1, outer - 1)  # lines of the kernel that a gradient adds to the tile
    below = min(outer, 2)  # the first line of the tile that a gradient of the window's lower line adds to
    apart = int(outer == 1)  # by how many lines they differ between the window's upper and lower line

    def patch_gradient(chunk, chunks, dims, pointers):
        """A chunk of the images; for some vectors of channels, and each line of a patch, one window after the other.

        Registers: the patch, or a line of it. L1: the kernel for these channels, 36 KiB for 3 x 3, 64 filters and 64
        bytes, of which a window needs about half; the window's gradients. L2: the image's gradient, to which each patch
        is added.
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
                for top in range(0, g.KH + apart, part):
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
                            if top >= apart:
                                operands = dy, here, weights, start - apart * line, size, line, columns
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
