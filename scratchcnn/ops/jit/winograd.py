"""Convolution by 3 x 3 kernels with 16 multiplications where 36 seem to be needed (Winograd's minimal filtering).

Four neighbouring outputs, 2 x 2, of a 3 x 3 kernel depend on a patch of 4 x 4 inputs. Computed one by one they take
4 * 9 = 36 multiplications for each channel and filter. Winograd found that 16 suffice, one for each input of the patch,
if patch and kernel are first transformed by additions (Lavin and Gray 2016, "Fast algorithms for convolutional neural
networks", F(2x2, 3x3)):

    outputs = A^T [ (G kernel G^T) * (B^T patch B) ] A          * is element by element, the sum over channels inside

In one dimension, for outputs y0 = d0 g0 + d1 g1 + d2 g2 and y1 = d1 g0 + d2 g1 + d3 g2, with four products:

    m0 = (d0 - d2) g0        m1 = (d1 + d2) (g0 + g1 + g2) / 2        y0 = m0 + m1 + m2
    m3 = (d1 - d3) g2        m2 = (d2 - d1) (g0 - g1 + g2) / 2        y1 = m1 - m2 - m3

The rows of B^T, G and A^T below are these lines; applied to the rows and then to the columns they give the 16 products.
The transforms are additions, done once for each patch and channel, or patch and filter; the products are done for each
patch, channel and filter, and for each of the 16 they are a matrix product: (patches x C) (C x F), on register tiles.

The four outputs of a patch are just the window of a 2 x 2 max-pool, which follows in the same registers.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .conv import forward_tile
from .cpu import Tile, lanes_for
from .geometry import PooledConvolution
from .image import copy_image, zero
from .kernel import compiled, kernel, precision_of, run
from .launch import SUM_BYTES, padded_bias, padded_columns, part_of, round_up, scratch, work_slices
from .operands import array_of, arrays, geometry
from .tile import copy_run, tile_fma, tile_load, tile_shape, tile_store, tile_zeros
from .tile_pool import tile_store_window_maximum
from .tile_transform import tile_sandwich

patch_transform = tile_sandwich(((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)))  # B^T
kernel_transform = tile_sandwich(((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)))  # G
output_transform = tile_sandwich(((1, 1, 1, 0), (0, 1, -1, -1)))  # A^T

PAD = 16  # between the 16 transformed kernels: a power of two apart, they would all want the same lines of the cache


def suits(g: PooledConvolution, dtype: np.dtype) -> bool:
    """Tell whether a convolution with a pool behind it can be, and is better, computed this way."""
    fits = (g.KH, g.KW) == (3, 3) and (g.stride_y, g.stride_x) == (1, 1) and g.C % lanes_for(g.C, dtype) == 0
    return fits and g.C >= 16 and g.F >= 16  # below, the transforms take more time than they save


def convolve(
    g: PooledConvolution, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, y: np.ndarray, index: np.ndarray
) -> None:
    """Compute ReLU(max-pool(convolution + bias)) for 2 x 2 pools."""
    most = work_slices(g.N * g.OH * g.F, 16 * g.N * g.OH * g.OW * g.F * g.C)
    tile, lines, parts = divide(g.N * g.OH, g.OW, g.C, g.F, most, y.dtype)
    columns = round_up(g.F, tile.columns)
    g = g._replace(columns=columns, filter_parts=parts)
    slices, widest = lines * parts, -(-columns // tile.columns // parts) * tile.columns
    depth_lanes = lanes_for(g.C, y.dtype)
    run(
        _convolve_kernel(precision_of(y.dtype), *tile, g.C, depth_lanes, PAD),
        slices,
        g,
        x,
        padded_columns(kernel.reshape(-1, g.F), columns, "kernel"),
        bias,
        scratch("transformed kernel", (slices, 16 * (g.C * widest + PAD)), y.dtype),
        scratch("images", (slices, round_up(g.height * g.width * g.C, 16)), y.dtype),
        scratch("patches", (slices, 16 * tile.inner * g.C), y.dtype),
        scratch("products", (slices, 16 * tile.inner * tile.columns), y.dtype),
        scratch("lines", (slices, g.OW * widest), y.dtype),
        y,
        index,
        scratch("index lines", (slices, round_up(g.OW * widest, 64)), np.uint8),
    )


@cache
def divide(rows: int, windows: int, C: int, F: int, most: int, dtype: np.dtype) -> tuple[Tile, int, int]:
    """Divide ``rows`` of ``windows``, and the filters, into parts; return the tile and the numbers of both.

    A slice computes one part of the rows with one part of the filters, at most ``most`` slices in all, and transforms
    what it needs: patches as often as there are parts of filters, the kernel as often as there are parts of rows. A
    transform takes as long as some four multiplications of what it makes. So many images are divided, for one image
    the filters. ``SUM_BYTES`` limits the memory of the transformed kernels.
    """
    best, best_cost = (forward_tile(windows, F, dtype), 1, 1), np.inf
    for parts in range(1, min(most, -(-F // lanes_for(F, dtype))) + 1):
        tile = forward_tile(windows, -(-F // parts), dtype)
        columns = round_up(F, tile.columns)
        lines = max(1, min(rows, most // parts, SUM_BYTES // (16 * C * columns * dtype.itemsize)))
        patches, filters = -(-rows // lines) * windows, -(-columns // tile.columns // parts) * tile.columns
        cost = patches * filters + 4 * (patches + filters)
        if cost < best_cost:
            best, best_cost = (tile, lines, parts), cost
    return best


@compiled
def transform_filters(three, four, lanes, weights, g, first, last, transformed, plane):
    """G kernel G^T for the filters first ... last - 1: from (3, 3, C, columns) to 16 planes (C, last - first)."""
    distance = g.C * g.columns
    for c in range(g.C):
        for f in range(first, last, lanes):
            values = kernel_transform(three, tile_load(three, weights, c * g.columns + f, 3 * distance, distance))
            tile_store(four, values, transformed, c * (last - first) + f - first, 4 * plane, plane)


@cache
def _convolve_kernel(precision, outer, inner, vectors, lanes, channels, depth_lanes, pad):
    @kernel
    def winograd(s, slices, numbers, addresses):
        """Some lines and filters, ``inner`` windows at a time: transform their patches, multiply, transform back.

        Registers: in the product, a tile of windows x filters; in the transforms, one patch of one vector. L1: the
        transformed patches and the products, some 30 KiB for 32 channels and 64 filters. L2: the transformed kernel.
        Each slice transforms what it needs of the kernel by itself: to fetch what another core has just written to its
        own cache takes several times as long.
        """
        g = geometry(numbers, PooledConvolution)
        x, weights, bias, kernels, images, patches, products, lines, y = arrays(addresses, 9, precision)
        bias = padded_bias(bias, g.columns)
        index = array_of(addresses, 9, np.uint8, precision)
        index_lines = array_of(addresses, 10, np.uint8, precision)
        tile = tile_shape(outer, inner, vectors, lanes)
        patch, sums, window = tile_shape(4, 4, 1, depth_lanes), tile_shape(4, 4, 1, lanes), tile_shape(2, 2, 1, lanes)
        width = vectors * lanes
        line_parts, panels = slices // g.filter_parts, g.columns // width
        line_part, part = s // g.filter_parts, s % g.filter_parts
        begin, end = part * panels // g.filter_parts * width, (part + 1) * panels // g.filter_parts * width
        filters = end - begin
        plane = g.C * filters + pad
        transformed = part_of(kernels, s, slices)
        transform_filters(tile_shape(3, 3, 1, lanes), sums, lanes, weights, g, begin, end, transformed, plane)
        image = part_of(images, s, slices)
        patches = part_of(patches, s, slices)
        products = part_of(products, s, slices)
        lines, index_lines = part_of(lines, s, slices), part_of(index_lines, s, slices)
        straight = g.F == g.columns
        zero(image)
        copied = -1
        for row in range(line_part * g.N * g.OH // line_parts, (line_part + 1) * g.N * g.OH // line_parts):
            n, oy = row // g.OH, row % g.OH
            if n != copied:
                copy_image(x, n * g.H * g.W * g.C, g, image)
                copied = n
            for pixel in range(0, g.OW, inner):
                first = min(pixel, g.OW - inner)
                for p in range(inner):
                    corner = (2 * oy * g.width + 2 * (first + p)) * g.C
                    for c in range(0, g.C, depth_lanes):
                        values = patch_transform(patch, tile_load(patch, image, corner + c, g.width * g.C, g.C))
                        tile_store(patch, values, patches, p * g.C + c, 4 * inner * g.C, inner * g.C)
                for f in range(begin, end, width):
                    for place in range(16):
                        acc = tile_zeros(tile, x)
                        a, b = place * inner * g.C, place * plane + f - begin
                        for c in range(g.C):
                            acc = tile_fma(tile, acc, patches, a + c, 0, channels, transformed, b + c * filters)
                        tile_store(tile, acc, products, place * inner * width, 0, width)
                    for p in range(inner):
                        for v in range(0, width, lanes):
                            values = tile_load(sums, products, p * width + v, 4 * inner * width, inner * width)
                            values = output_transform(sums, values)
                            if straight:
                                to = (row * g.OW + first + p) * g.F + f + v
                                tile_store_window_maximum(window, values, bias, f + v, y, to, 0, index, to)
                            else:
                                to = (first + p) * filters + f - begin + v
                                tile_store_window_maximum(window, values, bias, f + v, lines, to, 0, index_lines, to)
            if not straight:
                for pixel in range(g.OW):
                    to = (row * g.OW + pixel) * g.F + begin
                    copy_run(lines, pixel * filters, y, to, min(end, g.F) - begin)
                    copy_run(index_lines, pixel * filters, index, to, min(end, g.F) - begin)

    return winograd
