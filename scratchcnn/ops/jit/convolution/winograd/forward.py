"""Convolution in windows of its outputs, with Winograd's algorithm (``tiles.py``), with or without a max-pool after it.

A window is just what a 2 x 2 max-pool takes, or four pooling windows, so the pool finds its maxima in the registers
that hold it.

The products are matrices (patches x C) (C x F), and the patches of a small image are too few for a register tile: on
6 x 6 pixels there are nine. So they are collected from as many images as it takes. A group of them shares one reading
of the transformed kernel, which is larger than the L1 cache and, with 128 channels and filters, as large as the L2 or
larger: 1 MiB, or 2.25 MiB for windows of 4 x 4.

Each chunk transforms what it needs of the kernel by itself. To fetch what another core has just written takes several
times as long, and so does writing to memory that another core has read: 17 us for 131 KB instead of 3.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .....types import Array, Pair
from ...machine.registers import Tile, lanes_for
from ...machine.tile import copy_run, tile_add, tile_fma, tile_load, tile_relu, tile_shape, tile_store, tile_zeros
from ...machine.tile_pool import tile_store_window_maximum
from ...runtime.arguments import or_empty, read_array, read_arrays, read_dims
from ...runtime.chunks import REDUCTION_BYTES, chunks_for_work, part_of, round_up
from ...runtime.compile import device, inlined, native
from ...runtime.launch import run
from ...runtime.scratch import scratch
from ...shared.padded_columns import padded_bias, padded_columns
from ...shared.padded_image import zero
from ..shapes import WinogradDims
from .tiles import PAD, collect_patches, next_window, product_tile, transform_filters, window_number, windows_of
from .transforms import window_transform

GROUP = 24  # patches at a time, about
TRANSFORM = 4  # multiplications that take as long as transforming a patch or a filter, for each number


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
    """Convolve x with ``weights`` in windows of that size; with ``index``, a ReLU and a 2 x 2 max-pool follow."""
    N, _, _, C = x.shape
    _, OH, OW, F = y.shape
    pool = 1 if index is None else 2
    windows, places = windows_of(pool * OH, pool * OW, size), (size + 2) ** 2
    total = N * windows[0] * windows[1]
    most = chunks_for_work(total * F, places * total * F * C)
    tile, lots, parts = divide(total, places, C, F, most, y.dtype)
    group, columns = round_up(GROUP, tile.inner), round_up(F, tile.columns)
    g = WinogradDims.of(x, y, size, windows, padding, columns, group)._replace(relu=relu, parts=parts)
    chunks, widest = lots * parts, -(-columns // tile.columns // parts) * tile.columns
    run(
        _convolve_kernel(y.dtype, *tile, C, lanes_for(C, y.dtype), size, PAD, index is not None),
        chunks,
        g,
        x,
        padded_columns(weights.reshape(9 * C, F), columns, "kernel"),
        or_empty(bias, y.dtype),
        scratch("images", (chunks, round_up(g.height * g.width * C, 16)), y.dtype),
        scratch("patches", (chunks, places * (group * C + PAD)), y.dtype),
        scratch("products", (chunks, group * (places * tile.columns + PAD)), y.dtype),
        scratch("spare window", (chunks, size * size * tile.lanes), y.dtype),
        scratch("transformed kernels", (chunks, places * (C * widest + PAD)), y.dtype),
        y,
        or_empty(index, np.dtype(np.uint8)),
        scratch("spare index", (chunks, round_up(size * size * tile.lanes // 4, 64)), np.uint8),
    )


@cache
def divide(patches: int, places: int, C: int, F: int, most: int, dtype: np.dtype) -> tuple[Tile, int, int]:
    """Divide the patches into lots, and the filters into parts; return the tile and the numbers of both.

    A chunk computes one lot of patches with one part of the filters, at most ``most`` chunks in all, and
    transforms what it needs of both. Many patches are divided, for those of one image the filters: whichever leaves a
    chunk less to do. ``SUM_BYTES`` limits the memory of the transformed kernels.
    """
    rows = patches if patches <= 2 * GROUP else None  # of a single image, each counts
    best, least = (product_tile(F, dtype, rows), 1, 1), np.inf
    for parts in range(1, min(most, -(-F // lanes_for(F, dtype))) + 1):
        tile = product_tile(-(-F // parts), dtype, rows)
        tiles, panels = -(-patches // tile.inner), -(-F // tile.columns)
        width = -(-panels // parts) * tile.columns
        lots = max(1, min(tiles, most // parts, REDUCTION_BYTES // (places * C * parts * width * dtype.itemsize)))
        height = -(-tiles // lots) * tile.inner
        work = height * width + TRANSFORM * (height + width)
        if parts <= panels and work < least:
            best, least = (tile, lots, parts), work
    return best


@cache
def _convolve_kernel(dtype, outer, inner, vectors, lanes, channels, depth_lanes, size, pad, pooled):
    side = size + 2  # of a patch

    @native
    def winograd(chunk, chunks, dims, pointers):
        """Some patches of all images, and some filters, a group at a time: transform them, multiply, transform back.

        The products: for each panel of filters, as wide as the tile; for each place in a patch; tiles of patches; the
        channels innermost. Registers: in the product, a tile of patches x filters; in the transforms, one patch of one
        vector (of 6 x 6, a part of it waits in L1). L1: a tile's patches at one place, and up to 64 channels of the
        panel, which all tiles of the group use. L2: the group's patches and products, 650 KiB for 128 channels in
        windows of 4 x 4; the panels of the kernel pass through.
        """
        g = read_dims(dims, WinogradDims)
        x, weights, bias, images, patches, products, spares, kernels, y = read_arrays(pointers, 9, dtype)
        index, index_spares = read_array(pointers, 9, np.uint8), read_array(pointers, 10, np.uint8)
        bias = padded_bias(bias, g.columns)
        tile = tile_shape(outer, inner, vectors, lanes)
        patch, sums = tile_shape(side, side, 1, depth_lanes), tile_shape(side, side, 1, lanes)
        outputs = tile_shape(size, size, 1, lanes)
        width = vectors * lanes
        image, patches = part_of(images, chunk, chunks), part_of(patches, chunk, chunks)
        products, spare = part_of(products, chunk, chunks), part_of(spares, chunk, chunks)
        index_spare = part_of(index_spares, chunk, chunks)
        lots, lot, part, panels = chunks // g.parts, chunk // g.parts, chunk % g.parts, g.columns // width
        filters = part * panels // g.parts * width, (part + 1) * panels // g.parts * width
        patch_plane, plane = g.group * g.C + pad, g.C * (filters[1] - filters[0]) + pad
        patch_products = side * side * width + pad
        three, transformed = tile_shape(3, 3, 1, lanes), part_of(kernels, chunk, chunks)
        transform_filters(three, sums, width, lanes, weights, g, (0, g.C), filters, transformed, pad)
        zero(image)
        copied = -1
        total = g.N * g.down * g.across
        tiles = (total + inner - 1) // inner
        first, last = lot * tiles // lots * inner, min(total, (lot + 1) * tiles // lots * inner)
        window = window_number(g, first)
        for begin in range(first, last, g.group):
            count = min(g.group, last - begin)
            here = window
            copied, window = collect_patches(
                patch, depth_lanes, x, g, image, copied, window, count, patches, patch_plane
            )
            for f in range(filters[0], filters[1], width):
                for place in range(side * side):
                    for p in range(0, count, inner):
                        acc = tile_zeros(tile, x)
                        a, b = place * patch_plane + p * g.C, place * plane + (f - filters[0]) * g.C
                        for c in range(g.C):
                            acc = tile_fma(tile, acc, patches, a + c, 0, channels, transformed, b + c * width)
                        tile_store(tile, acc, products, p * patch_products + place * width, 0, patch_products)
                to = here
                for p in range(count):
                    for v in range(0, min(width, g.F - f), lanes):
                        values = window_transform(sums, outputs, products, p * patch_products + v, side * width, width)
                        if pooled:
                            store_maxima(outputs, values, bias, f + v, lanes, g, spare, index_spare, y, index, to)
                        else:
                            store_outputs(outputs, values, bias, f + v, lanes, g, spare, y, to)
                    to = next_window(g, to)

    return winograd


@inlined
def store_outputs(outputs, values, bias, f, lanes, g, spare, y, window):
    """Write ReLU(values + bias), or without ReLU, to a window's place in y; what sticks out is dropped."""
    n, line, pixel = window[0], g.size * window[1], g.size * window[2]
    values = tile_add(values, tile_load(outputs, bias, f, 0, 0))
    if g.relu:
        values = tile_relu(outputs, values)
    to = ((n * g.OH + line) * g.OW + pixel) * g.F + f
    if line + g.size <= g.OH and pixel + g.size <= g.OW and f + lanes <= g.F:
        tile_store(outputs, values, y, to, g.OW * g.F, g.F)
    else:
        tile_store(outputs, values, spare, 0, g.size * lanes, lanes)
        copy_inside(spare, g.size, lanes, y, to, g, g.OH - line, g.OW - pixel, g.F - f)


