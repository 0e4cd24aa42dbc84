"""The gradient of a convolution's kernel as a dense sum over all output pixels, masked or not.

It is an outer product for each output pixel: a column of R kernel positions k of the pixel's window, times the row
dy[pixel, :], added to a tile of R positions x V vectors of filters. The tile stays in registers for all pixels of an
image or, where the gradient is copied first, of a band of its lines. The band is in L1, and so are the sums where they
are few.

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
from ..machine.tile_rows import row_where
from ..runtime.arguments import EMPTY, read_array, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_of_reduction, part_of, round_up
from ..runtime.compile import device, native
from ..runtime.launch import run
from ..runtime.scratch import chunk_scratch, scratch, scratch_of
from ..shared.padded_image import hold_image, zero
from ..shared.reduce import add_kernel_chunks
from .shapes import ConvDims

BAND_BYTES = SUMS_BYTES = (
    12 << 10
)  # of a copied gradient, and of all sums, so that both stay in L1 with some lines of x


def kernel_gradient_dense(
    x: Array, dy: Array, y: Array | None, window: Window, dkernel: Array, dbias: Array | None
) -> None:
    """Compute the gradients of kernel and bias; with y, of a ReLU's output, dy counts only where y > 0."""
    KH, KW, C, F = dkernel.shape
    _sum_outer_products(x, dy, y, None, window, None, gradient_tile(KH, KW * C, F, x.dtype), dkernel, dbias)


def kernel_gradient_masked(
    x: Array, dy: Array, index: Array, window: Window, pool: Window, dkernel: Array, dbias: Array | None
) -> None:
    """Compute the gradients of kernel and bias from dy, the gradient of the pooled output."""
    KH, KW, C, F = dkernel.shape
    tile = window_tile(KH, KW * C, F, x.dtype)
    _sum_outer_products(x, dy, None, index, window, pool, tile, dkernel, dbias)


def _sum_outer_products(
    x: Array,
    dy: Array,
    y: Array | None,
    index: Array | None,
    window: Window,
    pool: Window | None,
    tile: Tile,
    dkernel: Array,
    dbias: Array | None,
) -> None:
    KH, KW, C, F = dkernel.shape
    columns, depth = round_up(F, tile.columns), round_up(KW * C, tile.inner)
    size = (KH * depth + 1) * columns  # the kernel's gradient, then the bias's
    chunks = chunks_of_reduction(len(x), size * x.itemsize)
    copied = F != columns or y is not None  # then dy is padded, and masked by y
    g = ConvDims.of(x, F, columns, window, pool)
    g = g._replace(relu=y is not None, band=lines_at_once(g, size, x.itemsize) if copied else g.OH)
    numbers, no_index = g.band * g.OW * columns if copied else 1, EMPTY[np.dtype(np.uint8)]
    index_lines = no_index if index is None else chunk_scratch("index lines", chunks, numbers, np.uint8)
    lines = chunk_scratch("lines", chunks, numbers, x.dtype)
    images = chunk_scratch("images", chunks, g.height * g.width * C + tile.inner, x.dtype)
    sums, y = scratch("kernel gradients", (chunks, size), x.dtype), dy if y is None else y
    pooling = g.PH, g.PW, g.pool_stride_y, g.pool_stride_x
    address = _kernel_gradient_kernel(x.dtype, *tile, copied, index is not None, *pooling)
    run(address, chunks, g, x, dy, y, images, lines, sums, no_index if index is None else index, index_lines)
    add_kernel_chunks(sums, depth, columns, dkernel, dbias)


