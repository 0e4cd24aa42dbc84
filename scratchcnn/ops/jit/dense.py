"""Dense layers: a matrix product (GEMM) on register tiles; its gradients, two more, are in ``dense_gradient.py``.

    y = x W + b        rows: samples     sum over: features    columns: units

No BLAS is called: its threads would keep the cores busy, waiting for more, while the next kernel starts.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ...types import Array
from ..settings import Gradients
from .dense_gradient import gradients
from .machine.registers import Tile, lanes_for, largest_tile, widest_tile
from .machine.tile import (
    copy_run,
    tile_add,
    tile_fma,
    tile_fma_row,
    tile_load,
    tile_relu,
    tile_shape,
    tile_store,
    tile_zeros,
)
from .machine.tile_rows import row_edge
from .runtime.arguments import or_empty, read_arrays, read_dims
from .runtime.chunks import chunk_range, chunks_for_work, round_up
from .runtime.compile import inlined, native
from .runtime.launch import exclusive, run
from .runtime.scratch import scratch
from .shared.padded_columns import padded_bias

TERMS = 512  # terms of the sum that are taken at a time: of a right operand, 512 x 64 float32 are 128 KiB
PARTS = 4  # of a long sum of few units, each summed up by itself, as ``_long_rows_kernel`` writes them out
FEW, LONG, LONGEST = 16, 1024, 8192  # units; terms: with more, a part's 16 columns would not stay in the L2


class Product(NamedTuple):
    """The integers of a matrix product, (N, D) times (D, F); ``columns`` is F, rounded up to whole tiles."""

    N: int
    D: int
    F: int
    columns: int
    terms_at_once: int
    in_parts: int  # whether these are added up by themselves
    relu: int


@exclusive
def dense_forward(x: Array, kernel: Array, bias: Array | None, *, out: Array) -> None:
    """Compute y = x W + b."""
    _multiply(x, kernel, bias, out)


@exclusive
def dense_backward(x: Array, kernel: Array, dy: Array, *, out: Gradients) -> None:
    """Compute dx = dy W^T, dW = x^T dy, and db = sum over the batch of dy."""
    gradients(x, kernel, None, dy, out)


@exclusive
def dense_relu_forward(x: Array, kernel: Array, bias: Array | None, *, out: Array) -> None:
    """Compute y = ReLU(x W + b)."""
    _multiply(x, kernel, bias, out, relu=True)


@exclusive
def dense_relu_backward(x: Array, kernel: Array, y: Array, dy: Array, *, out: Gradients) -> None:
    """Compute the gradients of ``dense_relu_forward`` from its output y."""
    gradients(x, kernel, y, dy, out)


@cache
def product_tile(rows: int, columns: int, is_shared: bool, dtype: np.dtype) -> Tile:
    """Choose the tile of a product: as full as the registers allow, or one row where there are fewer than that.

    A single row is longer, so that additions wait less for each other, unless threads are to share it.
    """
    lanes = lanes_for(columns, dtype)
    vectors = min(widest_tile(), -(-columns // lanes))
    height = min(12, largest_tile() // vectors, 20 // vectors)  # fuller ones are no faster
    if rows >= height:
        return Tile(1, height, vectors, lanes)
    return Tile(1, 1, vectors if is_shared else min(2 * widest_tile(), -(-columns // lanes)), lanes)


def _multiply(x: Array, weights: Array, bias: Array | None, y: Array, relu: bool = False) -> None:
    (N, D), F = x.shape, y.shape[1]
    tile = product_tile(N, F, chunks_for_work(N * F, N * D * F) > 1, y.dtype)
    columns = round_up(F, tile.columns)
    tiles = -(-N // tile.inner) * (columns // tile.columns)
    in_parts = F <= FEW and LONG <= D <= LONGEST
    g = Product(N, D, F, columns, -(-D // PARTS) if in_parts else TERMS, in_parts, relu)
    address = (_long_rows_kernel if in_parts and tile.inner == 1 else _multiply_kernel)(y.dtype, *tile)
    partial = scratch("partial sums", (tiles * tile.inner * tile.columns,), y.dtype)
    run(address, chunks_for_work(tiles, N * D * F), g, x, weights, or_empty(bias, y.dtype), partial, y)


@native
def _multiply_kernel(dtype, outer, inner, vectors, lanes):
    def multiply(chunk, chunks, dims, pointers):
        """A chunk of the tiles of y, down one panel of columns after the other; the features, to be summed, innermost.

        Registers: the tile. L2: 512 features of the panel, which all tiles of the chunk use before the next 512 come;
        between, the tiles wait in memory. The last tile of a panel may overlap the one before; both find the same sums.
        A long sum of few units is the sum of the parts that ``_long_rows_kernel`` adds up at once, to the same bits.
        """
        g = read_dims(dims, Product)
        x, weights, bias, partial, y = read_arrays(pointers, 5, dtype)
        bias = padded_bias(bias, g.columns)
        tile = tile_shape(outer, inner, vectors, lanes)
        width = vectors * lanes
        height = (g.N + inner - 1) // inner
        tiles = height * (g.columns // width)
        for first in range(0, g.D, g.terms_at_once):
            last = min(g.D, first + g.terms_at_once)
            for i in chunk_range(tiles, chunk, chunks):
                row, f = min(i % height * inner, g.N - inner), i // height * width
                place = i * inner * width
                if first == 0:
                    acc = tile_load(tile, bias, f, 0, 0)
                elif g.in_parts:
                    acc = tile_zeros(tile, x)
                else:
                    acc = tile_load(tile, partial, place, 0, width)
                if f + width <= g.F:
                    for d in range(first, last):
                        acc = tile_fma(tile, acc, x, row * g.D + d, 0, g.D, weights, d * g.F + f)
                else:
                    for d in range(first, last):
                        right = row_edge(tile, weights, d * g.F + f, g.F - f)
                        acc = tile_fma_row(tile, acc, x, row * g.D + d, 0, g.D, right)
                if g.in_parts and first > 0:
                    acc = tile_add(tile_load(tile, partial, place, 0, width), acc)
                if g.relu and last == g.D:
                    acc = tile_relu(tile, acc)
                if last == g.D and f + width <= g.F:
                    tile_store(tile, acc, y, row * g.F + f, 0, g.F)
                else:
                    tile_store(tile, acc, partial, place, 0, width)
                    if last == g.D:
                        for r in range(inner):
                            copy_run(partial, place + r * width, y, (row + r) * g.F + f, g.F - f)

    return multiply


@native
def _long_rows_kernel(dtype, outer, inner, vectors, lanes):
    def long_rows(chunk, chunks, dims, pointers):
        """A chunk of the tiles of y, each a row of few units: the four parts of their long sums side by side.

        An addition takes 4 cycles, in which a CPU could begin eight others; a single sum would leave it waiting.
        """
        g = read_dims(dims, Product)
        x, weights, bias, partial, y = read_arrays(pointers, 5, dtype)
        bias = padded_bias(bias, g.columns)
        tile = tile_shape(outer, inner, vectors, lanes)
        width, terms = vectors * lanes, g.terms_at_once
        for i in chunk_range(g.N * (g.columns // width), chunk, chunks):
            n, f = i % g.N, i // g.N * width
            acc, second, third = tile_load(tile, bias, f, 0, 0), tile_zeros(tile, x), tile_zeros(tile, x)
            fourth = tile_zeros(tile, x)
            for d in range(terms):
                acc = add_term(tile, acc, x, n, weights, f, d, g)
                second = add_term(tile, second, x, n, weights, f, d + terms, g)
                third = add_term(tile, third, x, n, weights, f, d + 2 * terms, g)
                if d + 3 * terms < g.D:
                    fourth = add_term(tile, fourth, x, n, weights, f, d + 3 * terms, g)
            acc = tile_add(tile_add(tile_add(acc, second), third), fourth)
            if g.relu:
                acc = tile_relu(tile, acc)
            tile_store(tile, acc, partial, i * width, 0, width)
            copy_run(partial, i * width, y, n * g.F + f, min(width, g.F - f))

    return long_rows


@inlined
def add_term(tile, acc, x, n, weights, f, d, g):
    """Add x[n, d] times the units' weights for the feature d."""
    return tile_fma_row(tile, acc, x, n * g.D + d, 0, g.D, row_edge(tile, weights, d * g.F + f, g.F - f))
