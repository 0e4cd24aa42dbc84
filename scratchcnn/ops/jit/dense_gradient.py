"""The gradients of a dense layer, block of features by block of features.

    dW = x^T dy        rows: features    sum over: samples     columns: units
    dx = dy W^T        rows: samples     sum over: units       columns: features

A tile has a few features for its rows and vectors of units, or of samples, for its columns. So the numbers that are
broadcast are those of x and of W, which are large, each read once and from where they lie; the vectors are those of dy,
which is small, and which a first kernel has masked (a ReLU's), padded, and transposed. The tiles of dx come out
transposed and are transposed in registers on their way to memory.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ...types import Array
from ..settings import Gradients
from .machine.registers import Tile, lanes_for, registers
from .machine.tile import copy_run, tile_fma, tile_load, tile_shape, tile_store, tile_zeros
from .machine.tile_transforms import tile_transpose
from .runtime.arguments import or_empty, read_arrays, read_dims
from .runtime.chunks import BLOCK, chunk_range, chunks_for_rows, chunks_for_work, round_up
from .runtime.compile import native
from .runtime.launch import run
from .runtime.scratch import chunk_scratch, scratch, scratch_of
from .shared.transpose import block_lanes, transpose_band


class DenseGradient(NamedTuple):
    """The integers of a dense layer's gradients: N samples, D features, F units."""

    N: int
    D: int
    F: int
    unit_width: int  # of a panel of dy
    sample_width: int  # of a panel of its transpose
    relu: int
    wants_dx: int


