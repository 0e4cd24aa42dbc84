"""How work is cut into slices, and the scratch memory that kernels use.

A kernel runs its *slices* in parallel. Where a slice only writes results of its own, there are as many slices as
threads. Where slices sum into the same result (the gradient of a kernel sums over the batch), each sums into scratch
memory of its own, their number depends on nothing but the shapes, and their sums are added in order: floating-point
addition is not associative, and the same seed shall give the same bits on any number of threads.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import config

from ....memory import aligned_empty
from ..machine.tile import copy_run
from .addresses import address_of
from .arguments import arrays, geometry
from .kernel import compiled, kernel, precision_of, run

WORK = 200_000  # multiplications that are worth waking another thread, some 4 us of a fast core
PADDED = 16384  # numbers that are worth waking another thread to copy them
SUM_SLICES = 8  # slices of a sum over the batch; also the most threads that such a sum can use
SUM_BYTES = 64 << 20  # scratch memory that they may take together

_scratch: dict[tuple[str, np.dtype], np.ndarray] = {}
_views: dict[tuple[str, tuple[int, ...], Any], np.ndarray] = {}  # what was asked for lately, to answer sooner


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return scratch memory: aligned, its contents undefined, kept for the next operation that asks for ``name``."""
    key = name, shape, dtype
    view = _views.get(key)
    if view is None:
        size, owner = math.prod(shape), (name, np.dtype(dtype))
        if owner not in _scratch or _scratch[owner].size < size:
            _scratch[owner] = aligned_empty((size,), dtype)
            _views.clear()
        view = _views[key] = _scratch[owner][:size].reshape(shape)
    return view


def row_slices(rows: int) -> int:
    """Return the number of slices for ``rows`` pieces of work that do not meet: one for each thread that may exist."""
    return max(1, min(rows, config.NUMBA_NUM_THREADS))


def work_slices(rows: int, multiplications: int) -> int:
    """Return the number of slices for ``rows`` pieces of work that do not meet, one where they are little in all."""
    return row_slices(min(rows, multiplications // WORK))


def sum_slices(rows: int, bytes_each: int) -> int:
    """Return the number of slices for a sum over ``rows``: from the shapes alone, never from the threads."""
    return max(1, min(rows, SUM_SLICES, SUM_BYTES // max(1, bytes_each)))


def round_up(extent: int, step: int) -> int:
    """Return the smallest multiple of ``step`` that is at least ``extent``."""
    return -(-extent // step) * step


class Padded(NamedTuple):
    """The numbers of ``padded_columns``: rows of F numbers become rows of ``columns``."""

    rows: int
    F: int
    columns: int


def padded_columns(matrix: np.ndarray, columns: int, name: str) -> np.ndarray:
    """Return a (rows, F) matrix 64-byte aligned and with its rows filled up to ``columns`` with zeros."""
    rows, filled = matrix.shape
    if filled == columns and address_of(matrix) % 64 == 0:
        return matrix
    padded = scratch(name, (rows, columns), matrix.dtype)
    slices = row_slices(rows * columns // PADDED)
    run(_pad_columns(precision_of(matrix.dtype)), slices, Padded(rows, filled, columns), matrix, padded)
    return padded


@cache
def _pad_columns(precision):
    @kernel
    def pad_columns(s, slices, numbers, addresses):
        """A slice of the rows: copy what there is, fill up with zeros."""
        g = geometry(numbers, Padded)
        matrix, padded = arrays(addresses, 2, precision)
        for row in range(s * g.rows // slices, (s + 1) * g.rows // slices):
            copy_run(matrix, row * g.F, padded, row * g.columns, g.F)
            for f in range(g.F, g.columns):
                padded[row * g.columns + f] = 0

    return pad_columns


NOTHING = {dtype: np.empty(0, dtype) for dtype in map(np.dtype, (np.float32, np.float64, np.uint8))}
ONE = {dtype: np.ones(1, dtype) for dtype in NOTHING}  # the input whose weight is the bias


def or_nothing(array: np.ndarray | None, dtype: np.dtype) -> np.ndarray:
    """Return an array that may be left out, such as a bias, or where it is, an empty one: kernels know no None."""
    return NOTHING[dtype] if array is None else array


@compiled
def part_of(memory, s, slices):
    """Return the part of an array that is slice s's own: scratch memory for (slices, ...) numbers."""
    size = memory.size // slices
    return memory[s * size : (s + 1) * size]


@compiled
def padded_bias(bias, columns):
    """Return a bias, or none at all, filled up with zeros."""
    padded = np.zeros(columns, bias.dtype)
    for f in range(bias.size):
        padded[f] = bias[f]
    return padded
