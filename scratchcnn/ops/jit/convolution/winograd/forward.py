"""Convolution in output tiles with Winograd's algorithm (``tiles.py``), with or without a max-pool after it.

An output tile is just what a 2 x 2 max-pool takes, or four pooling windows, so the pool finds its maxima in the
registers that hold it.

The products are matrices (input tiles x C) (C x F), and the input tiles of a small image are too few for a register
tile: on 6 x 6 pixels there are nine. So they are collected from as many images as it takes. A group of them shares one
reading of the transformed kernel, which is larger than the L1 cache and, with 128 channels and filters, as large as the
L2 or larger: 1 MiB, or 2.25 MiB for output tiles of 4 x 4.

Each chunk transforms what it needs of the kernel by itself. To fetch what another core has just written takes several
times as long, and so does writing to memory that another core has read: 17 us for 131 KB instead of 3. For a few input
tiles that takes as long as the products. So it is kept, with a copy of the kernel that it was made from: whoever
predicts one image after the other compares, in a quarter of the time. Nobody has to say that a kernel has changed.
"""

from functools import cache

import numpy as np

from .....types import Array, Pair
from ...machine.registers import Tile, lanes_for
from ...machine.tile import copy_run, tile_add, tile_fma, tile_load, tile_relu, tile_shape, tile_store, tile_zeros
from ...machine.tile_pool import tile_store_window_maximum
from ...runtime.arguments import or_empty, read_array, read_arrays, read_dims
from ...runtime.chunks import REDUCTION_BYTES, chunks_for_work, round_up
from ...runtime.compile import device, inlined, native
from ...runtime.launch import run
from ...runtime.scratch import Name, chunk_scratch, kept_with, scratch_of
from ...shared.padded_columns import padded_bias
from ...shared.padded_image import zero
from ..shapes import WinogradDims
from .tiles import PAD, collect_input_tiles, next_tile, product_tile, tile_number, tiles_of, transform_filters
from .transforms import output_transform

GROUP = 24  # input tiles at a time, about
KEPT_BYTES = 16 << 20  # of a kernel, the most that are kept; 256 channels and filters in output tiles of 4 x 4 take 12
TRANSFORM = 4  # multiplications that take as long as transforming an input tile or a kernel, for each number