def lines_at_once(g: ConvDims, size: int, itemsize: int) -> int:
    """Return how many lines of the output's gradient to copy at a time: as many as ``BAND_BYTES`` has room for.

    All of an image's where the sums exceed ``SUMS_BYTES``: for each band all of them are loaded and stored.
    """
    if size * itemsize > SUMS_BYTES:
        return g.OH
    return min(g.OH, max(1, BAND_BYTES // (g.OW * g.columns * itemsize)))


@cache
def gradient_tile(KH: int, depth: int, filters: int, dtype: np.dtype) -> Tile:
    """Choose the tile for the gradient of a kernel whose windows have KH lines of ``depth`` = KW*C numbers."""
    lanes = lanes_for(filters, dtype)
    all_vectors = -(-filters // lanes)
    widest = min(widest_tile(), all_vectors)
    for vectors in range(widest, 0, -1):  # a small window, such as the first layer's, fits whole
        if all_vectors % vectors == 0 and KH * depth * vectors <= largest_tile(vectors + 1):
            return Tile(KH, depth, vectors, lanes)
    rows = range(1, largest_tile(widest + 1) // widest + 1)
    return Tile(1, min(rows, key=lambda r: (round_up(depth, r), -r)), widest, lanes)


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
def _kernel_gradient_kernel(dtype, outer, inner, vectors, lanes, copied, by_pool, PH, PW, down, across):
    def kernel_gradient(chunk, chunks, dims, pointers):
        """A chunk of the batch, with sums of its own; tiles of the kernel's gradient; the pixels innermost.

        Registers: the tile and, after a pool, when it always holds the whole kernel, the bias's sums. L1: the image,
        and one tile's width of its gradient or a copied band. L2: the sums, unless they are few.
        """
        g = read_dims(dims, ConvDims)
        x, dy, y, images, lines, sums = read_arrays(pointers, 6, dtype)
        index, index_lines = read_array(pointers, 6, np.uint8), read_array(pointers, 7, np.uint8)
        tile, bias_tile = tile_shape(outer, inner, vectors, lanes), tile_shape(1, 1, vectors, lanes)
        image, total = scratch_of(images, chunk, chunks), part_of(sums, chunk, chunks)
        passed, winners = scratch_of(lines, chunk, chunks), scratch_of(index_lines, chunk, chunks)
        gradient, winner = (passed, winners) if copied else (dy, index)
        bias_sums = total.size - g.columns
        depth = (g.KW * g.C + inner - 1) // inner * inner
        zero(image)
        zero(passed)
        zero(total)
        for n in chunk_range(g.N, chunk, chunks):
            hold_image(x, n, -1, g, image)
            for first in range(0, g.OH, g.band):
                last = min(first + g.band, g.OH)
                start = (n * g.OH + first) * g.OW * g.F
                pixels = (last - first) * g.OW
                if copied:
                    pass_lines(dy, y, g, start, pixels, passed)
                    for pixel in range(pixels if by_pool else 0):
                        copy_run(index, start + pixel * g.F, winners, pixel * g.columns, g.F)
                    start = 0
                if not by_pool:
                    for f in range(0, g.columns, vectors * lanes):
                        bias = tile_load(bias_tile, total, bias_sums + f, 0, 0)
                        for pixel in range(pixels):
                            bias = tile_add(bias, tile_load(bias_tile, gradient, start + pixel * g.columns + f, 0, 0))
                        tile_store(bias_tile, bias, total, bias_sums + f, 0, 0)
                for ky in range(0, g.KH, outer):
                    for k in range(0, depth, inner):
                        for f in range(0, g.columns, vectors * lanes):
                            place = (ky * depth + k) * g.columns + f
                            acc = tile_load(tile, total, place, depth * g.columns, g.columns)
                            bias = tile_load(bias_tile, total, bias_sums + f, 0, 0)
                            for oy in range(first, last):
                                for ox in range(g.OW):
                                    b = start + ((oy - first) * g.OW + ox) * g.columns + f
                                    for py in range(PH):
                                        line = ((oy * down + py) * g.stride_y + ky) * g.width
                                        for px in range(PW):
                                            a = (line + (ox * across + px) * g.stride_x) * g.C + k
                                            row = tile_load(bias_tile, gradient, b, 0, 0)
                                            if by_pool:
                                                row = row_where(bias_tile, row, winner, b, py * PW + px)
                                                bias = tile_add(bias, row)
                                            acc = tile_fma_row(tile, acc, image, a, g.width * g.C, 1, row)
                            tile_store(tile, acc, total, place, depth * g.columns, g.columns)
                            if by_pool:
                                tile_store(bias_tile, bias, total, bias_sums + f, 0, 0)

    return kernel_gradient


@device
def pass_lines(dy, y, g, begin, pixels, passed):
    """Copy the gradients of some pixels, the first at dy[begin], to rows of ``columns`` numbers.

    They become zero where ReLU stopped them. What is after a row's F numbers stays as it is. Where nothing is, all rows
    are one loop: pixel by pixel, from memory, it takes half as long again.
    """
    length = pixels * g.F if g.F == g.columns else g.F
    for i in range(0, pixels * g.F, length):
        first, to = begin + i, i // g.F * g.columns
        upstream, output, here = dy[first : first + length], y[first : first + length], passed[to : to + length]
        for f in range(length):
            here[f] = upstream[f] if output[f] > 0 or not g.relu else 0
