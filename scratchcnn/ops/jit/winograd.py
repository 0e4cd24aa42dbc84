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
from .cpu import lanes_for
from .geometry import PooledConvolution
from .image import copy_image, zero
from .kernel import kernel, precision_of, run
from .launch import padded_bias, part_of, round_up, scratch, work_slices
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
    g: PooledConvolution, x: np.ndarray, weights: np.ndarray, bias: np.ndarray, y: np.ndarray, index: np.ndarray
) -> None:
    """Compute ReLU(max-pool(convolution + bias)) for 2 x 2 pools; weights (9 C, columns) are padded."""
    precision = precision_of(y.dtype)
    tile = forward_tile(g.OW, g.F, y.dtype)
    depth_lanes = lanes_for(g.C, y.dtype)
    transformed = scratch("transformed kernel", (16, g.C * g.columns + PAD), y.dtype)
    run(_kernel_kernel(precision, tile.lanes, PAD), work_slices(g.C, 16 * g.C * g.columns), g, weights, transformed)
    slices = work_slices(g.N * g.OH, 16 * g.N * g.OH * g.OW * g.F * g.C)
    run(
        _convolve_kernel(precision, *tile, g.C, depth_lanes, PAD),
        slices,
        g,
        x,
        transformed,
        bias,
        scratch("images", (slices, round_up(g.height * g.width * g.C, 16)), y.dtype),
        scratch("patches", (slices, 16 * tile.inner * g.C), y.dtype),
        scratch("products", (slices, 16 * tile.inner * tile.columns), y.dtype),
        scratch("lines", (slices, g.OW * g.columns), y.dtype),
        y,
        index,
        scratch("index lines", (slices, round_up(g.OW * g.columns, 64)), np.uint8),
    )


@cache
def _kernel_kernel(precision, lanes, pad):
    @kernel
    def transform_kernel(s, slices, numbers, addresses):
        """G kernel G^T for a slice of the channels: from (3, 3, C, columns) to (4, 4, C, columns)."""
        g = geometry(numbers, PooledConvolution)
        weights, transformed = arrays(addresses, 2, precision)
        three = tile_shape(3, 3, 1, lanes)
        four = tile_shape(4, 4, 1, lanes)
        distance, plane = g.C * g.columns, g.C * g.columns + pad
        for place in range(s * g.C // slices * g.columns, (s + 1) * g.C // slices * g.columns, lanes):
            values = kernel_transform(three, tile_load(three, weights, place, 3 * distance, distance))
            tile_store(four, values, transformed, place, 4 * plane, plane)

    return transform_kernel


@cache
def _convolve_kernel(precision, outer, inner, vectors, lanes, channels, depth_lanes, pad):
    @kernel
    def winograd(s, slices, numbers, addresses):
        """A slice of the pooled lines, ``inner`` windows at a time: transform their patches, multiply, transform back.

        Registers: in the product, a tile of windows x filters; in the transforms, one patch of one vector. L1: the
        transformed patches and the products, some 30 KiB for 32 channels and 64 filters. L2: the transformed kernel.
        """
        g = geometry(numbers, PooledConvolution)
        x, weights, bias, images, patches, products, lines, y = arrays(addresses, 8, precision)
        bias = padded_bias(bias, g.columns)
        index = array_of(addresses, 8, np.uint8, precision)
        index_lines = array_of(addresses, 9, np.uint8, precision)
        tile = tile_shape(outer, inner, vectors, lanes)
        patch, sums, window = tile_shape(4, 4, 1, depth_lanes), tile_shape(4, 4, 1, lanes), tile_shape(2, 2, 1, lanes)
        width = vectors * lanes
        image = part_of(images, s, slices)
        patches = part_of(patches, s, slices)
        products = part_of(products, s, slices)
        lines, index_lines = part_of(lines, s, slices), part_of(index_lines, s, slices)
        straight = g.F == g.columns
        zero(image)
        copied = -1
        for row in range(s * g.N * g.OH // slices, (s + 1) * g.N * g.OH // slices):
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
                for f in range(0, g.columns, width):
                    for place in range(16):
                        acc = tile_zeros(tile, x)
                        a, b = place * inner * g.C, place * (g.C * g.columns + pad) + f
                        for c in range(g.C):
                            acc = tile_fma(tile, acc, patches, a + c, 0, channels, weights, b + c * g.columns)
                        tile_store(tile, acc, products, place * inner * width, 0, width)
                    for p in range(inner):
                        for v in range(0, width, lanes):
                            values = tile_load(sums, products, p * width + v, 4 * inner * width, inner * width)
                            values = output_transform(sums, values)
                            if straight:
                                to = (row * g.OW + first + p) * g.F + f + v
                                tile_store_window_maximum(window, values, bias, f + v, y, to, 0, index, to)
                            else:
                                to = (first + p) * g.columns + f + v
                                tile_store_window_maximum(window, values, bias, f + v, lines, to, 0, index_lines, to)
            if not straight:
                for pixel in range(g.OW):
                    copy_run(lines, pixel * g.columns, y, (row * g.OW + pixel) * g.F, g.F)
                    copy_run(index_lines, pixel * g.columns, index, (row * g.OW + pixel) * g.F, g.F)

    return winograd
