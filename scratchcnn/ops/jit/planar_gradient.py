"""The gradient of the first layer's kernel, for a few filters: pixels in the lanes, as in ``planar.py``.

The gradient of each filter is spread out over the pixels of an image of its own, a plane, as the pool and the ReLU have
passed it; that of each kernel position is the sum, lane by lane, of this plane times the input shifted by the position:

    dkernel[ky, kx, f] = sum over y, x of  image[y + ky, x + kx] * gradient[f, y, x]
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .cpu import Tile, largest_tile, registers
from .geometry import Pair, PooledConvolution
from .image import copy_image, zero
from .kernel import kernel, precision_of, run
from .launch import part_of, round_up, scratch, sum_slices
from .operands import array_of, arrays, geometry
from .planar import filter_lanes
from .sums import add_kernel_slices
from .tile import copy_run, tile_add, tile_fma_lanes, tile_load, tile_shape, tile_store
from .tile_pool import tile_unpool
from .tile_transform import tile_transpose


def kernel_gradient(
    x: np.ndarray, dy: np.ndarray, index: np.ndarray, padding: Pair, dkernel: np.ndarray, dbias: np.ndarray | None
) -> None:
    """Compute dkernel, and dbias (unless None), from dy, the gradient of the pooled output."""
    KH, KW, _, F = dkernel.shape
    tile = position_tile(KW, F, x.dtype)
    two = (2, 2)
    g = PooledConvolution.of(x, dkernel, dy, (1, 1), padding, two, two, round_up(dy.shape[2], tile.lanes))
    g = g._replace(width=max(g.width, 2 * g.columns))  # lines as long as a plane's, to be read as one
    plane = round_up(2 * g.OH * g.width, tile.lanes)
    positions = KH * KW + 1  # the last one for the bias
    slices = sum_slices(g.N, positions * F * x.itemsize)
    sums = scratch("kernel gradients", (slices, positions * F), x.dtype)
    run(
        _planar_gradient_kernel(precision_of(x.dtype), *tile, F, filter_lanes(F)),
        slices,
        g,
        x,
        dy,
        scratch("images", (slices, round_up((g.height + 1) * g.width + tile.lanes, 16)), x.dtype),
        scratch("lines", (slices, round_up(g.columns * F + tile.lanes, 16)), x.dtype),
        scratch("planes", (slices, F * plane), x.dtype),
        scratch("lane sums", (slices, positions * F * tile.lanes), x.dtype),
        sums,
        index,
        scratch("index lines", (slices, round_up(g.columns * F + tile.lanes, 64)), np.uint8),
    )
    add_kernel_slices(sums, KW, F, dkernel, dbias)


@cache
def position_tile(KW: int, filters: int, dtype: np.dtype) -> Tile:
    """Choose the tile: a line of kernel positions, and as many of the filters as the registers allow."""
    lanes = registers().width // dtype.itemsize
    most = max(1, (largest_tile() - 4) // (KW + 1))
    at_once = next(n for n in range(min(most, filters), 0, -1) if filters % n == 0)
    return Tile(1, KW, at_once, lanes)


@cache
def _planar_gradient_kernel(precision, outer, inner, vectors, lanes, filters, filter_lanes):
    @kernel
    def planar_gradient(s, slices, numbers, addresses):
        """A slice of the batch; spread an image's gradients into planes, then multiply; the pixels innermost.

        Registers: a line of kernel positions x some filters, in each lane the sum of every 16th pixel. L1: the image,
        the planes, and the sums of all lanes, which are added up at the end of the slice.
        """
        g = geometry(numbers, PooledConvolution)
        x, dy, images, lines, planes, lane_sums, sums = arrays(addresses, 7, precision)
        index = array_of(addresses, 7, np.uint8, precision)
        index_lines = array_of(addresses, 8, np.uint8, precision)
        tile, bias_tile = tile_shape(1, inner, vectors, lanes), tile_shape(1, filters, 1, lanes)
        pooled, spread = tile_shape(1, lanes, 1, filter_lanes), tile_shape(filters, 2, 2, lanes)
        image, plane, total = part_of(images, s, slices), part_of(planes, s, slices), part_of(lane_sums, s, slices)
        line, index_line = part_of(lines, s, slices), part_of(index_lines, s, slices)
        zero(image)
        zero(line)
        zero(index_line)
        zero(plane)
        zero(total)
        size = plane.size // g.F
        bias_place = g.KH * g.KW * g.F * lanes
        for n in range(s * g.N // slices, (s + 1) * g.N // slices):
            copy_image(x, n * g.H * g.W, g, image)
            bias = tile_load(bias_tile, total, bias_place, 0, lanes)
            for oy in range(g.OH):
                copy_run(dy, (n * g.OH + oy) * g.OW * g.F, line, 0, g.OW * g.F)
                copy_run(index, (n * g.OH + oy) * g.OW * g.F, index_line, 0, g.OW * g.F)
                for ox in range(0, g.OW, lanes):
                    values = tile_transpose(pooled, tile_load(pooled, line, ox * g.F, 0, g.F))
                    winners = tile_transpose(pooled, tile_load(pooled, index_line, ox * g.F, 0, g.F))
                    place = 2 * (oy * g.width + ox)
                    tile_store(spread, tile_unpool(values, winners, filters), plane, place, size, g.width)
                    for pixel in (place, place + lanes, place + g.width, place + g.width + lanes):
                        bias = tile_add(bias, tile_load(bias_tile, plane, pixel, 0, size))
            tile_store(bias_tile, bias, total, bias_place, 0, lanes)
            for ky in range(g.KH):
                for f in range(0, g.F, vectors):
                    here = (ky * g.KW * g.F + f) * lanes
                    acc = tile_load(tile, total, here, 0, g.F * lanes)
                    for pixel in range(0, size, lanes):
                        acc = tile_fma_lanes(tile, acc, image, ky * g.width + pixel, 1, plane, f * size + pixel, size)
                    tile_store(tile, acc, total, here, 0, g.F * lanes)
        sums = part_of(sums, s, slices)
        for i in range(sums.size):
            number = total[i * lanes]
            for lane in range(1, lanes):
                number += total[i * lanes + lane]
            sums[i] = number

    return planar_gradient
