"""How work is cut into chunks.

A kernel runs its *chunks* in parallel. Where a chunk only writes results of its own, there are as many chunks as
threads. Where chunks sum into the same result (the gradient of a kernel sums over the batch), each accumulates partial
sums in scratch memory of its own, their number depends on nothing but the shapes, and the partial sums are added in
order: floating-point addition is not associative, and the same seed shall give the same bits on any number of threads.
"""

from .compile import device
from .cpus import most_threads

WORK = 25_000  # multiplications, 0.2 to 0.5 us of a fast core: below this a second thread does not pay
BLOCK = 16384  # elements to copy, or to compute one by one: below this a second thread does not pay
REDUCTION_CHUNKS = 8  # chunks of a sum over the batch; also the most threads that such a sum can use
REDUCTION_BYTES = 64 << 20  # scratch memory that they may take together


def chunks_for_rows(rows: int) -> int:
    """Return the number of chunks for ``rows`` independent pieces of work: one for each thread that may exist."""
    return max(1, min(rows, most_threads()))


def chunks_for_work(rows: int, multiplications: int) -> int:
    """Return the number of chunks for ``rows`` independent pieces of work, one where they are little in all."""
    return chunks_for_rows(min(rows, multiplications // WORK))


def chunks_of_reduction(rows: int, bytes_each: int) -> int:
    """Return the number of chunks for a sum over ``rows``: from the shapes alone, never from the threads."""
    return max(1, min(rows, REDUCTION_CHUNKS, REDUCTION_BYTES // max(1, bytes_each)))


def round_up(extent: int, step: int) -> int:
    """Return the smallest multiple of ``step`` that is at least ``extent``."""
    return -(-extent // step) * step


@device
def chunk_range(total, chunk, chunks):
    """Return the range of those of ``total`` pieces of work that are in this chunk."""
    return range(chunk * total // chunks, (chunk + 1) * total // chunks)


@device
def part_of(memory, chunk, chunks):
    """Return the part of an array that is this chunk's own: of scratch memory for (chunks, ...) numbers."""
    size = memory.size // chunks
    return memory[chunk * size : (chunk + 1) * size]
