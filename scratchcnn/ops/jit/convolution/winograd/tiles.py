"""Convolution by 3 x 3 kernels with a fraction of the multiplications that seem to be needed.

Neighbouring outputs, a *window* of 2 x 2 or 4 x 4, depend on a *patch* of inputs that is two larger each way. (In the
literature, output tile and input tile; here a tile is one of registers.) Computed one by one, 2 x 2 outputs take 4 * 9
= 36 multiplications for each channel and filter, and 4 x 4 take 144. With patch and kernel transformed first, one for
each input of the patch suffices, 16 or 36 (F(2x2, 3x3) and F(4x4, 3x3) of Lavin and Gray):

    window = A^T [ (G kernel G^T) * (B^T patch B) ] A          * is element by element, the sum over channels inside

The matrices are in ``transforms.py``. The transforms are done once for each patch and channel, or patch and
filter; the products are done for each patch, channel and filter, and for each *place* in the patch they are a matrix
product: (patches x C) (C x F), on register tiles.

How far the rounding of a huge number reaches, and the guard against it, are in ``ops/exact.py``. A number that is
not finite reaches all outputs that depend on it and, of 4 x 4, others in their windows; an infinity perhaps as NaN.
Backward it is a patch that may be lost, and of the kernel's gradient all that belongs to a channel and a filter. No
other image's y or dx is.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .....types import Array, Pair
from ...machine.registers import Tile, lanes_for, largest_tile, registers, tile_cost, widest_tile
from ...machine.tile import tile_shape, tile_store
from ...runtime.arguments import read_arrays, read_dims
from ...runtime.chunks import chunks_for_work, round_up
from ...runtime.compile import device, native
from ...runtime.launch import run
from ...runtime.scratch import scratch
from ...shared.padded_columns import padded_columns
from ...shared.padded_image import copy_image
from .transforms import kernel_transform, patch_transform

PAD = 16  # between the matrices in memory: a power of two apart, they would all want the same lines of the cache
SIZES = 2, 4  # of the windows


class KernelMatrices(NamedTuple):
    """The integers of a transformed kernel."""

    C: int
    columns: int  # filters, rounded up to whole tiles
    size: int  # of the windows


def output_tile_size(OH: int, OW: int) -> int:
    """Return the size of the output tiles that save most on OH x OW outputs; 0 where the transforms eat what is saved.

    That does not depend on the size of the batch, though for a few small images transforming the kernel takes more time
    than is saved: the prediction for an image has the same bits alone and among many.
    """
    best, limit = 0, 9 * OH * OW / 1.5  # products: the transforms must be worth it
    for size in SIZES:
        down, across = windows_of(OH, OW, size)
        products = (size + 2) ** 2 * down * across  # also for what sticks out of the image
        if products <= limit:
            best, limit = size, 0.9 * products  # the transforms of larger windows take longer
    return best


def windows_of(OH: int, OW: int, size: int) -> Pair:
    """Return how many windows of that size cover OH x OW outputs: lines of them, and how many in each."""
    return -(-OH // size), -(-OW // size)


@cache
def product_tile(columns: int, dtype: np.dtype, rows: int | None = None) -> Tile:
    """Choose the tile for products that are (rows, columns) matrices: the one that wastes least, then loads least.

    No ``rows``: as many as needed that nothing is wasted. The registers hold the tile and what one step multiplies.
    """
    lanes = lanes_for(columns, dtype)
    best, best_score = Tile(1, 1, 1, lanes), (np.inf, 0.0)
    for vectors in range(1, min(widest_tile(), -(-columns // lanes)) + 1):
        most = min(largest_tile(), registers().count - vectors - 1) // vectors
        for height in range(1, min(most, PAD) + 1):  # after a matrix, a tile may reach into the padding
            computed = round_up(columns, vectors * lanes) / columns * (round_up(rows, height) / rows if rows else 1)
            score = tile_cost(computed, height, vectors)
            if score < best_score:
                best, best_score = Tile(1, height, vectors, lanes), score
    return best


def transformed_kernel(weights: Array, tile: Tile, size: int) -> Array:
    """Return G kernel G^T for a kernel (3, 3, C, F): matrices (C, F), cut into panels as wide as the tile."""
    C, F = weights.shape[2:]
    columns, places = round_up(F, tile.columns), (size + 2) ** 2
    transformed = scratch("transformed kernel", (places, C * columns + PAD), weights.dtype)
    run(
        _transform_kernel(weights.dtype, tile.vectors, tile.lanes, size, PAD),
        chunks_for_work(C, places * C * columns),
        KernelMatrices(C, columns, size),
        padded_columns(weights.reshape(9 * C, F), columns, "kernel"),
        transformed,
    )
    return transformed


@cache
def _transform_kernel(dtype, vectors, lanes, size, pad):
    side = size + 2  # of a patch

    @native
    def transform_kernel(chunk, chunks, dims, pointers):
        """A chunk of the channels, all filters, vector by vector. Nothing is used twice: it passes through from L2."""
        g = read_dims(dims, KernelMatrices)
        weights, transformed = read_arrays(pointers, 2, dtype)
        three, square = tile_shape(3, 3, 1, lanes), tile_shape(side, side, 1, lanes)
        channels, filters = (chunk * g.C // chunks, (chunk + 1) * g.C // chunks), (0, g.columns)
        transform_filters(three, square, vectors * lanes, lanes, weights, g, channels, filters, transformed, pad)

    return transform_kernel


@device
def transform_filters(three, square, width, lanes, weights, g, channels, filters, transformed, pad):
    """Transform from (3, 3, C, columns) to (places, panels, C, width), with ``pad`` numbers between the places.

    ``channels`` and ``filters`` are the first and after the last; the panels are those of these filters. A panel,
    (C, width), is read from one end to the other by the products. Registers: a channel's kernels of one vector.
    """
    distance, plane = g.C * g.columns, g.C * (filters[1] - filters[0]) + pad
    for c in range(channels[0], channels[1]):
        for f in range(0, filters[1] - filters[0], lanes):
            here, to = c * g.columns + filters[0] + f, f // width * g.C * width + c * width + f % width
            values = kernel_transform(three, square, weights, here, 3 * distance, distance)
            tile_store(square, values, transformed, to, (g.size + 2) * plane, plane)


@device
def window_number(g, number):
    """Return a window's image, its line and its place in the line."""
    return number // (g.down * g.across), number // g.across % g.down, number % g.across


@device
def next_window(g, window):
    """Return the window behind this one; without a division, which takes its time."""
    n, line, pixel = window
    pixel += 1
    if pixel == g.across:
        pixel, line = 0, line + 1
        if line == g.down:
            line, n = 0, n + 1
    return n, line, pixel


@device
def collect_patches(patch, lanes, x, g, image, copied, window, count, patches, plane):
    """Transform the patches of ``count`` windows into matrices (count, C), one for each place, ``plane`` numbers apart.

    ``image`` holds image number ``copied``. Returns which it holds then, and the window after the last.
    """
    for p in range(count):
        n, line, pixel = window
        if n != copied:
            copy_image(x, n * g.H * g.W * g.C, g, image)
            copied = n
        corner = g.size * (line * g.width + pixel) * g.C
        for c in range(0, g.C, lanes):
            values = patch_transform(patch, patch, image, corner + c, g.width * g.C, g.C)
            tile_store(patch, values, patches, p * g.C + c, (g.size + 2) * plane, plane)
        window = next_window(g, window)
    return copied, window