def convolve_winograd(
    x: Array,
    weights: Array,
    bias: Array | None,
    padding: Pair,
    y: Array,
    size: int,
    relu: bool = False,
    index: Array | None = None,
) -> None:
    """Convolve x with ``weights`` in output tiles of that size; with ``index``, a ReLU and a 2 x 2 max-pool follow."""
    N, _, _, C = x.shape
    _, OH, OW, F = y.shape
    pool = 1 if index is None else 2
    tiles, elements = tiles_of(pool * OH, pool * OW, size), (size + 2) ** 2
    total = N * tiles[0] * tiles[1]
    most = chunks_for_work(total * F, elements * total * F * C)
    tile, batches, parts = divide(total, elements, C, F, most, y.dtype)
    group, columns = round_up(GROUP, tile.inner), round_up(F, tile.columns)
    g = WinogradDims.of(x, y, size, tiles, padding, columns, group)._replace(relu=relu, parts=parts)
    chunks, widest = batches * parts, -(-columns // tile.columns // parts) * tile.columns
    sizes: dict[Name, int] = {
        "lines": (size + 2) * g.width * C,
        "input tiles": elements * (group * C + PAD),
        "products": group * (elements * tile.columns + PAD),
        "spare output tile": size * size * tile.lanes,
        "transformed kernels": 9 * C * widest + elements * (C * widest + PAD),
    }
    memory = [chunk_scratch(name, chunks, extent, y.dtype) for name, extent in sizes.items()]
    if batches == 1 and total <= 2 * GROUP and memory[-1].nbytes <= KEPT_BYTES:
        memory[-1] = kept_with(weights, memory[-1].shape, (tile.columns, parts))
        g = g._replace(keeps=1)
    spare_index = chunk_scratch("spare index", chunks, size * size * tile.lanes, np.uint8)
    address = _convolve_kernel(y.dtype, *tile, C, lanes_for(C, y.dtype), size, PAD, index is not None)
    indices = or_empty(index, np.dtype(np.uint8)), spare_index
    run(address, chunks, g, x, weights, or_empty(bias, y.dtype), *memory, y, *indices)


@cache
def divide(inputs: int, elements: int, C: int, F: int, most: int, dtype: np.dtype) -> tuple[Tile, int, int]:
    """Divide the input tiles into batches, and the filters into parts; return the tile and the numbers of both.

    A chunk computes one batch of input tiles with one part of the filters, at most ``most`` chunks in all, and
    transforms what it needs of both. Many input tiles are divided, for those of one image the filters: whichever leaves
    a chunk less to do. ``REDUCTION_BYTES`` limits the memory of the transformed kernels.
    """
    rows = inputs if inputs <= 2 * GROUP else None  # of a single image, each counts
    best, least = (product_tile(F, dtype, rows), 1, 1), np.inf
    for parts in range(1, min(most, -(-F // lanes_for(F, dtype))) + 1):
        tile = product_tile(-(-F // parts), dtype, rows)
        tiles, panels = -(-inputs // tile.inner), -(-F // tile.columns)
        width = -(-panels // parts) * tile.columns
        batches = max(1, min(tiles, most // parts, REDUCTION_BYTES // (elements * C * parts * width * dtype.itemsize)))
        height = -(-tiles // batches) * tile.inner
        work = height * width + TRANSFORM * (height + width)
        if parts <= panels and work < least:
            best, least = (tile, batches, parts), work
    return best


@native
def _convolve_kernel(dtype, outer, inner, vectors, lanes, channels, depth_lanes, size, pad, pooled):
    side = size + 2  # of an input tile

    def winograd(chunk, chunks, dims, pointers):
        """A batch of the input tiles, and some filters, a group at a time: transform them, multiply, transform back.

        The products: for each panel of filters, as wide as a register tile; for each element; register tiles of input
        tiles x filters; the channels innermost. Registers: in the product, a register tile; in the transforms, one
        input tile of one vector of channels (of 6 x 6, a part of it waits in L1). L1: a register tile's input tiles at
        one element, and up to 64 channels of the panel, which all register tiles of the group use. L2: the group's
        input tiles and products, 650 KiB for 128 channels in output tiles of 4 x 4; the kernel's panels pass through.
        """
        g = read_dims(dims, WinogradDims)
        x, weights, bias, lines, inputs, products, spares, kernels, y = read_arrays(pointers, 9, dtype)
        index, index_spares = read_array(pointers, 9, np.uint8), read_array(pointers, 10, np.uint8)
        bias = padded_bias(bias, g.columns)
        tile = tile_shape(outer, inner, vectors, lanes)
        input_tile, sums = tile_shape(side, side, 1, depth_lanes), tile_shape(side, side, 1, lanes)
        output_tile = tile_shape(size, size, 1, lanes)
        width = vectors * lanes
        lines, inputs = scratch_of(lines, chunk, chunks), scratch_of(inputs, chunk, chunks)
        products, spare = scratch_of(products, chunk, chunks), scratch_of(spares, chunk, chunks)
        index_spare = scratch_of(index_spares, chunk, chunks)
        batches, batch, part, panels = chunks // g.parts, chunk // g.parts, chunk % g.parts, g.columns // width
        filters = part * panels // g.parts * width, (part + 1) * panels // g.parts * width
        columns = filters[1] - filters[0]
        input_plane, plane = g.group * g.C + pad, g.C * columns + pad
        tile_products = side * side * width + pad
        kernels = scratch_of(kernels, chunk, chunks)
        copied_filters, transformed = kernels[: 9 * g.C * columns], kernels[9 * g.C * columns :]
        if not (g.keeps and is_copy(copied_filters, columns, weights, g, filters[0])):
            copy_filters(copied_filters, columns, weights, g, filters[0])
            three = tile_shape(3, 3, 1, lanes)
            transform_filters(three, sums, width, lanes, copied_filters, g, (0, g.C), columns, transformed, pad)
        zero(lines)
        held = -1
        total = g.N * g.down * g.across
        tiles = (total + inner - 1) // inner
        first, last = batch * tiles // batches * inner, min(total, (batch + 1) * tiles // batches * inner)
        position = tile_number(g, first)
        for begin in range(first, last, g.group):
            count = min(g.group, last - begin)
            here = position
            held, position = collect_input_tiles(
                input_tile, depth_lanes, x, g, lines, held, position, count, inputs, input_plane
            )
            for f in range(filters[0], filters[1], width):
                for element in range(side * side):
                    for p in range(0, count, inner):
                        acc = tile_zeros(tile, x)
                        a, b = element * input_plane + p * g.C, element * plane + (f - filters[0]) * g.C
                        for c in range(g.C):
                            acc = tile_fma(tile, acc, inputs, a + c, 0, channels, transformed, b + c * width)
                        tile_store(tile, acc, products, p * tile_products + element * width, 0, tile_products)
                to = here
                for p in range(count):
                    for v in range(0, min(width, g.F - f), lanes):
                        values = output_transform(
                            sums, output_tile, products, p * tile_products + v, side * width, width
                        )
                        if pooled:
                            store_maxima(output_tile, values, bias, f + v, lanes, g, spare, index_spare, y, index, to)
                        else:
                            store_outputs(output_tile, values, bias, f + v, lanes, g, spare, y, to)
                    to = next_tile(g, to)

    return winograd


@device
def is_copy(copy, columns, weights, g, f):
    """Return whether what ``copy_filters`` has written is what the weights are; of a NaN that is never said."""
    inside = min(columns, g.F - f)
    for row in range(9 * g.C):
        differences = 0
        ours, theirs = copy[row * columns : row * columns + inside], weights[row * g.F + f : row * g.F + f + inside]
        for i in range(inside):
            differences |= ours[i] != theirs[i]
        if differences:
            return False
    return True


@device
def copy_filters(copy, columns, weights, g, f):
    """Copy ``columns`` filters from number f on to rows of their own; beyond the last filter there are zeros."""
    inside = min(columns, g.F - f)
    for row in range(9 * g.C):
        copy_run(weights, row * g.F + f, copy, row * columns, inside)
        for i in range(inside, columns):
            copy[row * columns + i] = 0


@inlined
def store_outputs(output_tile, values, bias, f, lanes, g, spare, y, position):
    """Write ReLU(values + bias), or without ReLU, to an output tile's place in y; what sticks out is dropped."""
    n, line, pixel = position[0], g.size * position[1], g.size * position[2]
    values = tile_add(values, tile_load(output_tile, bias, f, 0, 0))
    if g.relu:
        values = tile_relu(output_tile, values)
    to = ((n * g.OH + line) * g.OW + pixel) * g.F + f
    if line + g.size <= g.OH and pixel + g.size <= g.OW and f + lanes <= g.F:
        tile_store(output_tile, values, y, to, g.OW * g.F, g.F)
    else:
        tile_store(output_tile, values, spare, 0, g.size * lanes, lanes)
        copy_inside(spare, g.size, lanes, y, to, g, g.OH - line, g.OW - pixel, g.F - f)


@inlined
def store_maxima(output_tile, values, bias, f, lanes, g, spare, index_spare, y, index, position):
    """Write ReLU(maximum + bias) of each 2 x 2 outputs of an output tile, and which pixel it was, to their place."""
    half = g.size // 2
    n, line, pixel = position[0], half * position[1], half * position[2]
    to = ((n * g.OH + line) * g.OW + pixel) * g.F + f
    if line + half <= g.OH and pixel + half <= g.OW and f + lanes <= g.F:
        tile_store_window_maximum(output_tile, values, bias, f, y, to, g.OW * g.F, g.F, index, to)
    else:
        tile_store_window_maximum(output_tile, values, bias, f, spare, 0, half * lanes, lanes, index_spare, 0)
        copy_inside(spare, half, lanes, y, to, g, g.OH - line, g.OW - pixel, g.F - f)
        copy_inside(index_spare, half, lanes, index, to, g, g.OH - line, g.OW - pixel, g.F - f)


@device
def copy_inside(spare, size, lanes, y, to, g, lines, pixels, filters):
    """Copy of an output tile's outputs, (size, size, lanes), those that are inside the image to y[to]."""
    for p in range(size * size):
        line, pixel = p // size, p % size
        if line < lines and pixel < pixels:
            copy_run(spare, p * lanes, y, to + (line * g.OW + pixel) * g.F, min(lanes, filters))
