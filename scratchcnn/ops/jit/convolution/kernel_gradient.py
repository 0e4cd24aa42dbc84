"""The gradient of a convolution's kernel as a dense sum over all output pixels, masked or not.

It is an outer product for each output pixel: a column of R kernel positions k of the pixel's window, times the row
dy[pixel, :], added to a tile of R positions x V vectors of filters. The tile stays in registers for all pixels of an
image. The image and its gradient are in L1, the sums in L2.

After a ReLU, dy counts only where it has let something through. After a max-pool, a window's gradient belongs to one of
its pixels: they are taken in turn, all of them, with the gradients that went to another pixel masked out. That is for
the layer that sees the images: with 3 x 3 kernels on one channel, ``sparse_kernel_gradient.py`` would work on lines of
three numbers, and to find a gradient takes longer than to use it (32 filters: 2.3 us an image here, 2.6 sparse).
"""

from functools import cache

import numpy as np

from ....types import Array
from ...settings import Window
from ..machine.registers import Tile, lanes_for, largest_tile, widest_tile
from ..machine.tile import copy_run, tile_add, tile_fma_row, tile_load, tile_shape, tile_store
from ..machine.tile_rows import row_where, row_where_positive
from ..runtime.arguments import EMPTY, read_array, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_of_reduction, part_of, round_up
from ..runtime.compile import native
from ..runtime.launch import run
from ..runtime.scratch import chunk_scratch, scratch, scratch_of
from ..shared.padded_image import hold_image, zero
from ..shared.reduce import add_kernel_chunks
from .shapes import ConvDims


def kernel_gradient_dense(
    x: Array, dy: Array, y: Array | None, window: Window, dkernel: Array, dbias: Array | None
) -> None:
    """Compute the gradients of kernel and bias; with y, of a ReLU's output, dy counts only where y > 0."""
    KH, KW, C, F = dkernel.shape
    tile = gradient_tile(KH, KW * C, F, x.dtype)
    vectors = tile.vectors  # in registers: the tile, the bias's sums and the masked row, and a scalar
    fits = KH * KW * C * vectors <= largest_tile(2 * vectors + 1)
    whole = y is not None and fits and (tile.outer, tile.inner) == (KH, KW * C) and F % tile.columns == 0
    _sum_outer_products(x, dy, y, None, window, None, tile, whole, dkernel, dbias)


def kernel_gradient_masked(
    x: Array, dy: Array, index: Array, window: Window, pool: Window, dkernel: Array, dbias: Array | None
) -> None:
    """Compute the gradients of kernel and bias from dy, the gradient of the pooled output."""
    KH, KW, C, F = dkernel.shape
    tile = window_tile(KH, KW * C, F, x.dtype)
    _sum_outer_products(x, dy, None, index, window, pool, tile, False, dkernel, dbias)


def _sum_outer_products(
    x: Array,
    dy: Array,
    y: Array | None,
    index: Array | None,
    window: Window,
    pool: Window | None,
    tile: Tile,
    mask_by_relu: bool,
    dkernel: Array,
    dbias: Array | None,
) -> None:
    KH, KW, C, F = dkernel.shape
    columns, depth = round_up(F, tile.columns), round_up(KW * C, tile.inner)
    size = (KH * depth + 1) * columns  # the kernel's gradient, then the bias's
    chunks = chunks_of_reduction(len(x), size * x.itemsize)
    copied = F != columns or (y is not None and not mask_by_relu)  # then dy is padded, and masked by y
    g = ConvDims.of(x, F, columns, window, pool)._replace(relu=y is not None)
    line, no_index = g.OH * g.OW * columns if copied else 1, EMPTY[np.dtype(np.uint8)]
    index_lines = no_index if index is None else chunk_scratch("index lines", chunks, line, np.uint8)
    lines = chunk_scratch("lines", chunks, line, x.dtype)
    images = chunk_scratch("images", chunks, g.height * g.width * C + tile.inner, x.dtype)
    sums, y = scratch("kernel gradients", (chunks, size), x.dtype), dy if y is None else y
    pooling = g.PH, g.PW, g.pool_stride_y, g.pool_stride_x
    address = _kernel_gradient_kernel(x.dtype, *tile, copied, mask_by_relu, index is not None, *pooling)
    run(address, chunks, g, x, dy, y, images, lines, sums, no_index if index is None else index, index_lines)
    add_kernel_chunks(sums, depth, columns, dkernel, dbias)


