"""Packing: matrices whose rows are filled up with zeros to whole register tiles, and aligned to cache lines."""

from typing import NamedTuple

import numpy as np

from ....types import Array
from ..machine.tile import copy_run
from ..runtime.addresses import address_of
from ..runtime.arguments import read_arrays, read_dims
from ..runtime.chunks import BLOCK, chunk_range, chunks_for_rows
from ..runtime.compile import device, native
from ..runtime.launch import run
from ..runtime.scratch import Name, scratch

FEW = 32  # times that a matrix is read: fewer, and copying it takes longer than loads that cross cache lines


class Padded(NamedTuple):
    """The integers of ``padded_columns``: rows of F numbers become rows of ``columns``."""

    rows: int
    F: int
    columns: int


def padded_columns(matrix: Array, columns: int, name: Name, uses: int = FEW) -> Array:
    """Return a (rows, F) matrix, its rows filled up to ``columns`` with zeros; 64-byte aligned if it has many uses."""
    rows, filled = matrix.shape
    if filled == columns and (uses < FEW or address_of(matrix) % 64 == 0):
        return matrix
    padded = scratch(name, (rows, columns), matrix.dtype)
    chunks = chunks_for_rows(rows * columns // BLOCK)
    run(_pad_columns(matrix.dtype), chunks, Padded(rows, filled, columns), matrix, padded)
    return padded


@native
def _pad_columns(dtype):
    def pad_columns(chunk, chunks, dims, pointers):
        """Of each row, copy what there is and fill up with zeros."""
        g = read_dims(dims, Padded)
        matrix, padded = read_arrays(pointers, 2, dtype)
        for row in chunk_range(g.rows, chunk, chunks):
            copy_run(matrix, row * g.F, padded, row * g.columns, g.F)
            for f in range(g.F, g.columns):
                padded[row * g.columns + f] = 0

    return pad_columns


@device
def padded_bias(bias, columns):
    """Return a bias, or none at all, filled up with zeros."""
    padded = np.zeros(columns, bias.dtype)
    for f in range(bias.size):
        padded[f] = bias[f]
    return padded
