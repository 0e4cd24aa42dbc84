"""The gradient of a convolution's kernel, where most of the output's gradient is not zero.

It is an outer product for each output pixel: a column of R kernel positions k of the
pixel's window, times the row dy[pixel, :], added to a tile of R positions x V vectors of filters. The tile stays in
registers for all pixels of an image. The image and its gradient are in L1, the sums in L2.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ...settings import Window
from ..machine.registers import Tile, lanes_for, largest_tile, widest_tile
from ..machine.tile import tile_fma, tile_load, tile_shape, tile_store
from ..machine.tile_sparse import tile_fma_passed
from ..runtime.arguments import UNIT, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_of_reduction, part_of, round_up
from ..runtime.compile import native
from ..runtime.launch import run
from ..runtime.scratch import scratch
from ..shared.padded_image import copy_image, zero
from ..shared.reduce import add_kernel_chunks
from .shapes import ConvDims


def kernel_gradient_dense(
    x: np.ndarray,
    dy: np.ndarray,
    y: np.ndarray | None,
    window: Window,
    dkernel: np.ndarray,
    dbias: np.ndarray | None,
) -> None:
    """Compute the gradients of kernel and bias; with y, of a ReLU's output, dy counts only where y > 0."""
    N, H, W, C = x.shape
    _, OH, OW, F = dy.shape
    KH, KW = dkernel.shape[:2]
    tile = gradient_tile(KH, KW * C, F, x.dtype)
    columns, depth = round_up(F, tile.columns), round_up(KW * C, tile.inner)
    strides, padding, (height, width) = window.strides, window.padding, window.seen
    size = (KH * depth + 1) * columns  # the kernel's gradient, then the bias's
    chunks = chunks_of_reduction(N, size * x.itemsize)
    sums = scratch("kernel gradients", (chunks, size), x.dtype)
    relu = y is not None
    whole = relu and (tile.outer, tile.inner) == (KH, depth) and columns == F
    factory = _whole_kernel_gradient if whole else _kernel_gradient_kernel
    g = ConvDims(
        N=N, H=H, W=W, C=C, F=F, KH=KH, KW=KW, OH=OH, OW=OW, stride_y=strides[0], stride_x=strides[1],
        top=padding[0], left=padding[1], height=height, width=width, columns=columns, depth=depth, relu=relu,
        wants_bias=dbias is not None,
    )  # fmt: skip
    run(
        factory(x.dtype, *tile),
        chunks,
        g,
        x,
        dy,
        dy if y is None else y,
        scratch("images", (chunks, round_up(height * width * C + tile.inner, 16)), x.dtype),
        scratch("lines", (chunks, round_up(OH * OW * columns, 16)), x.dtype),
        sums,
        UNIT[x.dtype],
    )
    add_kernel_chunks(sums, depth, columns, dkernel, dbias)


