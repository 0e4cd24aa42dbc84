"""The first layer for a few filters, forward: neighbouring pixels in the lanes of a vector, instead of filters.

Images of one channel lie in memory as SIMD vectors want them, pixel by pixel, while filters that fill no more than half
of a vector would leave the other lanes idle. So each filter has sums of its own for two lines of pixels: one step
broadcasts its weight at one kernel position and multiplies the input, shifted by that position. The 2 x 2 windows of
the pool are then pairs of lanes of the two lines, and what remains is transposed in registers, since the channels
of a pixel belong side by side.
"""

from functools import cache

import numpy as np

from ....types import Array
from ...settings import Window
from ..machine.registers import Tile, largest_tile, registers
from ..machine.tile import copy_run, tile_fma, tile_shape, tile_store, tile_zeros
from ..machine.tile_pool import tile_window_maximum
from ..machine.tile_transforms import tile_transpose
from ..runtime.arguments import or_empty, read_array, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_for_work, round_up
from ..runtime.compile import native
from ..runtime.launch import run
from ..runtime.scratch import chunk_scratch, scratch_of
from ..shared.padded_columns import padded_bias
from ..shared.padded_image import hold_image, zero
from .shapes import ConvDims


def convolve_few_filters(
    x: Array, kernel: Array, bias: Array | None, window: Window, pool: Window, y: Array, index: Array
) -> None:
    """Compute y = ReLU(max-pool(convolution + bias)), and in ``index`` each maximum's position, or 255 where y is 0."""
    F = y.shape[3]
    tile = pixel_tile(F, y.dtype)
    g = ConvDims.of(x, F, round_up(y.shape[2], tile.lanes), window, pool)
    chunks = chunks_for_work(g.N * g.OH, 4 * y.size * g.KH * g.KW)
    line = g.columns * F + tile.lanes
    images = chunk_scratch("images", chunks, g.height * g.width + 2 * g.columns, y.dtype)
    lines = chunk_scratch("lines", chunks, line, y.dtype)
    index_lines = chunk_scratch("index lines", chunks, line, np.uint8)
    address = _planar_kernel(y.dtype, *tile, filter_lanes(tile.inner), F)
    run(address, chunks, g, x, kernel, or_empty(bias, y.dtype), images, lines, y, index, index_lines)


@cache
def pixel_tile(filters: int, dtype: np.dtype) -> Tile:
    """Choose the tile: two vectors of pixels for each of the filters, of which there are two, one for each line."""
    lanes = registers().width // dtype.itemsize
    most = (largest_tile() - 2) // 4
    at_once = filters if filters <= most else 1 << (most.bit_length() - 1)
    return Tile(1, at_once, 2, lanes)


def filter_lanes(filters: int) -> int:
    """Return the power of two that is no less than the number of filters, and at least 2."""
    return 1 << max(1, (filters - 1).bit_length())


@native
def _planar_kernel(dtype, outer, inner, vectors, lanes, rows, filters):
    def planar_convolution(chunk, chunks, dims, pointers):
        """A chunk of the pooled lines; tiles of pixels; of filters; the kernel positions innermost.

        Registers: for each filter two vectors of pixels of two lines. L1: the image. The results of a line wait in
        scratch memory: each pixel is stored as a whole vector, of which the next one overwrites what is too much.
        """
        g = read_dims(dims, ConvDims)
        x, weights, bias, images, lines, y = read_arrays(pointers, 6, dtype)
        bias = padded_bias(bias, g.F)
        index = read_array(pointers, 6, np.uint8)
        index_lines = read_array(pointers, 7, np.uint8)
        tile, windows = tile_shape(1, inner, 2, lanes), tile_shape(1, rows, 1, lanes)
        upright = tile_shape(1, lanes, 1, rows)
        image = scratch_of(images, chunk, chunks)
        lines, index_lines = scratch_of(lines, chunk, chunks), scratch_of(index_lines, chunk, chunks)
        zero(image)
        copied = -1
        for row in chunk_range(g.N * g.OH, chunk, chunks):
            n, oy = row // g.OH, row % g.OH
            copied = hold_image(x, n, copied, g, image)
            for ox in range(0, g.OW, lanes):
                for group in range(0, g.F, inner):
                    f = min(group, g.F - inner)
                    top, bottom = tile_zeros(tile, x), tile_zeros(tile, x)
                    for ky in range(g.KH):
                        pixel = (2 * oy + ky) * g.width + 2 * ox
                        for kx in range(g.KW):
                            weight = (ky * g.KW + kx) * filters + f
                            top = tile_fma(tile, top, weights, weight, 0, 1, image, pixel + kx)
                            bottom = tile_fma(tile, bottom, weights, weight, 0, 1, image, pixel + g.width + kx)
                    maxima, winners = tile_window_maximum(tile, top, bottom, bias, f, rows)
                    place = ox * g.F + f
                    tile_store(upright, tile_transpose(windows, maxima), lines, place, 0, filters)
                    tile_store(upright, tile_transpose(windows, winners), index_lines, place, 0, filters)
            copy_run(lines, 0, y, row * g.OW * g.F, g.OW * g.F)
            copy_run(index_lines, 0, index, row * g.OW * g.F, g.OW * g.F)

    return planar_convolution
