"""Transposing matrices, in blocks that are transposed in registers.

Column by column, a matrix would be read in strides, one number of each cache line at a time. A block of as many rows as
a vector has lanes is read and written line by line, and transposed in between without touching memory.
"""

from typing import NamedTuple

import numpy as np

from ....types import Array
from ..machine.registers import registers
from ..machine.tile import tile_load, tile_shape, tile_store
from ..machine.tile_transforms import tile_transpose
from ..runtime.arguments import read_arrays, read_dims
from ..runtime.chunks import BLOCK, chunk_range, chunks_for_rows
from ..runtime.compile import device, native
from ..runtime.launch import run


class Matrices(NamedTuple):
    """The integers of a transposition of several matrices, and where number (line, r, c) goes in the result."""

    lines: int
    rows: int
    columns: int
    start: int  # the place of (line, r, c) is start + line * line_stride + c * column_stride + r
    line_stride: int
    column_stride: int


def transpose(matrices: Array, result: Array, line_stride: int, column_stride: int, start: int = 0) -> None:
    """Write number (line, r, c) of ``matrices`` to place start + line * line_stride + c * column_stride + r."""
    lines, rows, columns = matrices.shape
    g = Matrices(lines, rows, columns, start, line_stride, column_stride)
    lanes = block_lanes(matrices.dtype)
    chunks = chunks_for_rows(min(lines * -(-rows // lanes), matrices.size // BLOCK))
    run(_transpose_kernel(matrices.dtype, lanes), chunks, g, matrices, result)


def block_lanes(dtype: np.dtype) -> int:
    """Return how many rows and columns a block has that is transposed in the registers."""
    return min(16, registers().width // dtype.itemsize)


@device
def transpose_band(block, lanes, source, place, source_stride, rows, columns, result, to, result_stride):
    """Transpose up to ``lanes`` rows: source[place + r*source_stride + c] becomes result[to + c*result_stride + r]."""
    begin = 0
    if rows == lanes:
        begin = columns // lanes * lanes
        for column in range(0, begin, lanes):
            dims = tile_transpose(block, tile_load(block, source, place + column, 0, source_stride))
            tile_store(block, dims, result, to + column * result_stride, 0, result_stride)
    for r in range(rows):
        for column in range(begin, columns):
            result[to + column * result_stride + r] = source[place + r * source_stride + column]


@native
def _transpose_kernel(dtype, lanes):
    def transpose(chunk, chunks, dims, pointers):
        """A chunk of the bands of ``lanes`` rows: whole blocks in registers, what is left number by number."""
        g = read_dims(dims, Matrices)
        matrices, result = read_arrays(pointers, 2, dtype)
        block = tile_shape(1, lanes, 1, lanes)
        bands = (g.rows + lanes - 1) // lanes
        for band in chunk_range(g.lines * bands, chunk, chunks):
            line, row = band // bands, band % bands * lanes
            place, rows = (line * g.rows + row) * g.columns, min(lanes, g.rows - row)
            to = g.start + line * g.line_stride + row
            transpose_band(block, lanes, matrices, place, g.columns, rows, g.columns, result, to, g.column_stride)

    return transpose
