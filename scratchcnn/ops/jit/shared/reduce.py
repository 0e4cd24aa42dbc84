"""Reduction of per-chunk partial sums: each chunk has summed a part of the batch, and the parts are added in order.

The gradient of a convolution's kernel and that of its bias are summed side by side, in one stretch of scratch memory
for each chunk, in the order and with the padding that suit the tiles; the last kernel adds the stretches and writes the
totals where they belong.
"""

from typing import NamedTuple

from ....types import Array
from ..machine.tile import copy_run, tile_shape
from ..runtime.arguments import or_empty, read_arrays, read_dims
from ..runtime.chunks import WORK, chunk_range, chunks_for_rows
from ..runtime.compile import device, native
from ..runtime.launch import run
from .transpose import block_lanes, transpose_band


class KernelSums(NamedTuple):
    """The integers of a kernel's gradient, (lines, depth, F) = (KH, KW*C, F), as it lies in the chunks' sums."""

    chunks: int
    size: int  # of one chunk's sums
    lines: int
    depth: int
    F: int
    padded_depth: int
    columns: int  # F, padded


def add_kernel_chunks(
    sums: Array, padded_depth: int, columns: int, dkernel: Array, dbias: Array | None, by_filter: bool = False
) -> None:
    """Compute dkernel and dbias (unless None) from (KH, padded_depth, columns) and (columns,) sums of each chunk.

    With ``by_filter`` the sums are (F, KH, padded_depth) and (F,), and ``columns`` is F.
    """
    KH, KW, C, F = dkernel.shape
    g = KernelSums(len(sums), sums.shape[1], KH, KW * C, F, padded_depth, columns)
    lanes = block_lanes(sums.dtype)
    chunks = chunks_for_rows(min(-(-F // lanes) if by_filter else KH, sums.size // WORK))
    run(_add_kernels(sums.dtype, lanes, by_filter), chunks, g, sums, dkernel, or_empty(dbias, sums.dtype))


@device
def add_stretch(sums, rows, size, first, last):
    """Add elements first to last of all rows of ``size`` elements to those of the first row, in order."""
    total = sums[first:last]
    for row in range(1, rows):
        more = sums[row * size + first : row * size + last]
        for i in range(total.size):
            total[i] += more[i]


@native
def _add_kernels(dtype, lanes, by_filter):
    def add_kernels(chunk, chunks, dims, pointers):
        """A chunk of the kernel's lines: add them, then copy what is not padding. The first chunk adds the bias too.

        ``by_filter``, a constant of the code: a chunk of the bands of ``lanes`` filters; add them, then transpose.
        Registers: a block of lanes x lanes numbers. L1: the sums of a band.
        """
        g = read_dims(dims, KernelSums)
        sums, dkernel, dbias = read_arrays(pointers, 3, dtype)
        size = g.lines * g.padded_depth
        if by_filter:
            block = tile_shape(1, lanes, 1, lanes)
            for band in chunk_range((g.F + lanes - 1) // lanes, chunk, chunks):
                f = band * lanes
                filters = min(lanes, g.F - f)
                add_stretch(sums, g.chunks, g.size, f * size, (f + filters) * size)
                for line in range(g.lines):
                    place, to = f * size + line * g.padded_depth, line * g.depth * g.F + f
                    transpose_band(block, lanes, sums, place, size, filters, g.depth, dkernel, to, g.F)
        else:
            first, last = chunk * g.lines // chunks, (chunk + 1) * g.lines // chunks
            add_stretch(sums, g.chunks, g.size, first * g.padded_depth * g.columns, last * g.padded_depth * g.columns)
            for line in range(first, last):
                for k in range(g.depth):
                    copy_run(sums, (line * g.padded_depth + k) * g.columns, dkernel, (line * g.depth + k) * g.F, g.F)
        if chunk == 0 and dbias.size > 0:
            add_stretch(sums, g.chunks, g.size, size * g.columns, size * g.columns + g.F)
            copy_run(sums, size * g.columns, dbias, 0, g.F)

    return add_kernels