@inlined
def store_maxima(outputs, values, bias, f, lanes, g, spare, index_spare, y, index, window):
    """Write ReLU(maximum + bias) of each 2 x 2 outputs of a window, and which pixel it was, to their place."""
    half = g.size // 2
    n, line, pixel = window[0], half * window[1], half * window[2]
    to = ((n * g.OH + line) * g.OW + pixel) * g.F + f
    if line + half <= g.OH and pixel + half <= g.OW and f + lanes <= g.F:
        tile_store_window_maximum(outputs, values, bias, f, y, to, g.OW * g.F, g.F, index, to)
    else:
        tile_store_window_maximum(outputs, values, bias, f, spare, 0, half * lanes, lanes, index_spare, 0)
        copy_inside(spare, half, lanes, y, to, g, g.OH - line, g.OW - pixel, g.F - f)
        copy_inside(index_spare, half, lanes, index, to, g, g.OH - line, g.OW - pixel, g.F - f)


@device
def copy_inside(spare, size, lanes, y, to, g, lines, pixels, filters):
    """Copy of a window's outputs, (size, size, lanes), those that are inside the image to y[to]."""
    for p in range(size * size):
        line, pixel = p // size, p % size
        if line < lines and pixel < pixels:
            copy_run(spare, p * lanes, y, to + (line * g.OW + pixel) * g.F, min(lanes, filters))
