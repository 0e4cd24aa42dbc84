"""The loops that run a list of kernels: one after the other, the chunks of each shared by the threads.

They take a kernel as the address of its machine code, so they are compiled once, for all kernels. For the same reason
they call numba's threads by themselves, as numba does for a ``prange``: to compile one takes longer than any kernel.

The threads are called together once for the whole list; calling them for each kernel would take longer than a small
kernel does. Each goes through the list by itself. Of every kernel some chunks are its own, the same share of each: what
one kernel wrote, the next finds in the caches of the same core. A thread that is done with its own takes chunks that
others have not begun, because their CPUs have something else to do, and goes on when all chunks of the kernel are done.
So it never waits for a thread that does not run, unless that was interrupted in the middle of a chunk. Which thread ran
a chunk does not change its result.
"""

from functools import partial
from typing import NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..machine.atomics import fetch_add, give_way, load, pause
from .arguments import read_dims
from .compile import INTEGERS, device, native

# A program is a list of kernels: K rows of int64. In each the address of the kernel's machine code, its
# chunks, and the addresses of its dims and operands; and then counters, on cache lines of their own so that who counts
# does not slow another one down: of the chunks that are done, and of those that each thread has begun.
ADDRESS, CHUNKS, DIMS, OPERANDS = range(4)
LINE = 8  # numbers
DONE, BEGUN = LINE, 2 * LINE

PATIENCE = 400  # pauses in all before a thread takes chunks of others, who are probably on the way
SPINS = 2000  # pauses before a thread that waits lets others have its CPU
I32, I64 = ir.IntType(32), ir.IntType(64)


class Threads(NamedTuple):
    """How a program calls numba's threads: how many at most, and the addresses of functions."""

    most: int = 0  # 0 and 1: none
    take_part: int = 0  # the function below, for each thread
    parallel_for: int = 0  # and of numba's threading layer
    get_number: int = 0
    set_number: int = 0


def row_length(threads: int) -> int:
    """Return how many numbers a row of a program has."""
    return BEGUN + threads * LINE


def _call(builder, address, result, arguments):
    """Call the function of the C language at ``address``."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(builder.inttoptr(address, kind.as_pointer()), arguments)


@intrinsic
def _call_kernel(typing, address, chunk, chunks, dims, operands):
    def codegen(context, builder, signature, arguments):
        pointers = [builder.inttoptr(pointer, I64.as_pointer()) for pointer in arguments[3:]]
        _call(builder, arguments[0], ir.VoidType(), [*arguments[1:3], *pointers])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), codegen


@intrinsic
def _number_of_threads(typing, get_number):
    """Return how many threads numba lets this one call: ``numba.get_num_threads``."""

    def codegen(context, builder, signature, arguments):
        return builder.sext(_call(builder, arguments[0], I32, []), I64)

    return types.int64(types.int64), codegen


@intrinsic
def _set_number_of_threads(typing, set_number, count):
    """Let numba call so many for this one: ``numba.set_num_threads``."""

    def codegen(context, builder, signature, arguments):
        _call(builder, arguments[0], ir.VoidType(), [builder.trunc(arguments[1], I32)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), codegen


@intrinsic
def _call_threads(typing, parallel_for, take_part, threads, program, length, first, after_last):
    """Call numba's threads: each gets a number, counted from 1, and the same four others.

    numba wants a loop over arrays: for each array a pointer to its first element, and the step from one to the next.
    Nothing reads what the pointers lead to, so any number will do, but 0, which some of its threading layers leave as
    it is. A step of 1 makes of the first the number of the thread.
    """

    def codegen(context, builder, signature, arguments):
        parallel_for, take_part, threads, program, *shared = arguments
        lists = []
        for numbers in [I64(1), threads, *shared], [threads], [I64(1)] + [I64(0)] * 4:
            lists.append(builder.alloca(I64, len(numbers)))
            for place, number in enumerate(numbers):
                builder.store(number, builder.gep(lists[-1], [I64(place)]))
        operands = [take_part, *lists, program, I64(0), I64(5), builder.trunc(threads, I32)]
        _call(builder, parallel_for, ir.VoidType(), operands)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3, program, *[types.int64] * 3), codegen


@device
def _run_chunk(program, row, chunk):
    _call_kernel(program[row + ADDRESS], chunk, program[row + CHUNKS], program[row + DIMS], program[row + OPERANDS])


@device
def _first_of(thread, threads, chunks):
    """Return the first of a thread's own chunks, which end where those of the next thread begin."""
    return (thread * chunks + threads - 1) // threads


@partial(native, signature=types.void(*[INTEGERS] * 4))
def thread():
    def take_part(shared, count, steps, program):
        """Go through a part of a program as the thread of this number; numba may call it for several at once."""
        threads, length = shared[1], shared[2]
        for me in range(shared[0] - 1, shared[0] - 1 + count[0]):
            waited = 0
            for row in range(shared[3] * length, shared[4] * length, length):
                chunks = program[row + CHUNKS]
                for other in range(threads):
                    owner = me + other if me + other < threads else me + other - threads
                    chunk, end = _first_of(owner, threads, chunks), _first_of(owner + 1, threads, chunks)
                    begun = row + BEGUN + owner * LINE
                    while chunk + load(program, begun) < end:
                        if owner != me and waited < PATIENCE:
                            pause()
                            waited += 1
                            continue
                        mine = chunk + fetch_add(program, begun, 1)
                        if mine < end:
                            _run_chunk(program, row, mine)
                            fetch_add(program, row + DONE, 1)
                spins = 0
                while load(program, row + DONE) < chunks:
                    pause()
                    spins += 1
                    if spins == SPINS:
                        give_way()
                        spins = 0

    return take_part


@native
def loop():
    def run_kernels(kernels, length, program, threads):
        """Run the kernels of a program one after the other, in turn or, by as many threads as there may be, together.

        The threads are called for what lies between the first and the last kernel of several chunks.
        """
        how = read_dims(threads, Threads)
        first, after_last = 0, kernels
        if how.most > 0:
            while first < after_last and program[first * length + CHUNKS] == 1:
                first += 1
            while first < after_last and program[(after_last - 1) * length + CHUNKS] == 1:
                after_last -= 1
        else:
            first = kernels
        for k in range(kernels):
            if k == first:
                for row in range(first * length, after_last * length, length):
                    for place in range(row + LINE, row + length):
                        program[place] = 0
                allowed = _number_of_threads(how.get_number)
                number = min(allowed, how.most)
                _call_threads(how.parallel_for, how.take_part, number, program, length, first, after_last)
                if number < allowed:  # what they have been told counts for the thread that called them, too
                    _set_number_of_threads(how.set_number, allowed)
            if k < first or k >= after_last:
                for chunk in range(program[k * length + CHUNKS]):
                    _run_chunk(program, k * length, chunk)

    return run_kernels