@cache
def gradient_tile(KH: int, depth: int, filters: int, dtype: np.dtype) -> Tile:
    """Choose the tile for the gradient of a kernel whose windows have KH lines of ``depth`` = KW*C numbers."""
    lanes = lanes_for(filters, dtype)
    vectors = min(widest_tile(), -(-filters // lanes))
    if KH * depth * vectors <= largest_tile():  # a small window, such as the first layer's, fits whole
        return Tile(KH, depth, vectors, lanes)
    rows = range(1, largest_tile() // vectors + 1)
    return Tile(1, min(rows, key=lambda r: (round_up(depth, r), -r)), vectors, lanes)


@cache
def _kernel_gradient_kernel(dtype, outer, inner, vectors, lanes):
    @native
    def convolution_kernel_gradient(chunk, chunks, dims, pointers):
        """A chunk of the batch, with sums of its own; tiles of the kernel's gradient; the pixels innermost.

        The bias is treated as the weight of an input that is always ``one``. Registers: the tile. L1: the image, and
        one tile's width of its gradient. L2: the sums.
        """
        g = read_dims(dims, ConvDims)
        x, dy, y, images, lines, sums, one = read_arrays(pointers, 7, dtype)
        tile, bias_tile = tile_shape(outer, inner, vectors, lanes), tile_shape(1, 1, vectors, lanes)
        image, passed, total = (
            part_of(images, chunk, chunks),
            part_of(lines, chunk, chunks),
            part_of(sums, chunk, chunks),
        )
        straight = g.F == g.columns and not g.relu  # dy is used where it lies
        gradient = dy if straight else passed
        zero(image)
        zero(passed)
        zero(total)
        for n in chunk_range(g.N, chunk, chunks):
            copy_image(x, n * g.H * g.W * g.C, g, image)
            start = n * g.OH * g.OW * g.F if straight else 0
            if not straight:
                for pixel in range(g.OH * g.OW):
                    begin, to = (n * g.OH * g.OW + pixel) * g.F, pixel * g.columns
                    upstream, output, here = dy[begin : begin + g.F], y[begin : begin + g.F], passed[to : to + g.F]
                    for f in range(g.F):
                        here[f] = upstream[f] if output[f] > 0 or not g.relu else 0
            for f in range(0, g.columns if g.wants_bias else 0, vectors * lanes):
                bias = tile_load(bias_tile, total, total.size - g.columns + f, 0, 0)
                for pixel in range(g.OH * g.OW):
                    bias = tile_fma(bias_tile, bias, one, 0, 0, 0, gradient, start + pixel * g.columns + f)
                tile_store(bias_tile, bias, total, total.size - g.columns + f, 0, 0)
            for ky in range(0, g.KH, outer):
                for k in range(0, g.depth, inner):
                    for f in range(0, g.columns, vectors * lanes):
                        place = (ky * g.depth + k) * g.columns + f
                        acc = tile_load(tile, total, place, g.depth * g.columns, g.columns)
                        for oy in range(g.OH):
                            a = (oy * g.stride_y + ky) * g.width * g.C + k
                            b = start + oy * g.OW * g.columns + f
                            for ox in range(g.OW):
                                acc = tile_fma(
                                    tile, acc, image, a + ox * g.stride_x * g.C, g.width * g.C, 1,
                                    gradient, b + ox * g.columns,
                                )  # fmt: skip
                        tile_store(tile, acc, total, place, g.depth * g.columns, g.columns)

    return convolution_kernel_gradient


@cache
def _whole_kernel_gradient(dtype, outer, inner, vectors, lanes):
    @native
    def whole_kernel_gradient(chunk, chunks, dims, pointers):
        """A chunk of the batch, where a tile holds the whole kernel, for a vector or two of filters; pixels innermost.

        So a pixel's gradient is needed once, and masked on the way. Registers: the tile, and the sum for the bias.
        """
        g = read_dims(dims, ConvDims)
        x, dy, y, images, _, sums, one = read_arrays(pointers, 7, dtype)
        tile, bias_tile = tile_shape(outer, inner, vectors, lanes), tile_shape(1, 1, vectors, lanes)
        image, total = part_of(images, chunk, chunks), part_of(sums, chunk, chunks)
        zero(image)
        zero(total)
        for n in chunk_range(g.N, chunk, chunks):
            copy_image(x, n * g.H * g.W * g.C, g, image)
            for f in range(0, g.F, vectors * lanes):
                acc = tile_load(tile, total, f, g.depth * g.F, g.F)
                bias = tile_load(bias_tile, total, total.size - g.F + f, 0, 0)
                for oy in range(g.OH):
                    for ox in range(g.OW):
                        a = (oy * g.stride_y * g.width + ox * g.stride_x) * g.C
                        b = ((n * g.OH + oy) * g.OW + ox) * g.F + f
                        acc = tile_fma_passed(tile, acc, image, a, g.width * g.C, 1, dy, y, b)
                        bias = tile_fma_passed(bias_tile, bias, one, 0, 0, 0, dy, y, b)
                tile_store(tile, acc, total, f, g.depth * g.F, g.F)
                tile_store(bias_tile, bias, total, total.size - g.F + f, 0, 0)

    return whole_kernel_gradient
