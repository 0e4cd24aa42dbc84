"""Transposing a matrix, in blocks that are turned over in the registers.

Column by column, a matrix would be read in strides, one number of each cache line at a time. A block of as many rows as
a vector has lanes is read and written line by line, and transposed in between without touching memory.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .cpu import registers
from .kernel import arrays, geometry, kernel, precision_of, run
from .launch import row_slices, scratch
from .tile import tile_load, tile_shape, tile_store, tile_transpose

BLOCK = 16384  # elements that are worth waking another thread


class Matrix(NamedTuple):
    """The numbers of a transposition."""

    rows: int
    columns: int


def transposed(matrix: np.ndarray, result: np.ndarray | None = None) -> np.ndarray:
    """Return the transpose of a matrix, in ``result`` or else in scratch memory."""
    rows, columns = matrix.shape
    if result is None:
        result = scratch("transposed", (columns, rows), matrix.dtype)
    lanes = min(16, registers().width // matrix.itemsize)
    slices = row_slices(rows * columns // BLOCK)
    run(_transpose_kernel(precision_of(matrix.dtype), lanes), slices, Matrix(rows, columns), matrix, result)
    return result


@cache
def _transpose_kernel(precision, lanes):
    @kernel
    def transpose(s, slices, numbers, addresses):
        """A slice of the bands of ``lanes`` rows: whole blocks in registers, what is left number by number."""
        g = geometry(numbers, Matrix)
        matrix, result = arrays(addresses, 2, precision)
        block = tile_shape(1, lanes, 1, lanes)
        whole = g.columns // lanes * lanes
        bands = (g.rows + lanes - 1) // lanes
        for row in range(s * bands // slices * lanes, (s + 1) * bands // slices * lanes, lanes):
            begin = 0
            if row + lanes <= g.rows:
                for column in range(0, whole, lanes):
                    numbers = tile_load(block, matrix, row * g.columns + column, 0, g.columns)
                    numbers = tile_transpose(block, numbers)
                    tile_store(block, numbers, result, column * g.rows + row, 0, g.rows)
                begin = whole
            for r in range(row, min(row + lanes, g.rows)):
                for column in range(begin, g.columns):
                    result[column * g.rows + r] = matrix[r * g.columns + column]

    return transpose
