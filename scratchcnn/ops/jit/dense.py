"""Dense layers: three matrix products on one kernel of register tiles.

    y = x W + b        rows: samples     sum over: features    columns: units
    dx = dy W^T        rows: samples     sum over: units       columns: features
    dW = x^T dy        rows: features    sum over: samples     columns: units

In all three the result is a matrix with the right operand's columns, and the left operand is read with two strides: the
distance of neighbouring rows and that of neighbouring terms of the sum. Transposing it is swapping the two. No BLAS is
called: its threads would keep the cores busy, waiting for more, while the next kernel starts.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .cpu import Tile, lanes_for, largest_tile, widest_tile
from .dense_gradient import gradients
from .kernel import arrays, geometry, kernel, operation, precision_of, run
from .launch import NO_BIAS, padded_bias, round_up, scratch, work_slices
from .tile import copy_run, tile_fma, tile_fma_edge, tile_load, tile_relu, tile_shape, tile_store

TERMS = 512  # terms of the sum that are taken at a time: of a right operand, 512 x 64 float32 are 128 KiB


class Product(NamedTuple):
    """The numbers of a matrix product: rows x terms times terms x F, the columns padded to ``columns``."""

    rows: int
    terms: int
    F: int
    columns: int
    row_stride: int
    term_stride: int
    terms_at_once: int
    relu: int


@operation
def dense_forward(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, y: np.ndarray) -> None:
    """Compute y = x W + b."""
    _multiply(x, len(x), x.shape[1], (x.shape[1], 1), kernel, bias, y)


@operation
def dense_backward(
    x: np.ndarray,
    kernel: np.ndarray,
    dy: np.ndarray,
    dx: np.ndarray | None,
    dkernel: np.ndarray,
    dbias: np.ndarray | None,
) -> None:
    """Compute dx = dy W^T, dW = x^T dy, and db = sum over the batch of dy; dx and dbias may be None: not wanted."""
    gradients(x, kernel, None, dy, dx, dkernel, dbias)


@operation
def dense_relu_forward(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, y: np.ndarray) -> None:
    """Compute y = ReLU(x W + b)."""
    _multiply(x, len(x), x.shape[1], (x.shape[1], 1), kernel, bias, y, relu=True)


@operation
def dense_relu_backward(
    x: np.ndarray,
    kernel: np.ndarray,
    y: np.ndarray,
    dy: np.ndarray,
    dx: np.ndarray | None,
    dkernel: np.ndarray,
    dbias: np.ndarray | None,
) -> None:
    """Compute the gradients of ``dense_relu_forward`` from its output y."""
    gradients(x, kernel, y, dy, dx, dkernel, dbias)


@cache
def product_tile(rows: int, columns: int, dtype: np.dtype) -> Tile:
    """Choose the tile of a product: as full as the registers allow, or one row where there are fewer than that."""
    lanes = lanes_for(columns, dtype)
    vectors = min(widest_tile(), -(-columns // lanes))
    height = min(12, largest_tile() // vectors, 20 // vectors)  # fuller ones are no faster
    return Tile(1, height if rows >= height else 1, vectors, lanes)


def _multiply(
    left: np.ndarray,
    rows: int,
    terms: int,
    strides: tuple[int, int],
    right: np.ndarray,
    bias: np.ndarray | None,
    result: np.ndarray,
    relu: bool = False,
) -> None:
    """Compute result = left right + bias, or ReLU of it; ``strides`` are left's, from row to row and term to term."""
    F = right.shape[1]
    tile = product_tile(rows, F, result.dtype)
    columns = round_up(F, tile.columns)
    tiles = -(-rows // tile.inner) * (columns // tile.columns)
    run(
        _multiply_kernel(precision_of(result.dtype), *tile),
        work_slices(tiles, rows * terms * F),
        Product(rows, terms, F, columns, *strides, TERMS, relu),
        left,
        right,
        NO_BIAS[result.dtype] if bias is None else bias,
        scratch("partial sums", (tiles * tile.inner * tile.columns,), result.dtype),
        result,
    )


@cache
def _multiply_kernel(precision, outer, inner, vectors, lanes):
    @kernel
    def multiply(s, slices, numbers, addresses):
        """A slice of the result's tiles, down one panel of columns after the other; the terms of the sum innermost.

        Registers: the tile. L2: 512 terms of the panel, which all tiles of the slice use before the next 512 come;
        between, the tiles wait in memory. The last tile of a panel may overlap the one before; both find the same sums.
        """
        g = geometry(numbers, Product)
        left, right, bias, partial, result = arrays(addresses, 5, precision)
        bias = padded_bias(bias, g.columns)
        tile = tile_shape(outer, inner, vectors, lanes)
        width = vectors * lanes
        height = (g.rows + inner - 1) // inner
        tiles = height * (g.columns // width)
        for term in range(0, g.terms, g.terms_at_once):
            last = min(g.terms, term + g.terms_at_once)
            for i in range(s * tiles // slices, (s + 1) * tiles // slices):
                row, f = min(i % height * inner, g.rows - inner), i // height * width
                place = i * inner * width
                if term == 0:
                    acc = tile_load(tile, bias, f, 0, 0)
                else:
                    acc = tile_load(tile, partial, place, 0, width)
                a = row * g.row_stride
                if f + width <= g.F:
                    for k in range(term, last):
                        acc = tile_fma(tile, acc, left, a + k * g.term_stride, 0, g.row_stride, right, k * g.F + f)
                else:
                    for k in range(term, last):
                        acc = tile_fma_edge(
                            tile, acc, left, a + k * g.term_stride, 0, g.row_stride, right, k * g.F + f, g.F - f
                        )
                if g.relu and last == g.terms:
                    acc = tile_relu(tile, acc)
                if last == g.terms and f + width <= g.F:
                    tile_store(tile, acc, result, row * g.F + f, 0, g.F)
                else:
                    tile_store(tile, acc, partial, place, 0, width)
                    if last == g.terms:
                        for r in range(inner):
                            copy_run(partial, place + r * width, result, (row + r) * g.F + f, g.F - f)

    return multiply
