"""Convolution by 3 x 3 kernels with 16 multiplications where 36 seem to be needed (Winograd's minimal filtering).

Four neighbouring outputs, a *window* of 2 x 2, depend on a *patch* of 4 x 4 inputs. Computed one by one they take
4 * 9 = 36 multiplications for each channel and filter. Winograd found that 16 suffice, one for each input of the patch,
if patch and kernel are first transformed by additions (Lavin and Gray 2016, "Fast algorithms for convolutional neural
networks", F(2x2, 3x3)):

    window = A^T [ (G kernel G^T) * (B^T patch B) ] A          * is element by element, the sum over channels inside

In one dimension, for outputs y0 = d0 g0 + d1 g1 + d2 g2 and y1 = d1 g0 + d2 g1 + d3 g2, with four products:

    m0 = (d0 - d2) g0        m1 = (d1 + d2) (g0 + g1 + g2) / 2        y0 = m0 + m1 + m2
    m3 = (d1 - d3) g2        m2 = (d2 - d1) (g0 - g1 + g2) / 2        y1 = m1 - m2 - m3

The rows of B^T, G and A^T below are these lines; applied to the rows and then to the columns they give the 16 products.
The transforms are additions, done once for each patch and channel, or patch and filter; the products are done for each
patch, channel and filter, and for each of the 16 they are a matrix product: (patches x C) (C x F), on register tiles.

A number that is not finite reaches the outputs that depend on it and no others, an infinity perhaps as NaN.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .cpu import Tile, lanes_for, largest_tile, registers, tile_cost, widest_tile
from .geometry import Pair
from .image import copy_image
from .kernel import compiled, kernel, precision_of, run
from .launch import padded_columns, round_up, scratch, work_slices
from .operands import arrays, geometry
from .tile import tile_load, tile_shape, tile_store
from .tile_transform import tile_sandwich

patch_transform = tile_sandwich(((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)))  # B^T
kernel_transform = tile_sandwich(((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)))  # G
window_transform = tile_sandwich(((1, 1, 1, 0), (0, 1, -1, -1)))  # A^T

PAD = 16  # between 16 matrices in memory: a power of two apart, they would all want the same lines of the cache
FEW = 16  # patches; for fewer, transforming the kernel takes more time than the multiplications that are saved


class KernelMatrices(NamedTuple):
    """The numbers of a transformed kernel: channels, and filters rounded up to whole tiles."""

    C: int
    columns: int


def suits(N: int, OH: int, OW: int, weights: np.ndarray, strides: Pair) -> bool:
    """Tell whether a convolution with OH x OW outputs can be, and is better, computed this way.

    That depends on the size of the batch, too: of a few small images, the answers may differ in the last bits from
    those to the same images among many.
    """
    KH, KW, C, F = weights.shape
    fits = (KH, KW) == (3, 3) and strides == (1, 1) and C % lanes_for(C, weights.dtype) == 0
    down, across = windows_of(OH, OW)
    saves = 9 * OH * OW >= 1.5 * 16 * down * across  # it does not where most of each window sticks out of the image
    return fits and saves and C >= 16 and F >= 16 and N * down * across >= FEW


def windows_of(OH: int, OW: int) -> Pair:
    """Return how many windows cover OH x OW outputs: lines of them, and how many in each."""
    return -(-OH // 2), -(-OW // 2)


@cache
def product_tile(columns: int, dtype: np.dtype, rows: int | None = None) -> Tile:
    """Choose the tile for products that are (rows, columns) matrices: the one that wastes least, then loads least.

    No ``rows``: so many that nothing is wasted. The registers hold the tile and what one step multiplies.
    """
    lanes = lanes_for(columns, dtype)
    best, best_score = Tile(1, 1, 1, lanes), (np.inf, 0.0)
    for vectors in range(1, min(widest_tile(), -(-columns // lanes)) + 1):
        most = min(largest_tile(), registers().count - vectors - 1) // vectors
        for height in range(1, min(most, PAD) + 1):  # behind a matrix, a tile may reach into the padding
            computed = round_up(columns, vectors * lanes) / columns * (round_up(rows, height) / rows if rows else 1)
            score = tile_cost(computed, height, vectors)
            if score < best_score:
                best, best_score = Tile(1, height, vectors, lanes), score
    return best


def transformed_kernel(weights: np.ndarray, tile: Tile) -> np.ndarray:
    """Return G kernel G^T for a kernel (3, 3, C, F): 16 matrices (C, F), cut into panels as wide as the tile."""
    C, F = weights.shape[2:]
    columns = round_up(F, tile.columns)
    transformed = scratch("transformed kernel", (16, C * columns + PAD), weights.dtype)
    run(
        _transform_kernel(precision_of(weights.dtype), tile.vectors, tile.lanes, PAD),
        work_slices(C, 16 * C * columns),
        KernelMatrices(C, columns),
        padded_columns(weights.reshape(9 * C, F), columns, "kernel"),
        transformed,
    )
    return transformed


@cache
def _transform_kernel(precision, vectors, lanes, pad):
    @kernel
    def transform_kernel(s, slices, numbers, addresses):
        """A slice of the channels, all filters, vector by vector. Nothing is used twice: it passes through from L2."""
        g = geometry(numbers, KernelMatrices)
        weights, transformed = arrays(addresses, 2, precision)
        three, four = tile_shape(3, 3, 1, lanes), tile_shape(4, 4, 1, lanes)
        channels, filters = (s * g.C // slices, (s + 1) * g.C // slices), (0, g.columns)
        transform_filters(three, four, vectors * lanes, lanes, weights, g, channels, filters, transformed, pad)

    return transform_kernel


@compiled
def transform_filters(three, four, width, lanes, weights, g, channels, filters, transformed, pad):
    """Transform from (3, 3, C, columns) to (4, 4, panels, C, width), with ``pad`` numbers between the 16 matrices.

    ``channels`` and ``filters`` are the first and behind the last; the panels are those of these filters. A panel,
    (C, width), is read from one end to the other by the products. Registers: all of one vector.
    """
    distance, plane = g.C * g.columns, g.C * (filters[1] - filters[0]) + pad
    for c in range(channels[0], channels[1]):
        for f in range(0, filters[1] - filters[0], lanes):
            values = tile_load(three, weights, c * g.columns + filters[0] + f, 3 * distance, distance)
            to = f // width * g.C * width + c * width + f % width
            tile_store(four, kernel_transform(three, values), transformed, to, 4 * plane, plane)


@compiled
def window_number(g, number):
    """Return a window's image, its line and its place in the line."""
    return number // (g.down * g.across), number // g.across % g.down, number % g.across


@compiled
def next_window(g, window):
    """Return the window behind this one; without a division, which takes its time."""
    n, line, pixel = window
    pixel += 1
    if pixel == g.across:
        pixel, line = 0, line + 1
        if line == g.down:
            line, n = 0, n + 1
    return n, line, pixel


@compiled
def collect_patches(patch, lanes, x, g, image, copied, window, count, patches, plane):
    """Transform the patches of ``count`` windows into 16 matrices (count, C), ``plane`` numbers apart.

    ``image`` holds image number ``copied``. Returns which it holds then, and the window behind the last.
    """
    for p in range(count):
        n, line, pixel = window
        if n != copied:
            copy_image(x, n * g.H * g.W * g.C, g, image)
            copied = n
        corner = 2 * (line * g.width + pixel) * g.C
        for c in range(0, g.C, lanes):
            values = patch_transform(patch, tile_load(patch, image, corner + c, g.width * g.C, g.C))
            tile_store(patch, values, patches, p * g.C + c, 4 * plane, plane)
        window = next_window(g, window)
    return copied, window
