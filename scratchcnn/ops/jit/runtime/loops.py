"""The loops that run a list of kernels: one after the other, the chunks of each shared by the threads.

They take a kernel as the address of its machine code. So numba's machinery for parallel loops, which takes longer to
compile than the kernels themselves, is compiled once, for all of them.

The threads are called together once for the whole list; calling them for each kernel would take longer than a small
kernel does. Each goes through the list by itself. Of every kernel some chunks are its own, the same share of each: what
one kernel wrote, the next finds in the caches of the same core. A thread that is done with its own takes chunks that
others have not begun, because their CPUs have something else to do, and goes on when all chunks of the kernel are done.
So it never waits for a thread that does not run, unless that was interrupted in the middle of a chunk. Which thread ran
a chunk does not change its result.
"""

from functools import partial

from llvmlite import ir
from numba import njit, prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from ..machine.atomics import fetch_add, give_way, load, pause
from .cache import OPTIONS, cached

# A program is a list of kernels: an int64 array of K rows. In each the address of the kernel's machine code, its
# chunks, and the addresses of its dims and operands; and then counters, on cache lines of their own so that who counts
# does not slow another one down: of the chunks that are done, and of those that each thread has begun.
ADDRESS, CHUNKS, DIMS, OPERANDS = range(4)
LINE = 8  # numbers
DONE, BEGUN = LINE, 2 * LINE

PATIENCE = 400  # pauses in all before a thread takes chunks of others, who are probably on the way
SPINS = 2000  # pauses before a thread that waits lets others have its CPU


def row_length(threads: int) -> int:
    """Return how many numbers a row of a program has."""
    return BEGUN + threads * LINE


@intrinsic
def _call(typing, address, chunk, chunks, dims, operands):
    """Call the machine code at ``address`` as a kernel."""

    def codegen(context, builder, signature, arguments):
        integer = ir.IntType(64)
        function, chunk, chunks, *pointers = arguments
        kernel_type = ir.FunctionType(ir.VoidType(), [integer, integer, integer.as_pointer(), integer.as_pointer()])
        addresses = [builder.inttoptr(pointer, integer.as_pointer()) for pointer in pointers]
        builder.call(builder.inttoptr(function, kernel_type.as_pointer()), [chunk, chunks, *addresses])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), codegen


@intrinsic
def _numba_threads(typing):
    """Return how many threads numba lets this one call: ``numba.get_num_threads``, in a form that can be cached."""

    def codegen(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(64), [])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, "get_num_threads"), [])

    return types.int64(), codegen


@intrinsic
def _set_numba_threads(typing, count):
    """Let numba call so many for this one: ``numba.set_num_threads``, in a form that can be cached."""

    def codegen(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(32)])
        function = cgutils.get_or_insert_function(builder.module, kind, "set_num_threads")
        builder.call(function, [builder.trunc(arguments[0], ir.IntType(32))])
        return context.get_dummy_value()

    return types.void(types.int64), codegen


@njit(**OPTIONS)
def _run_chunk(program, k, chunk):
    _call(program[k, ADDRESS], chunk, program[k, CHUNKS], program[k, DIMS], program[k, OPERANDS])


@njit(**OPTIONS)
def _run_alone(program, first, after_last):
    for k in range(first, after_last):
        for chunk in range(program[k, CHUNKS]):
            _run_chunk(program, k, chunk)


@njit(**OPTIONS)
def _first_of(thread, threads, chunks):
    """Return the first of a thread's own chunks, which end where those of the next thread begin."""
    return (thread * chunks + threads - 1) // threads


@njit(**OPTIONS)
def _take_part(program, first, after_last, me, threads):
    """Go through a part of a program as thread ``me``."""
    waited, flat = 0, program.reshape(-1)
    for k in range(first, after_last):
        row, chunks = k * program.shape[1], program[k, CHUNKS]
        for other in range(threads):
            owner = me + other if me + other < threads else me + other - threads
            chunk, end = _first_of(owner, threads, chunks), _first_of(owner + 1, threads, chunks)
            begun = row + BEGUN + owner * LINE
            while chunk + load(flat, begun) < end:
                if owner != me and waited < PATIENCE:
                    pause()
                    waited += 1
                    continue
                mine = chunk + fetch_add(flat, begun, 1)
                if mine < end:
                    _run_chunk(program, k, mine)
                    fetch_add(flat, row + DONE, 1)
        spins = 0
        while load(flat, row + DONE) < chunks:
            pause()
            spins += 1
            if spins == SPINS:
                give_way()
                spins = 0


@njit(**OPTIONS)
def _shared_part(program):
    """Return where the part that threads share begins and ends, and clear its counters."""
    first, after_last = 0, len(program)
    while first < after_last and program[first, CHUNKS] == 1:
        first += 1
    while first < after_last and program[after_last - 1, CHUNKS] == 1:
        after_last -= 1
    program[first:after_last, LINE:] = 0
    return first, after_last


def run_in_turn(program):
    """Run the kernels of a program one after the other on this thread."""
    _run_alone(program, 0, len(program))


def run_together(program, most):
    """Run the kernels of a program one after the other, their chunks shared by ``most`` threads, or numba's if fewer.

    The threads are called for what lies between the first and the last kernel of several chunks. What stands here
    beside the ``prange`` takes numba long to compile, therefore it is little.
    """
    first, after_last = _shared_part(program)
    allowed = _numba_threads()
    threads = min(allowed, most)
    _run_alone(program, 0, first)
    if threads < allowed:
        _set_numba_threads(threads)
    for me in prange(threads):
        _take_part(program, first, after_last, me, threads)
    if threads < allowed:
        _set_numba_threads(allowed)
    _run_alone(program, after_last, len(program))


run_in_turn = cached(partial(njit, nogil=True), run_in_turn)
run_together = cached(partial(njit, nogil=True, parallel=True), run_together)