def gradients(x: Array, kernel: Array, y: Array | None, dy: Array, out: Gradients) -> None:
    """Compute dx, dkernel and dbias (unless None); with y, of a ReLU's output, dy counts only where y > 0."""
    (dx, dkernel, dbias), (N, D), F, dtype = out, x.shape, dy.shape[1], x.dtype
    by_units, by_samples = gradient_tiles(D, F, N, dtype)
    unit_width, sample_width = by_units.columns, by_samples.columns
    g = DenseGradient(N, D, F, unit_width, sample_width, y is not None, dx is not None)
    passed = scratch("passed", (N, round_up(F, unit_width)), dtype)
    transposed = scratch("transposed", (F, round_up(N, sample_width)), dtype)
    lanes = block_lanes(dtype)
    chunks = chunks_for_rows(min(-(-F // unit_width), dy.size // BLOCK))
    operands = dy, dy if y is None else y, passed, transposed, or_empty(dbias, dtype)
    run(_prepare_kernel(dtype, lanes), chunks, g, *operands)
    chunks = chunks_for_work(-(-D // by_units.inner), 2 * N * D * F)
    block = 3 * lanes
    features = chunk_scratch("features", chunks, N * block, dtype)
    edges = chunk_scratch("edges", chunks, by_units.inner * unit_width, dtype)
    results = chunk_scratch("results", chunks, sample_width * block, dtype)
    address = _block_kernel(dtype, *by_units[1:], *by_samples[2:], lanes)
    run(address, chunks, g, x, kernel, passed, transposed, features, edges, results, or_empty(dx, dtype), dkernel)


@cache
def gradient_tiles(features: int, units: int, samples: int, dtype: np.dtype) -> tuple[Tile, Tile]:
    """Choose the tiles of dkernel and of dx, of equally many features: at most the lanes, to transpose dx."""
    unit_lanes, sample_lanes = lanes_for(units, dtype), lanes_for(samples, dtype)
    rows = 8 if registers().count == 32 else 4
    while rows > min(sample_lanes, features):
        rows //= 2
    vectors = (min(2, -(-units // unit_lanes)), min(2, -(-samples // sample_lanes)))
    return Tile(1, rows, vectors[0], unit_lanes), Tile(1, rows, vectors[1], sample_lanes)


@native
def _prepare_kernel(dtype, lanes):
    def prepare_dense_gradient(chunk, chunks, dims, pointers):
        """A chunk of the panels of units: mask dy, sum it over the batch in order, transpose it.

        The masked dy becomes panels of all samples x the units of one tile, its transpose panels of all units x the
        samples of one tile: what a product reads in turn lies in turn, and is not crowded into few sets of the L1.
        """
        g = read_dims(dims, DenseGradient)
        dy, y, passed, transposed, dbias = read_arrays(pointers, 5, dtype)
        block = tile_shape(1, lanes, 1, lanes)
        sums = np.empty(g.unit_width, dy.dtype)
        panels = (g.F + g.unit_width - 1) // g.unit_width
        for panel in chunk_range(panels, chunk, chunks):
            first = panel * g.unit_width
            units = min(g.unit_width, g.F - first)
            sums[:] = 0
            for n in range(0, g.N, lanes):
                rows = min(lanes, g.N - n)
                place = (panel * g.N + n) * g.unit_width
                for row in range(rows):
                    begin, to = (n + row) * g.F + first, place + row * g.unit_width
                    upstream, output = dy[begin : begin + units], y[begin : begin + units]
                    masked = passed[to : to + units]
                    for f in range(units):
                        masked[f] = upstream[f] if output[f] > 0 or not g.relu else 0
                        sums[f] += masked[f]
                    for f in range(to + units, to + g.unit_width):
                        passed[f] = 0
                to = (n // g.sample_width * g.F + first) * g.sample_width + n % g.sample_width
                transpose_band(block, lanes, passed, place, g.unit_width, rows, units, transposed, to, g.sample_width)
            for f in range(first, first + units):
                if dbias.size > 0:
                    dbias[f] = sums[f - first]
                if g.N % g.sample_width > 0:
                    to = (g.N // g.sample_width * g.F + f) * g.sample_width
                    for n in range(to + g.N % g.sample_width, to + g.sample_width):
                        transposed[n] = 0

    return prepare_dense_gradient


@native
def _block_kernel(dtype, rows, unit_vectors, unit_lanes, sample_vectors, sample_lanes, lanes):
    def dense_gradients(chunk, chunks, dims, pointers):
        """A chunk of the tiles of features, a block of them at a time: dkernel for all units, then dx for all samples.

        Registers: the tile. L1: the block's columns of x, copied next to each other, and its rows of W; a panel of dy,
        one tile wide. L2: dy, twice. The last tile may overlap the one before; both find the same sums.
        """
        g = read_dims(dims, DenseGradient)
        x, weights, passed, transposed, features, edges, results, dx, dkernel = read_arrays(pointers, 9, dtype)
        by_units = tile_shape(1, rows, unit_vectors, unit_lanes)
        by_samples = tile_shape(1, rows, sample_vectors, sample_lanes)
        upright = tile_shape(sample_vectors, sample_lanes, 1, rows)
        line = tile_shape(1, 1, 3, lanes)
        unit_width, sample_width, block = unit_vectors * unit_lanes, sample_vectors * sample_lanes, 3 * lanes
        features, edges = scratch_of(features, chunk, chunks), scratch_of(edges, chunk, chunks)
        results = scratch_of(results, chunk, chunks)
        tiles = (g.D + rows - 1) // rows
        end = (chunk + 1) * tiles // chunks * rows
        for start in range(chunk * tiles // chunks * rows, end, block):
            first, last = min(start, g.D - rows), min(start + block, end, g.D)
            width = last - first
            for n in range(g.N):
                if width == block:
                    tile_store(line, tile_load(line, x, n * g.D + first, 0, 0), features, n * width, 0, 0)
                else:
                    copy_run(x, n * g.D + first, features, n * width, width)
            for f in range(0, g.F, unit_width):
                for tile in range(start, last, rows):
                    d = min(tile, g.D - rows)
                    acc = tile_zeros(by_units, x)
                    for n in range(g.N):
                        place = f * g.N + n * unit_width
                        acc = tile_fma(by_units, acc, features, n * width + d - first, 0, 1, passed, place)
                    if f + unit_width <= g.F:
                        tile_store(by_units, acc, dkernel, d * g.F + f, 0, g.F)
                    else:
                        tile_store(by_units, acc, edges, 0, 0, unit_width)
                        for r in range(rows):
                            copy_run(edges, r * unit_width, dkernel, (d + r) * g.F + f, g.F - f)
            if g.wants_dx:
                for n in range(0, g.N, sample_width):
                    for tile in range(start, last, rows):
                        d = min(tile, g.D - rows)
                        acc = tile_zeros(by_samples, x)
                        for f in range(g.F):
                            place = n * g.F + f * sample_width
                            acc = tile_fma(by_samples, acc, weights, d * g.F + f, 0, g.F, transposed, place)
                        values = tile_transpose(by_samples, acc)
                        tile_store(upright, values, results, d - first, sample_lanes * width, width)
                    for r in range(min(sample_width, g.N - n)):
                        if width == block:
                            values = tile_load(line, results, r * width, 0, 0)
                            tile_store(line, values, dx, (n + r) * g.D + first, 0, 0)
                        else:
                            copy_run(results, r * width, dx, (n + r) * g.D + first, width)

    return dense_gradients
