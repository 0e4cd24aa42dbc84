"""The gradients of a convolution by 3 x 3 kernels in Winograd's way (``winograd.py``): 16 products for 36 here, too.

The forward pass is linear in the patch and in the kernel, so each gradient is its transforms in reverse order, turned
over. With W the transformed kernel G kernel G^T, P = B^T patch B and D = A dy A^T of the same window:

    dpatch  = B [ W * D ] B^T        the sum over filters inside; neighbouring patches overlap, and are added
    dkernel = G^T [ P * D ] G        the sum over all windows of the batch inside

Both share D, and for each of the 16 places both are matrix products: (windows x F) (F x C) and (C x windows)
(windows x F). The windows are those of the output: where it is smaller than the input, this takes fewer products than
convolving dy, with a border of zeros, to get the input's gradient.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .cpu import Tile, lanes_for, largest_tile, registers, tile_cost, widest_tile
from .geometry import Pair, WindowedConvolution
from .image import copy_back, zero
from .kernel import compiled, kernel, precision_of, run
from .launch import part_of, round_up, scratch, sum_slices
from .operands import arrays, geometry
from .sums import add_kernel_slices
from .tile import tile_add, tile_fma, tile_load, tile_shape, tile_store, tile_zeros
from .tile_transform import tile_sandwich
from .transpose import transpose
from .winograd import PAD, collect_patches, next_window, product_tile, transformed_kernel, windows_of

from_patch = tile_sandwich(((1, 0, 0, 0), (0, 1, -1, 1), (-1, 1, 1, 0), (0, 0, 0, -1)))  # B
from_kernel = tile_sandwich(((1, 0.5, 0.5, 0), (0, 0.5, -0.5, 0), (0, 0.5, 0.5, 1)))  # G^T
from_window = tile_sandwich(((1, 0), (1, 1), (1, -1), (0, -1)))  # A

GROUP = 72  # at most so many windows at a time


def gradients(
    x: np.ndarray,
    kernel: np.ndarray,
    dy: np.ndarray,
    y: np.ndarray | None,
    padding: Pair,
    dx: np.ndarray | None,
    dkernel: np.ndarray,
    dbias: np.ndarray | None,
) -> None:
    """Compute the gradients of input, kernel and bias; with y, of a ReLU's output, dy counts only where y > 0."""
    N, _, _, C = x.shape
    _, OH, OW, F = dy.shape
    tile, dx_tile = kernel_tile(C, F, x.dtype), product_tile(C, x.dtype)
    columns = round_up(F, tile.columns)
    g = WindowedConvolution.of(
        x, dy, windows_of(OH, OW), padding, columns, y is not None, dx is not None, dbias is not None
    )
    each = g.down * g.across
    images = max(1, GROUP // each)  # whole ones in a group, or a part of one
    group = min(GROUP, images * each)
    size = (9 * C + 1) * columns  # the kernel's gradient, then the bias's
    slices = sum_slices(N, size * x.itemsize)
    sums = scratch("kernel gradients", (slices, size), x.dtype)
    turned = scratch("turned kernel", (3, 3, F, C), x.dtype)
    if dx is not None:
        transpose(kernel.reshape(9, C, F), turned, F * C, C)
    rows = round_up(group, dx_tile.inner)
    run(
        _gradients_kernel(precision_of(x.dtype), *tile, *dx_tile[1:], lanes_for(C, x.dtype), images, group, PAD),
        slices,
        g,
        x,
        dy,
        dy if y is None else y,
        transformed_kernel(turned, dx_tile) if dx is not None else turned,
        scratch("images", (slices, round_up(g.height * g.width * C, 16)), x.dtype),
        scratch("lines", (slices, 4 * each * columns), x.dtype),
        scratch("patches", (slices, 16 * (group * C + PAD)), x.dtype),
        scratch("window gradients", (slices, 16 * (rows * columns + PAD)), x.dtype),
        scratch("products", (slices, 16 * (max(rows * dx_tile.columns, tile.inner * tile.columns) + PAD)), x.dtype),
        scratch("image gradients", (slices, images * g.height * g.width * C), x.dtype),
        sums,
        x if dx is None else dx,
    )
    add_kernel_slices(sums, 3 * C, columns, dkernel, dbias)


@cache
def kernel_tile(channels: int, filters: int, dtype: np.dtype) -> Tile:
    """Choose the tile for the products of patches and output gradients, channels x filters, that wastes least."""
    lanes = lanes_for(filters, dtype)
    best, best_score = Tile(1, 1, 1, lanes), (np.inf, 0.0)
    for vectors in range(1, min(widest_tile(), -(-filters // lanes)) + 1):
        for rows in range(1, min(largest_tile(), registers().count - vectors - 1) // vectors + 1):
            computed = round_up(channels, rows) * round_up(filters, vectors * lanes) / (channels * filters)
            score = tile_cost(computed, rows, vectors)
            if rows <= PAD and score < best_score:
                best, best_score = Tile(1, rows, vectors, lanes), score
    return best


@cache
def _gradients_kernel(
    precision, outer, inner, vectors, lanes, dx_inner, dx_vectors, dx_lanes, depth_lanes, images, group, pad
):
    @kernel
    def winograd_gradients(s, slices, numbers, addresses):
        """TODO"""
        g = geometry(numbers, WindowedConvolution)
        x, dy, y, weights, image_part, lines, patches, spread, products, dimages, sums, dx = arrays(
            addresses, 12, precision
        )
        patch, four = tile_shape(4, 4, 1, depth_lanes), tile_shape(4, 4, 1, lanes)
        two, three = tile_shape(2, 2, 1, lanes), tile_shape(3, 3, 1, lanes)
        tile, dx_tile = tile_shape(outer, inner, vectors, lanes), tile_shape(1, dx_inner, dx_vectors, dx_lanes)
        image, passed, total = part_of(image_part, s, slices), part_of(lines, s, slices), part_of(sums, s, slices)
        patches, spread = part_of(patches, s, slices), part_of(spread, s, slices)
        products, dimages = part_of(products, s, slices), part_of(dimages, s, slices)
        width, dx_width = vectors * lanes, dx_vectors * dx_lanes
        rows = (group + dx_inner - 1) // dx_inner * dx_inner
        patch_plane, plane = group * g.C + pad, rows * g.columns + pad
        product_plane, dx_plane = inner * width + pad, rows * dx_width + pad
        dx_columns = (g.C + dx_width - 1) // dx_width * dx_width
        weight_plane = g.F * dx_columns + pad
        each, size = g.down * g.across, g.height * g.width * g.C
        zero(image)
        zero(passed)
        zero(total)
        last = (s + 1) * g.N // slices
        copied, masked = -1, -1
        for n in range(s * g.N // slices, last, images):
            here = min(images, last - n)
            zero(dimages)
            window = n, 0, 0
            for begin in range(0, here * each, group):
                count = min(group, here * each - begin)
                masked = collect_gradients(
                    two, four, lanes, width, rows, dy, y, g, passed, masked, window, count, spread, plane, total
                )
                copied, after = collect_patches(
                    patch, depth_lanes, x, g, image, copied, window, count, patches, patch_plane
                )
                for f in range(0, g.columns, width):
                    for c in range(0, g.C, inner):
                        for place in range(16):
                            acc = tile_zeros(tile, x)
                            a, b = place * patch_plane + c, place * plane + f * rows
                            for p in range(count):
                                acc = tile_fma(tile, acc, patches, a + p * g.C, 0, 1, spread, b + p * width)
                            tile_store(tile, acc, products, place * product_plane, 0, width)
                        for r in range(min(inner, g.C - c)):
                            for v in range(0, width, lanes):
                                values = tile_load(four, products, r * width + v, 4 * product_plane, product_plane)
                                to, distance = (c + r) * g.columns + f + v, g.C * g.columns
                                before = tile_load(three, total, to, 3 * distance, distance)
                                values = tile_add(before, from_kernel(four, values))
                                tile_store(three, values, total, to, 3 * distance, distance)
                if g.wants_dx:
                    for c in range(0, g.C, dx_width):
                        for place in range(16):
                            for p in range(0, count, dx_inner):
                                acc = tile_zeros(dx_tile, x)
                                for f in range(0, g.F, width):
                                    a = place * plane + f * rows + p * width
                                    b = place * weight_plane + c * g.F + f * dx_width
                                    for k in range(min(width, g.F - f)):
                                        acc = tile_fma(dx_tile, acc, spread, a + k, 0, width, weights, b + k * dx_width)
                                tile_store(dx_tile, acc, products, place * dx_plane + p * dx_width, 0, dx_width)
                        to = window
                        for p in range(count):
                            corner = (to[0] - n) * size + 2 * (to[1] * g.width + to[2]) * g.C + c
                            for v in range(0, min(dx_width, g.C - c), depth_lanes):
                                values = tile_load(patch, products, p * dx_width + v, 4 * dx_plane, dx_plane)
                                before = tile_load(patch, dimages, corner + v, g.width * g.C, g.C)
                                values = tile_add(before, from_patch(patch, values))
                                tile_store(patch, values, dimages, corner + v, g.width * g.C, g.C)
                            to = next_window(g, to)
                window = after
            for i in range(here if g.wants_dx else 0):
                copy_back(dimages[i * size : (i + 1) * size], g, dx, (n + i) * g.H * g.W * g.C)

    return winograd_gradients


@compiled
def collect_gradients(two, four, lanes, width, rows, dy, y, g, passed, masked, window, count, spread, plane, total):
    """Transform the output gradients of ``count`` windows into 16 matrices, in panels (rows, width).

    ``passed`` holds those of image number ``masked``, as ReLU let them pass, in whole windows of ``columns`` filters. A
    new one is added to the bias's gradient. Returns which it holds then.
    """
    for p in range(count):
        n, line, pixel = window
        if n != masked:
            pass_image(dy, y, g, n, passed, total)
            masked = n
        corner = 2 * (line * 2 * g.across + pixel) * g.columns
        for f in range(0, g.columns, lanes):
            values = tile_load(two, passed, corner + f, 2 * g.across * g.columns, g.columns)
            to = f // width * width * rows + p * width + f % width
            tile_store(four, from_window(two, values), spread, to, 4 * plane, plane)
        window = next_window(g, window)
    return masked


@compiled
def pass_image(dy, y, g, n, passed, total):
    """Copy the gradient of output image n, zero where ReLU stopped it, and add it to the bias's gradient."""
    bias = total[total.size - g.columns :]
    for oy in range(g.OH):
        for ox in range(g.OW):
            begin, to = ((n * g.OH + oy) * g.OW + ox) * g.F, (oy * 2 * g.across + ox) * g.columns
            upstream, output, here = dy[begin : begin + g.F], y[begin : begin + g.F], passed[to : to + g.F]
            for f in range(g.F):
                here[f] = upstream[f] if output[f] > 0 or not g.relu else 0
            if g.wants_bias:
                for f in range(g.F):
                    bias[f] += here[f]
