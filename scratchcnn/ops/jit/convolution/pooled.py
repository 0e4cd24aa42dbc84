"""Convolution, bias, ReLU and max-pool in one pass.

A tile holds the sums of P pooling windows of 2 x 2 pixels, so their maximum is found in registers. What
convolution alone would write, four times as much as remains, is never stored, and pixels that the pool would drop are
never computed. Other pools than 2 x 2 run as a convolution followed by a pool.
"""

import numpy as np

from ....types import Array
from ...settings import Window
from ..machine.registers import best_tile
from ..machine.tile import copy_run, tile_fma, tile_shape, tile_zeros
from ..machine.tile_pool import tile_store_window_maximum
from ..runtime.arguments import or_empty, read_array, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_for_work, round_up
from ..runtime.compile import native
from ..runtime.launch import run
from ..runtime.scratch import chunk_scratch, scratch_of
from ..shared.padded_columns import padded_bias, padded_columns
from ..shared.padded_image import hold_image, zero
from .shapes import ConvDims, short_window


def convolve_pooled(
    x: Array, weights: Array, bias: Array | None, window: Window, pool: Window, y: Array, index: Array
) -> None:
    """Compute y = ReLU(max-pool(convolution + bias)) of 2 x 2, and in ``index`` each maximum's position, or 255."""
    F = y.shape[3]
    windows = best_tile(y.shape[2], F, y.dtype, most=y.shape[2], block=4)
    tile = windows._replace(outer=2, inner=2 * windows.inner)
    g = ConvDims.of(x, F, round_up(F, tile.columns), window, pool)
    chunks = chunks_for_work(g.N * g.OH, 4 * g.N * g.OH * g.OW * g.F * g.KH * g.KW * g.C)
    packed = padded_columns(weights.reshape(-1, F), g.columns, "kernel", g.N * g.OH)
    images = chunk_scratch("images", chunks, g.height * g.width * g.C, y.dtype)
    lines = chunk_scratch("lines", chunks, g.OW * g.columns, y.dtype)
    index_lines = chunk_scratch("index lines", chunks, g.OW * g.columns, np.uint8)
    address = _conv_relu_pool_kernel(y.dtype, *tile, g.stride_x * g.C, *short_window(g.KH, g.KW * g.C))
    run(address, chunks, g, x, packed, or_empty(bias, y.dtype), images, lines, y, index, index_lines)


@native
def _conv_relu_pool_kernel(dtype, outer, inner, vectors, lanes, distance, short_lines, short_depth):
    def conv_relu_pool(chunk, chunks, dims, pointers):
        """A chunk of the pooled lines; for each vector of filters, tiles of P windows; kernel positions innermost.

        Registers: the 4P pixels' sums. L1: the image's lines, and most of the kernel's panel. L2: the kernel.
        """
        g = read_dims(dims, ConvDims)
        x, weights, bias, images, lines, y = read_arrays(pointers, 6, dtype)
        bias = padded_bias(bias, g.columns)
        index = read_array(pointers, 6, np.uint8)
        index_lines = read_array(pointers, 7, np.uint8)
        tile = tile_shape(outer, inner, vectors, lanes)
        image = scratch_of(images, chunk, chunks)
        lines, index_lines = scratch_of(lines, chunk, chunks), scratch_of(index_lines, chunk, chunks)
        zero(image)
        copied = -1
        for row in chunk_range(g.N * g.OH, chunk, chunks):
            n, oy = row // g.OH, row % g.OH
            copied = hold_image(x, n, copied, g, image)
            for f in range(0, g.columns, vectors * lanes):
                for pixel in range(0, g.OW, inner // 2):
                    first = min(pixel, g.OW - inner // 2)
                    acc = tile_zeros(tile, x)
                    for ky in range(short_lines or g.KH):
                        a = ((2 * oy * g.stride_y + ky) * g.width + 2 * first * g.stride_x) * g.C
                        b = ky * g.KW * g.C * g.columns + f
                        for k in range(short_depth or g.KW * g.C):
                            acc = tile_fma(
                                tile, acc, image, a + k, g.stride_y * g.width * g.C, distance,
                                weights, b + k * g.columns,
                            )  # fmt: skip
                    if g.F == g.columns:
                        place = (row * g.OW + first) * g.F + f
                        tile_store_window_maximum(tile, acc, bias, f, y, place, 0, g.F, index, place)
                    else:
                        place = first * g.columns + f
                        tile_store_window_maximum(tile, acc, bias, f, lines, place, 0, g.columns, index_lines, place)
            if g.F != g.columns:
                for pixel in range(g.OW):
                    copy_run(lines, pixel * g.columns, y, (row * g.OW + pixel) * g.F, g.F)
                    copy_run(index_lines, pixel * g.columns, index, (row * g.OW + pixel) * g.F, g.F)

    return conv_relu_pool
