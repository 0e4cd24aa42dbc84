"""Backward from the few gradients that are not zero, behind a max-pool and a ReLU.

Each pooling window hands its gradient to one pixel of four, and ReLU has stopped about half of them; a dropout
behind it, half of the rest. Of the convolution's output gradient one number in eight or sixteen is not zero. The
backward pass lists those (value and place) and works for them alone, which gives exactly the same sums:

    each gradient g of filter f at output pixel p:     dkernel[:, :, :, f] += g * (the window of x at p)
                                                       dx[window at p]     += g * kernel[:, :, :, f]

Both are g times KH lines of KW*C neighbouring numbers: a tile of KH x (KW*C) sums gathers all of a filter's windows of
the image, and a tile with the filter's numbers is scattered over their places in the gradient of the image. Images and
lists are in L1, the kernel and its sums pass through from L2, once for each image.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .cpu import Tile, registers
from .geometry import OFF, Pair, PooledConvolution
from .image import copy_back, copy_image, zero
from .kernel import compiled, kernel, precision_of, run
from .launch import part_of, round_up, scratch, sum_slices
from .operands import array_of, arrays, geometry
from .sums import add_transposed_slices
from .tile import tile_load, tile_shape, tile_store
from .tile_sparse import tile_add_scaled, tile_scatter_scaled
from .transpose import transpose


def gradients(
    x: np.ndarray,
    kernel: np.ndarray,
    dy: np.ndarray,
    index: np.ndarray,
    strides: Pair,
    padding: Pair,
    pool_size: Pair,
    pool_strides: Pair,
    dx: np.ndarray | None,
    dkernel: np.ndarray,
    dbias: np.ndarray | None,
) -> None:
    """Compute dx (unless None), dkernel and dbias (unless None) from dy, the gradient of the pooled output."""
    KH, KW, C, F = kernel.shape
    tile = sparse_tile(KH, KW * C, x.dtype)
    columns = round_up(KW * C, tile.columns)
    g = PooledConvolution.of(x, kernel, dy, strides, padding, pool_size, pool_strides, columns, dx is not None)
    size = F * KH * columns
    slices = sum_slices(g.N, size * x.itemsize)
    sums = scratch("kernel gradients", (slices, size + round_up(F, 16)), x.dtype)
    image = round_up(g.height * g.width * C + columns, 16)
    by_filter = scratch("kernel by filter", (F, KH, columns), x.dtype)
    if dx is not None:
        lines = kernel.reshape(KH, KW * C, F)
        transpose(lines, by_filter, line_stride=columns, column_stride=KH * columns, padding=columns - KW * C)
    run(
        _sparse_gradient_kernel(precision_of(x.dtype), *tile),
        slices,
        g,
        x,
        by_filter,
        dy,
        scratch("images", (slices, image), x.dtype),
        scratch("image gradients", (slices, image), x.dtype),
        sums,
        x if dx is None else dx,
        index,
    )
    add_transposed_slices(sums, columns, dkernel, dbias)


@cache
def sparse_tile(KH: int, depth: int, dtype: np.dtype) -> Tile:
    """Choose the tile for KH lines of ``depth`` = KW*C numbers: the fewest instructions, in the widest vectors."""
    widest = registers().width // dtype.itemsize
    lanes = min((widest, widest // 2, widest // 4), key=lambda n: (round_up(depth, max(n, 2)), -n))
    lanes = max(lanes, 2)
    vectors = -(-depth // lanes)
    most = registers().count - 2
    rows = KH if KH <= most else 1
    width = next(n for n in range(min(vectors, most // rows), 0, -1) if vectors % n == 0)
    return Tile(rows, 1, width, lanes)


@cache
def _sparse_gradient_kernel(precision, outer, inner, vectors, lanes):
    @kernel
    def sparse_gradient(s, slices, numbers, addresses):
        """A slice of the batch, image by image, filter by filter: list its gradients, gather dkernel, scatter dx.

        Registers: the tile. L1: the image, its gradient, the lists. L2: the kernel and its sums.
        """
        g = geometry(numbers, PooledConvolution)
        x, weights, dy, images, image_gradients, sums, dx = arrays(addresses, 7, precision)
        index = array_of(addresses, 7, np.uint8, precision)
        tile = tile_shape(outer, inner, vectors, lanes)
        image, dimage, total = part_of(images, s, slices), part_of(image_gradients, s, slices), part_of(sums, s, slices)
        windows, positions = g.OH * g.OW, g.PH * g.PW
        scales, places = np.empty(windows + 1, x.dtype), np.empty(windows + 1, np.int64)
        corners, offsets = np.empty(windows, np.int64), np.zeros(256, np.int64)
        for p in range(windows):
            line, pixel = p // g.OW * g.pool_stride_y * g.stride_y, p % g.OW * g.pool_stride_x * g.stride_x
            corners[p] = (line * g.width + pixel) * g.C
        for p in range(positions):
            offsets[p] = (p // g.PW * g.stride_y * g.width + p % g.PW * g.stride_x) * g.C
        zero(image)
        zero(total)
        for n in range(s * g.N // slices, (s + 1) * g.N // slices):
            first = n * windows * g.F
            gradient, winner = dy[first : first + windows * g.F], index[first : first + windows * g.F]
            copy_image(x, n * g.H * g.W * g.C, g, image)
            if g.wants_dx:
                zero(dimage)
            for f in range(g.F):
                count = list_filter(gradient, winner, f, g.F, corners, offsets, scales, places)
                bias = total[g.F * g.KH * g.columns + f]
                for i in range(count):
                    bias += scales[i]
                total[g.F * g.KH * g.columns + f] = bias
                for ky in range(0, g.KH, outer):
                    for k in range(0, g.columns, vectors * lanes):
                        here = (f * g.KH + ky) * g.columns + k  # in the kernel and its sums
                        start = ky * g.width * g.C + k  # in a window of the image
                        acc = tile_load(tile, total, here, g.columns, 0)
                        for i in range(count):
                            acc = tile_add_scaled(tile, acc, scales, i, image, start + places[i], g.width * g.C, 0)
                        tile_store(tile, acc, total, here, g.columns, 0)
                        if g.wants_dx:
                            acc = tile_load(tile, weights, here, g.columns, 0)
                            for i in range(count):
                                tile_scatter_scaled(tile, acc, scales, i, dimage, start + places[i], g.width * g.C, 0)
            if g.wants_dx:
                copy_back(dimage, g, dx, n * g.H * g.W * g.C)

    return sparse_gradient


@compiled
def list_filter(gradient, winner, f, F, corners, offsets, scales, places):
    """List the gradients of filter f that are not zero, with the places of their windows in the image; count them.

    Without a branch, which the CPU would guess wrong half of the time: each entry is written, and the next one goes
    over it where it does not count.
    """
    count, place = np.uint64(0), np.uint64(f)  # unsigned: numba need not ask whether an index counts from the end
    for p in range(corners.size):
        value, position = gradient[place], winner[place]
        scales[count] = value
        places[count] = corners[p] + offsets[position]
        count += np.uint64((position != OFF) & (value != 0))
        place += np.uint64(F)
    return np.int64(count)
