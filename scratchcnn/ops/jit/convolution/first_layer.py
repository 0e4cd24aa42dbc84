"""The gradient of a kernel after a max-pool and a ReLU, in the layer that sees the images.

The sparse way of ``sparse_kernel_gradient.py`` works on lines of KW*C neighbouring numbers. With 3 x 3 kernels on
images of one channel these are three, and to find a gradient takes longer than to use it. So here the pixels of each
pooling window are taken in turn, all of them, with the gradients that went to another pixel masked out.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ...settings import Window
from ..machine.registers import Tile, lanes_for, largest_tile
from ..machine.tile import copy_run, tile_load, tile_shape, tile_store
from ..machine.tile_sparse import tile_fma_where
from ..runtime.arguments import UNIT, read_array, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_of_reduction, part_of, round_up
from ..runtime.compile import native
from ..runtime.launch import run
from ..runtime.scratch import scratch
from ..shared.padded_image import copy_image, zero
from ..shared.reduce import add_kernel_chunks
from .shapes import PooledDims


def kernel_gradient_masked(
    x: np.ndarray,
    dy: np.ndarray,
    index: np.ndarray,
    window: Window,
    pool: Window,
    dkernel: np.ndarray,
    dbias: np.ndarray | None,
) -> None:
    """Compute dkernel, and dbias (unless None), from dy, the gradient of the pooled output."""
    KH, KW, C, F = dkernel.shape
    tile = window_tile(KH, KW * C, F, x.dtype)
    columns = round_up(F, tile.columns)
    g = PooledDims.of(x, dkernel, window, pool, columns)
    size = (KH * KW * C + 1) * columns
    chunks = chunks_of_reduction(g.N, size * x.itemsize)
    sums = scratch("kernel gradients", (chunks, size), x.dtype)
    run(
        _window_gradient_kernel(x.dtype, *tile),
        chunks,
        g,
        x,
        dy,
        scratch("images", (chunks, round_up(g.height * g.width * C, 16)), x.dtype),
        scratch("lines", (chunks, round_up(g.OH * g.OW * columns, 16)), x.dtype),
        sums,
        UNIT[x.dtype],
        index,
        scratch("index lines", (chunks, round_up(g.OH * g.OW * columns, 64)), np.uint8),
    )
    add_kernel_chunks(sums, KW * C, columns, dkernel, dbias)


@cache
def window_tile(KH: int, depth: int, filters: int, dtype: np.dtype) -> Tile:
    """Choose the tile: the whole window of KH x ``depth`` = KW*C numbers, and as many vectors as fit."""
    lanes = lanes_for(filters, dtype)
    return Tile(KH, depth, min(largest_tile() // (KH * depth), -(-filters // lanes)), lanes)


@cache
def _window_gradient_kernel(dtype, outer, inner, vectors, lanes):
    @native
    def window_gradient(chunk, chunks, dims, pointers):
        """A chunk of the batch; for each vector of filters, all pooling windows of an image, and their pixels in turn.

        Registers: the sums of the whole kernel, and of the bias, which is the weight of an input that is always 1.
        L1: the image, its pooled gradient, and the index.
        """
        g = read_dims(dims, PooledDims)
        x, dy, images, lines, sums, one = read_arrays(pointers, 6, dtype)
        index = read_array(pointers, 6, np.uint8)
        index_lines = read_array(pointers, 7, np.uint8)
        tile, bias_tile = tile_shape(outer, inner, vectors, lanes), tile_shape(1, 1, vectors, lanes)
        image, total = part_of(images, chunk, chunks), part_of(sums, chunk, chunks)
        straight = g.F == g.columns
        gradient = dy if straight else lines
        winner = index if straight else index_lines
        zero(image)
        zero(total)
        windows = g.OH * g.OW
        for n in chunk_range(g.N, chunk, chunks):
            copy_image(x, n * g.H * g.W * g.C, g, image)
            begin, index_begin = n * windows * g.F, n * windows * g.F
            if not straight:
                begin, index_begin = chunk * (lines.size // chunks), chunk * (index_lines.size // chunks)
                for p in range(windows):
                    copy_run(dy, (n * windows + p) * g.F, lines, begin + p * g.columns, g.F)
                    copy_run(index, (n * windows + p) * g.F, index_lines, index_begin + p * g.columns, g.F)
            for f in range(0, g.columns, vectors * lanes):
                acc = tile_load(tile, total, f, inner * g.columns, g.columns)
                bias = tile_load(bias_tile, total, total.size - g.columns + f, 0, 0)
                for oy in range(g.OH):
                    for ox in range(g.OW):
                        b = (oy * g.OW + ox) * g.columns + f
                        for py in range(g.PH):
                            line = (oy * g.pool_stride_y + py) * g.stride_y * g.width
                            for px in range(g.PW):
                                a = (line + (ox * g.pool_stride_x + px) * g.stride_x) * g.C
                                position = py * g.PW + px
                                acc = tile_fma_where(
                                    tile, acc, image, a, g.width * g.C, 1,
                                    gradient, begin + b, winner, index_begin + b, position,
                                )  # fmt: skip
                                bias = tile_fma_where(
                                    bias_tile, bias, one, 0, 0, 0,
                                    gradient, begin + b, winner, index_begin + b, position,
                                )  # fmt: skip
                tile_store(tile, acc, total, f, inner * g.columns, g.columns)
                tile_store(bias_tile, bias, total, total.size - g.columns + f, 0, 0)

    return window_gradient
