"""A convolution's kernel, filter by filter, for whoever multiplies all of it with one filter's gradient.

Each filter has its lines of KW * C numbers side by side, or of KW * lanes where a group of channels is worked on at a
time, with zeros around them: for what a gradient does not reach.
"""

from typing import NamedTuple

from ....types import Array
from ..runtime.arguments import read_arrays, read_dims
from ..runtime.chunks import BLOCK, chunks_for_rows
from ..runtime.compile import native
from ..runtime.launch import run
from ..runtime.scratch import scratch
from .padded_image import zero


class KernelDims(NamedTuple):
    """The integers of a kernel by filter."""

    positions: int  # KH * KW
    KW: int
    C: int
    F: int
    lanes: int
    above: int  # lines of zeros, as many as below
    before: int  # zeros at the beginning of each line
    line: int  # numbers of a line, zeros included


def kernel_by_filter(kernel: Array, lanes: int, above: int = 0, before: int = 0, line: int = 0) -> Array:
    """Return the kernel as (C / lanes, F, above + KH + above, line), ``line`` at least before + KW * lanes."""
    KH, KW, C, F = kernel.shape
    g = KernelDims(KH * KW, KW, C, F, lanes, above, before, line or before + KW * lanes)
    result = scratch("kernel by filter", (C // lanes, F, above + KH + above, g.line), kernel.dtype)
    run(_by_filter_kernel(kernel.dtype), chunks_for_rows(min(F, result.size // BLOCK)), g, kernel, result)
    return result


@native
def _by_filter_kernel(dtype):
    def by_filter(chunk, chunks, dims, pointers):
        """A chunk of the filters, those of a position and channel at once, as they lie in memory."""
        g = read_dims(dims, KernelDims)
        kernel, result = read_arrays(pointers, 2, dtype)
        size = result.size // (g.C // g.lanes * g.F)
        first, last = chunk * g.F // chunks, (chunk + 1) * g.F // chunks
        for group in range(g.C // g.lanes):
            fields = (group * g.F + first) * size
            zero(result[fields : (group * g.F + last) * size])
            for position in range(g.positions):
                place = (g.above + position // g.KW) * g.line + g.before + position % g.KW * g.lanes
                for lane in range(g.lanes):
                    row = (position * g.C + group * g.lanes + lane) * g.F
                    for f in range(first, last):
                        result[fields + (f - first) * size + place + lane] = kernel[row + f]

    return by_filter