@cache
def gradient_tile(KH: int, depth: int, filters: int, dtype: np.dtype) -> Tile:
    """Choose the tile for the gradient of a kernel whose windows have KH lines of ``depth`` = KW*C numbers."""
    lanes = lanes_for(filters, dtype)
    vectors = min(widest_tile(), -(-filters // lanes))
    if KH * depth * vectors <= largest_tile(vectors + 1):  # a small window, such as the first layer's, fits whole
        return Tile(KH, depth, vectors, lanes)
    rows = range(1, largest_tile(vectors + 1) // vectors + 1)
    return Tile(1, min(rows, key=lambda r: (round_up(depth, r), -r)), vectors, lanes)


@cache
def window_tile(KH: int, depth: int, filters: int, dtype: np.dtype) -> Tile:
    """Choose the tile: the whole window of KH x ``depth`` = KW*C numbers, and as many vectors as fit.

    Besides the tile, a step needs the bias's sums, the row, its mask, the masked row, and a scalar.
    """
    lanes = lanes_for(filters, dtype)
    vectors = -(-filters // lanes)
    while vectors > 1 and KH * depth * vectors > largest_tile(4 * vectors + 1):
        vectors -= 1
    return Tile(KH, depth, vectors, lanes)


@native
def _kernel_gradient_kernel(dtype, outer, inner, vectors, lanes, copied, by_relu, by_pool, PH, PW, down, across):
    separately = not (by_relu or by_pool)  # whether the bias's gradient is summed by itself

    def kernel_gradient(chunk, chunks, dims, pointers):
        """A chunk of the batch, with sums of its own; tiles of the kernel's gradient; the pixels innermost.

        Registers: the tile and, where it holds the whole kernel, so that each gradient is masked once, the sums of the
        bias. L1: the image, and one tile's width of its gradient. L2: the sums.
        """
        g = read_dims(dims, ConvDims)
        x, dy, y, images, lines, sums = read_arrays(pointers, 6, dtype)
        index, index_lines = read_array(pointers, 6, np.uint8), read_array(pointers, 7, np.uint8)
        tile, bias_tile = tile_shape(outer, inner, vectors, lanes), tile_shape(1, 1, vectors, lanes)
        image, total = scratch_of(images, chunk, chunks), part_of(sums, chunk, chunks)
        passed, winners = scratch_of(lines, chunk, chunks), scratch_of(index_lines, chunk, chunks)
        gradient, winner = (passed, winners) if copied else (dy, index)
        outputs, bias_sums = g.OH * g.OW, total.size - g.columns
        depth = (g.KW * g.C + inner - 1) // inner * inner
        zero(image)
        zero(passed)
        zero(total)
        for n in chunk_range(g.N, chunk, chunks):
            hold_image(x, n, -1, g, image)
            start = 0 if copied else n * outputs * g.F
            if copied:
                for pixel in range(outputs):
                    begin, to = (n * outputs + pixel) * g.F, pixel * g.columns
                    upstream, output, here = dy[begin : begin + g.F], y[begin : begin + g.F], passed[to : to + g.F]
                    for f in range(g.F):
                        here[f] = upstream[f] if output[f] > 0 or not g.relu else 0
                    if by_pool:
                        copy_run(index, begin, winners, to, g.F)
            if separately:
                for f in range(0, g.columns, vectors * lanes):
                    bias = tile_load(bias_tile, total, bias_sums + f, 0, 0)
                    for pixel in range(outputs):
                        bias = tile_add(bias, tile_load(bias_tile, gradient, start + pixel * g.columns + f, 0, 0))
                    tile_store(bias_tile, bias, total, bias_sums + f, 0, 0)
            for ky in range(0, g.KH, outer):
                for k in range(0, depth, inner):
                    for f in range(0, g.columns, vectors * lanes):
                        place = (ky * depth + k) * g.columns + f
                        acc = tile_load(tile, total, place, depth * g.columns, g.columns)
                        bias = tile_load(bias_tile, total, bias_sums + f, 0, 0)
                        for oy in range(g.OH):
                            for ox in range(g.OW):
                                b = start + (oy * g.OW + ox) * g.columns + f
                                for py in range(PH):
                                    line = ((oy * down + py) * g.stride_y + ky) * g.width
                                    for px in range(PW):
                                        a = (line + (ox * across + px) * g.stride_x) * g.C + k
                                        row = tile_load(bias_tile, gradient, b, 0, 0)
                                        if by_relu:
                                            row = row_where_positive(bias_tile, row, y, b)
                                        if by_pool:
                                            row = row_where(bias_tile, row, winner, b, py * PW + px)
                                        acc = tile_fma_row(tile, acc, image, a, g.width * g.C, 1, row)
                                        if not separately:
                                            bias = tile_add(bias, row)
                        tile_store(tile, acc, total, place, depth * g.columns, g.columns)
                        if not separately:
                            tile_store(bias_tile, bias, total, bias_sums + f, 0, 0)

    return kernel_gradient
