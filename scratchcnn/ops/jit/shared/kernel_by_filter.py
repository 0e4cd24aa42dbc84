"""A convolution's kernel, filter by filter, for whoever multiplies all of it with one filter's gradient.

Each filter has its lines of KW * C numbers side by side, or of KW * group where a group of channels is worked on at a
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
    group: int  # of channels
    above: int  # lines of zeros, as many as below
    before: int  # zeros at the beginning of each line
    line: int  # numbers of a line, zeros included


def kernel_by_filter(kernel: Array, group: int, above: int = 0, before: int = 0, line: int = 0) -> Array:
    """Return the kernel as (C / group, F, above + KH + above, line), ``line`` at least before + KW * group."""
    KH, KW, C, F = kernel.shape
    g = KernelDims(KH * KW, KW, C, F, group, above, before, line or before + KW * group)
    result = scratch("kernel by filter", (C // group, F, above + KH + above, g.line), kernel.dtype)
    run(_by_filter_kernel(kernel.dtype), chunks_for_rows(min(F, result.size // BLOCK)), g, kernel, result)
    return result


@native
def _by_filter_kernel(dtype):
    def by_filter(chunk, chunks, dims, pointers):
        """A chunk of the filters, those of a position and channel at once, as they lie in memory."""
        g = read_dims(dims, KernelDims)
        kernel, result = read_arrays(pointers, 2, dtype)
        size = result.size // (g.C // g.group * g.F)
        first, last = chunk * g.F // chunks, (chunk + 1) * g.F // chunks
        for number in range(g.C // g.group):
            fields = (number * g.F + first) * size
            zero(result[fields : (number * g.F + last) * size])
            for position in range(g.positions):
                place = (g.above + position // g.KW) * g.line + g.before + position % g.KW * g.group
                for c in range(g.group):
                    row = (position * g.C + number * g.group + c) * g.F
                    for f in range(first, last):
                        result[fields + (f - first) * size + place + c] = kernel[row + f]

    return by_filter
