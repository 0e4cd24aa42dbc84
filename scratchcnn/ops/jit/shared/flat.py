"""Flat arrays, each number of which is computed by itself.

Memory is the limit here, not arithmetic. Each chunk works on one stretch of the arrays, from front to back; the
compiler turns such loops into SIMD instructions by itself, since nothing in them depends on the element before.
"""

from ....types import Array
from ..runtime.chunks import BLOCK, chunks_for_rows
from ..runtime.compile import device
from ..runtime.launch import run


def run_flat(address: int, size: int, *operands: Array) -> None:
    """Run a kernel on arrays of ``size`` numbers. It needs no integers: arrays know their sizes."""
    run(address, chunks_for_rows(size // BLOCK), (), *operands)


@device
def chunk_of(chunk, chunks, size):
    """Return the first element of this chunk and the element after its last; chunks meet at cache lines."""
    lines = (size + 15) // 16
    return min(size, chunk * lines // chunks * 16), min(size, (chunk + 1) * lines // chunks * 16)
