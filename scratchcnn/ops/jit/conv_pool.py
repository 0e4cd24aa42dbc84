"""Convolution, bias, ReLU and max-pool in one pass, and backward from the few gradients that are not zero.

**Forward**: a tile holds the sums of P pooling windows of 2 x 2 pixels, so their maximum is found in registers. What
convolution alone would write, four times as much as remains, is never stored, and pixels that the pool would drop are
never computed. Other pools than 2 x 2 run as a convolution followed by a pool.

**Backward**: each window hands its gradient to one pixel of four, and ReLU has stopped about half of them; a dropout
behind it, half of the rest. Of the convolution's output gradient one number in eight or sixteen is not zero. The
backward pass lists those (value and place) and works for them alone, which gives exactly the same sums:

    each gradient g of filter f at output pixel p:     dkernel[:, :, :, f] += g * (the window of x at p)
                                                       dx[window at p]     += g * kernel[:, :, :, f]

Both are g times KH lines of KW*C neighbouring numbers: a tile of KH x (KW*C) sums gathers all of a filter's windows of
the image, and a tile with the filter's numbers is scattered over their places in the gradient of the image. Images and
lists are in L1, the kernel and its sums pass through from L2, once for each image.

Where a window of x is no longer than a few numbers (one input channel) such lines are too short. The first layer, which
needs no dx, instead takes the window's four pixels in turn, with the gradients that went elsewhere masked out.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from . import winograd
from .conv import _convolve, copy_image, forward_tile, zero
from .cpu import Tile, lanes_for, largest_tile, registers, widest_tile
from .elementwise import BLOCK, Stretch, stretch
from .kernel import array_of, arrays, compiled, geometry, kernel, operation, precision_of, run
from .launch import add_slices, padded_columns, round_up, row_slices, scratch, sum_slices
from .pool import max_pool_forward
from .pooled import PooledConvolution
from .tile import (
    copy_run,
    tile_add_scaled,
    tile_fma,
    tile_fma_where,
    tile_load,
    tile_scatter_scaled,
    tile_shape,
    tile_store,
    tile_store_window_maximum,
    tile_zeros,
)
from .transpose import transposed

Pair = tuple[int, int]
OFF = 255  # in ``index``: ReLU stopped this window


@operation
def conv_relu_pool_forward(
    x: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | None,
    strides: Pair,
    padding: Pair,
    pool_size: Pair,
    pool_strides: Pair,
    y: np.ndarray,
    index: np.ndarray,
) -> None:
    """Compute y = ReLU(max-pool(convolution + bias)), and in ``index`` each maximum's position, or 255 where y is 0."""
    F = y.shape[3]
    if pool_size != (2, 2) or pool_strides != (2, 2):
        heights, widths = ((y.shape[i + 1] - 1) * pool_strides[i] + pool_size[i] for i in (0, 1))
        unpooled = scratch("unpooled", (len(x), heights, widths, F), y.dtype)
        _convolve(x, kernel, bias, strides, (1, 1), padding, unpooled)
        max_pool_forward(unpooled, pool_size, pool_strides, (0, 0), y, index)
        run(_relu_index(precision_of(y.dtype)), row_slices(y.size // BLOCK), Stretch(y.size, 0, 0), y, index)
        return
    tile = pooled_tile(y.shape[2], F, y.dtype)
    g = PooledConvolution.of(x, kernel, y, strides, padding, pool_size, pool_strides, round_up(F, tile.columns))
    if winograd.suits(g, y.dtype):
        columns = round_up(F, forward_tile(g.OW, F, y.dtype).columns)
        g = PooledConvolution.of(x, kernel, y, strides, padding, pool_size, pool_strides, columns)
    weights = padded_columns(kernel.reshape(-1, F), g.columns, "kernel")
    biases = padded_columns(np.zeros((1, F), y.dtype) if bias is None else bias.reshape(1, F), g.columns, "bias")
    if winograd.suits(g, y.dtype):
        winograd.convolve(g, x, weights, biases, y, index)
        return
    slices = row_slices(g.N * g.OH)
    run(
        _conv_relu_pool_kernel(precision_of(y.dtype), *tile),
        slices,
        g,
        x,
        weights,
        biases,
        scratch("images", (slices, round_up(g.height * g.width * g.C, 16)), y.dtype),
        scratch("lines", (slices, g.OW * g.columns), y.dtype),
        y,
        index,
        scratch("index lines", (slices, round_up(g.OW * g.columns, 64)), np.uint8),
    )


@operation
def conv_relu_pool_backward(
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
    """Compute the gradients of the convolution's input, kernel and bias from that of the pooled output."""
    KH, KW, C, F = kernel.shape
    tile = window_tile(KH, KW * C, F, x.dtype)
    if dx is None and tile is not None:
        columns = round_up(F, tile.columns)
        g = PooledConvolution.of(x, kernel, dy, strides, padding, pool_size, pool_strides, columns)
        size = (KH * KW * C + 1) * columns
        slices = sum_slices(g.N, size * x.itemsize)
        sums = scratch("kernel gradients", (slices, size), x.dtype)
        run(
            _window_gradient_kernel(precision_of(x.dtype), *tile),
            slices,
            g,
            x,
            dy,
            scratch("images", (slices, round_up(g.height * g.width * C, 16)), x.dtype),
            scratch("lines", (slices, g.OH * g.OW * columns), x.dtype),
            sums,
            np.ones(1, x.dtype),
            index,
            scratch("index lines", (slices, round_up(g.OH * g.OW * columns, 64)), np.uint8),
        )
        total = add_slices(sums).reshape(KH * KW * C + 1, columns)
        dkernel.reshape(KH * KW * C, F)[...] = total[:-1, :F]
        if dbias is not None:
            dbias[...] = total[-1, :F]
        return
    tile = sparse_tile(KH, KW * C, x.dtype)
    columns = round_up(KW * C, tile.columns)
    g = PooledConvolution.of(x, kernel, dy, strides, padding, pool_size, pool_strides, columns, dx is not None)
    size = F * KH * columns
    slices = sum_slices(g.N, size * x.itemsize)
    sums = scratch("kernel gradients", (slices, size + round_up(F, 16)), x.dtype)
    image = round_up(g.height * g.width * C + columns, 16)
    run(
        _sparse_gradient_kernel(precision_of(x.dtype), *tile),
        slices,
        g,
        x,
        padded_columns(transposed(kernel.reshape(-1, F)).reshape(F * KH, KW * C), columns, "kernel"),
        dy,
        scratch("images", (slices, image), x.dtype),
        scratch("image gradients", (slices, image), x.dtype),
        sums,
        x if dx is None else dx,
        index,
    )
    total = add_slices(sums)
    gradient = total[:size].reshape(F, KH * columns)
    if columns == KW * C:
        transposed(gradient, dkernel.reshape(KH * columns, F))
    else:
        dkernel.reshape(KH, KW * C, F)[...] = transposed(gradient).reshape(KH, columns, F)[:, : KW * C]
    if dbias is not None:
        dbias[...] = total[size : size + F]


@cache
def pooled_tile(windows: int, filters: int, dtype: np.dtype) -> Tile:
    """Choose the tile for a line of pooling windows: the least waste, then the fewest loads for a multiplication."""
    lanes = lanes_for(filters, dtype)
    best, best_score = Tile(2, 2, 1, lanes), (np.inf, 0.0)
    for vectors in range(1, min(widest_tile(), -(-filters // lanes)) + 1):
        for pixels in range(1, windows + 1):
            rows = 4 * pixels
            if rows * vectors > largest_tile():
                break
            computed = round_up(windows, pixels) * round_up(filters, vectors * lanes) / (windows * filters)
            loads = (rows + vectors) / (rows * vectors)
            stalls = max(1.0, 8 / (rows * vectors))
            score = (computed * max(loads, 1.0) * stalls, loads)
            if score < best_score:
                best, best_score = Tile(2, 2 * pixels, vectors, lanes), score
    return best


@cache
def window_tile(KH: int, depth: int, filters: int, dtype: np.dtype) -> Tile | None:
    """Choose the tile for a first layer: the whole window of KH x ``depth`` numbers, or None where it does not fit."""
    lanes = lanes_for(filters, dtype)
    vectors = min(largest_tile() // (KH * depth), -(-filters // lanes))
    return Tile(KH, depth, vectors, lanes) if vectors else None


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
def _conv_relu_pool_kernel(precision, outer, inner, vectors, lanes):
    @kernel
    def conv_relu_pool(s, slices, numbers, addresses):
        """A slice of the pooled lines; for each vector of filters, tiles of P windows; kernel positions innermost.

        Registers: the 4P pixels' sums. L1: the image's lines, and most of the kernel's panel. L2: the kernel.
        """
        g = geometry(numbers, PooledConvolution)
        x, weights, bias, images, lines, y = arrays(addresses, 6, precision)
        index = array_of(addresses, 6, np.uint8, precision)
        index_lines = array_of(addresses, 7, np.uint8, precision)
        tile = tile_shape(outer, inner, vectors, lanes)
        size = images.size // slices
        image = images[s * size : (s + 1) * size]
        line, index_line = s * (lines.size // slices), s * (index_lines.size // slices)
        zero(image)
        copied = -1
        for row in range(s * g.N * g.OH // slices, (s + 1) * g.N * g.OH // slices):
            n, oy = row // g.OH, row % g.OH
            if n != copied:
                copy_image(x, n * g.H * g.W * g.C, g, image)
                copied = n
            for f in range(0, g.columns, vectors * lanes):
                for pixel in range(0, g.OW, inner // 2):
                    first = min(pixel, g.OW - inner // 2)
                    acc = tile_zeros(tile, x)
                    for ky in range(g.KH):
                        a = ((2 * oy * g.stride_y + ky) * g.width + 2 * first * g.stride_x) * g.C
                        b = ky * g.KW * g.C * g.columns + f
                        for k in range(g.KW * g.C):
                            acc = tile_fma(
                                tile, acc, image, a + k, g.stride_y * g.width * g.C, g.stride_x * g.C,
                                weights, b + k * g.columns,
                            )  # fmt: skip
                    if g.F == g.columns:
                        place = (row * g.OW + first) * g.F + f
                        tile_store_window_maximum(tile, acc, bias, f, y, place, g.F, index, place)
                    else:
                        place = first * g.columns + f
                        tile_store_window_maximum(
                            tile, acc, bias, f, lines, line + place, g.columns, index_lines, index_line + place
                        )
            if g.F != g.columns:
                for pixel in range(g.OW):
                    copy_run(lines, line + pixel * g.columns, y, (row * g.OW + pixel) * g.F, g.F)
                    copy_run(index_lines, index_line + pixel * g.columns, index, (row * g.OW + pixel) * g.F, g.F)

    return conv_relu_pool


@cache
def _relu_index(precision):
    @kernel
    def relu_index(s, slices, numbers, addresses):
        """ReLU on what a pool has left, noted in the pool's index."""
        (y,) = arrays(addresses, 1, precision)
        index = array_of(addresses, 1, np.uint8, precision)
        first, last = stretch(s, slices, geometry(numbers, Stretch).size)
        for i in range(first, last):
            if y[i] <= 0:
                y[i] = 0
                index[i] = OFF

    return relu_index


@cache
def _window_gradient_kernel(precision, outer, inner, vectors, lanes):
    @kernel
    def window_gradient(s, slices, numbers, addresses):
        """A slice of the batch; for each vector of filters, all pooling windows of an image, and their pixels in turn.

        Registers: the sums of the whole kernel, and of the bias, which is the weight of an input that is always 1.
        L1: the image, its pooled gradient, and the index.
        """
        g = geometry(numbers, PooledConvolution)
        x, dy, images, lines, sums, one = arrays(addresses, 6, precision)
        index = array_of(addresses, 6, np.uint8, precision)
        index_lines = array_of(addresses, 7, np.uint8, precision)
        tile, bias_tile = tile_shape(outer, inner, vectors, lanes), tile_shape(1, 1, vectors, lanes)
        size = images.size // slices
        image = images[s * size : (s + 1) * size]
        size = sums.size // slices
        total = sums[s * size : (s + 1) * size]
        straight = g.F == g.columns
        gradient = dy if straight else lines
        winner = index if straight else index_lines
        zero(image)
        zero(total)
        windows = g.OH * g.OW
        for n in range(s * g.N // slices, (s + 1) * g.N // slices):
            copy_image(x, n * g.H * g.W * g.C, g, image)
            begin, index_begin = n * windows * g.F, n * windows * g.F
            if not straight:
                begin, index_begin = s * (lines.size // slices), s * (index_lines.size // slices)
                for p in range(windows):
                    copy_run(dy, (n * windows + p) * g.F, lines, begin + p * g.columns, g.F)
                    copy_run(index, (n * windows + p) * g.F, index_lines, index_begin + p * g.columns, g.F)
            for f in range(0, g.columns, vectors * lanes):
                acc = tile_load(tile, total, f, inner * g.columns, g.columns)
                bias = tile_load(bias_tile, total, size - g.columns + f, 0, 0)
                for oy in range(g.OH):
                    for ox in range(g.OW):
                        b = (oy * g.OW + ox) * g.columns + f
                        for py in range(g.PH):
                            line = (oy * g.pool_stride_y + py) * g.stride_y * g.width
                            for px in range(g.PW):
                                a = (line + (ox * g.pool_stride_x + px) * g.stride_x) * g.C
                                position = py * g.PW + px
                                acc = tile_fma_where(
                                    tile, acc, image, a, g.width * g.C, 1,
                                    gradient, begin + b, winner, index_begin + b, position,
                                )  # fmt: skip
                                bias = tile_fma_where(
                                    bias_tile, bias, one, 0, 0, 0,
                                    gradient, begin + b, winner, index_begin + b, position,
                                )  # fmt: skip
                tile_store(tile, acc, total, f, inner * g.columns, g.columns)
                tile_store(bias_tile, bias, total, size - g.columns + f, 0, 0)

    return window_gradient


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
        size = images.size // slices
        image, dimage = images[s * size : (s + 1) * size], image_gradients[s * size : (s + 1) * size]
        size = sums.size // slices
        total = sums[s * size : (s + 1) * size]
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
                for i in range(count):
                    total[g.F * g.KH * g.columns + f] += scales[i]
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


@compiled
def copy_back(dimage, g, dx, start):
    """Copy the part of a padded image's gradient that belongs to the image itself; pixels outside of it get zero."""
    for line in range(g.H):
        to_line = line + g.top
        begin = start + line * g.W * g.C
        inside = min(g.W, g.width - g.left) if to_line < g.height else 0
        if inside > 0:
            copy_run(dimage, (to_line * g.width + g.left) * g.C, dx, begin, inside * g.C)
        for i in range(max(0, inside) * g.C, g.W * g.C):
            dx[begin + i] = 0
