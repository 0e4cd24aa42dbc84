"""Convolution by 3 x 3 kernels with a fraction of the multiplications that seem to be needed.

Neighbouring outputs, an *output tile* of 2 x 2 or 4 x 4, depend on an *input tile* that is two larger each way. (These
are tiles of an image; ``Tile`` and ``tile_...`` are register tiles.) Computed one by one, 2 x 2 outputs take 4 * 9 = 36
multiplications for each channel and filter, and 4 x 4 take 144. With input tile and kernel transformed first, one for
each element of the input tile suffices, 16 or 36 (F(2x2, 3x3) and F(4x4, 3x3) of Lavin and Gray):

    output tile = A^T [ (G kernel G^T) * (B^T input tile B) ] A      * is by element, the sum over channels inside

The matrices are in ``transforms.py``. The transforms are done once for each input tile and channel, or kernel and
filter; the products are done for each input tile, channel and filter, and for each *element* of the input tile they are
a matrix product (GEMM): (input tiles x C) (C x F), on register tiles.

How far the rounding of a huge number reaches, and the guard against it, are in ``ops/exact.py``. A number that is not
finite reaches all outputs that depend on it and, of 4 x 4, others in their output tiles; an infinity perhaps as NaN.
Backward it is an input tile that may be lost, and of the kernel's gradient all that belongs to a channel and a filter.
No other image's y or dx is.
"""

from typing import NamedTuple

import numpy as np

from .....types import Array, Pair
from ...machine.registers import Tile, best_tile
from ...machine.tile import tile_shape, tile_store
from ...runtime.arguments import read_arrays, read_dims
from ...runtime.chunks import chunks_for_work, round_up
from ...runtime.compile import device, native
from ...runtime.launch import run
from ...runtime.scratch import scratch
from ...shared.padded_columns import padded_columns
from ...shared.padded_image import hold_lines
from .transforms import input_transform, kernel_transform

PAD = 16  # between the matrices in memory: a power of two apart, they would all want the same lines of the cache
SIZES = 2, 4  # of the output tiles


class KernelMatrices(NamedTuple):
    """The integers of a transformed kernel."""

    C: int
    columns: int  # filters, rounded up to whole tiles
    size: int  # of the output tiles


def output_tile_size(OH: int, OW: int) -> int:
    """Return the size of the output tiles that save most on OH x OW outputs; 0 where the transforms eat what is saved.

    That does not depend on the size of the batch, though for a few small images transforming the kernel takes more time
    than is saved: the prediction for an image has the same bits alone and among many.
    """
    best, limit = 0, 9 * OH * OW / 1.5  # products: the transforms must be worth it
    for size in SIZES:
        down, across = tiles_of(OH, OW, size)
        products = (size + 2) ** 2 * down * across  # also for what sticks out of the image
        if products <= limit:
            best, limit = size, 0.9 * products  # the transforms of larger output tiles take longer
    return best


def tiles_of(OH: int, OW: int, size: int) -> Pair:
    """Return how many output tiles of that size cover OH x OW outputs: tiles per column, and per row."""
    return -(-OH // size), -(-OW // size)


def product_tile(columns: int, dtype: np.dtype, rows: int | None = None) -> Tile:
    """Choose the tile for products that are (rows, columns) matrices; the last may reach into the ``PAD`` after one."""
    return best_tile(rows, columns, dtype, most=PAD)


def transformed_kernel(weights: Array, tile: Tile, size: int) -> Array:
    """Return G kernel G^T for a kernel (3, 3, C, F): matrices (C, F), cut into panels as wide as the tile."""
    C, F = weights.shape[2:]
    columns, elements = round_up(F, tile.columns), (size + 2) ** 2
    transformed = scratch("transformed kernel", (elements, C * columns + PAD), weights.dtype)
    packed = padded_columns(weights.reshape(9 * C, F), columns, "kernel")
    address, chunks = _transform_kernel(weights.dtype, *tile[2:], size, PAD), chunks_for_work(C, elements * C * columns)
    run(address, chunks, KernelMatrices(C, columns, size), packed, transformed)
    return transformed


@native
def _transform_kernel(dtype, vectors, lanes, size, pad):
    side = size + 2  # of an input tile

    def transform_kernel(chunk, chunks, dims, pointers):
        """A chunk of the channels, all filters, vector by vector. Nothing is used twice: it passes through from L2."""
        g = read_dims(dims, KernelMatrices)
        weights, transformed = read_arrays(pointers, 2, dtype)
        three, square = tile_shape(3, 3, 1, lanes), tile_shape(side, side, 1, lanes)
        channels = chunk * g.C // chunks, (chunk + 1) * g.C // chunks
        transform_filters(three, square, vectors * lanes, lanes, weights, g, channels, g.columns, transformed, pad)

    return transform_kernel


@device
def transform_filters(three, square, width, lanes, weights, g, channels, columns, transformed, pad):
    """Transform from (3, 3, C, columns) to (elements, panels, C, width), with ``pad`` numbers between the elements.

    ``channels`` are the first and after the last. A panel, (C, width), is read from one end to the other by the
    products. Registers: a channel's kernels of one vector.
    """
    distance, plane = g.C * columns, g.C * columns + pad
    for c in range(channels[0], channels[1]):
        for f in range(0, columns, lanes):
            here, to = c * columns + f, f // width * g.C * width + c * width + f % width
            values = kernel_transform(three, square, weights, here, 3 * distance, distance)
            tile_store(square, values, transformed, to, (g.size + 2) * plane, plane)


@device
def tile_number(g, number):
    """Return the image of an output tile, its row of tiles, and its place in the row."""
    return number // (g.down * g.across), number // g.across % g.down, number % g.across


@device
def next_tile(g, position):
    """Return the output tile after this one; without a division, which takes its time."""
    n, line, pixel = position
    pixel += 1
    if pixel == g.across:
        pixel, line = 0, line + 1
        if line == g.down:
            line, n = 0, n + 1
    return n, line, pixel


@device
def collect_input_tiles(input_tile, lanes, x, g, lines, held, position, count, inputs, plane):
    """Transform the input tiles of ``count`` output tiles into matrices (count, C), one for each element.

    The matrices are ``plane`` numbers apart.

    ``lines`` are those of the images that row number ``held`` of tiles sees, counted through all images. Returns which
    row it is then, and the output tile after the last.
    """
    for p in range(count):
        n, line, pixel = position
        if n * g.down + line != held:
            hold_lines(x, n, g.size * line, g.size + 2, g, lines)
            held = n * g.down + line
        corner = g.size * pixel * g.C
        for c in range(0, g.C, lanes):
            values = input_transform(input_tile, input_tile, lines, corner + c, g.width * g.C, g.C)
            tile_store(input_tile, values, inputs, p * g.C + c, (g.size + 2) * plane, plane)
        position = next_tile(g, position)
    return held, position
