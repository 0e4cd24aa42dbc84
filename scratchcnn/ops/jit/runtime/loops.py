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
from numba.core import cgutils
from numba.extending import intrinsic

from ..machine.atomics import fetch_add, give_way, load, pause
from ..machine.llvm import I32, I64
from .arguments import read_dims
from .compile import INTEGERS, device, native

# A program is a list of kernels: K rows of int64. In each the address of the kernel's machine code, its chunks, and the
# addresses of its dims and operands; and then counters, on cache lines of their own so that who counts does not slow
# another one down: of the chunks that are done, and of those that each thread has begun.
ADDRESS, CHUNKS, DIMS, OPERANDS = range(4)
LINE = 8  # numbers
DONE, BEGUN = LINE, 2 * LINE
PATIENCE = 400  # pauses in all before a thread takes chunks of others, who are probably on the way
SPINS = 2000  # pauses before a thread that waits lets others have its CPU


class Threads(NamedTuple):
    """How a program calls numba's threads: how many at most, and the addresses of functions."""

    most: int = 0  # 0: none
    take_part: int = 0  # the function below, for each thread
    parallel_for: int = 0  # and of numba's threading layer
    get_number: int = 0
    set_number: int = 0


def row_length(threads: int) -> int:
    """Return how many numbers a row of a program has."""
    return BEGUN + threads * LINE


@intrinsic
def _call(typing, address, *arguments):
    """Call the function of the C language at ``address``, and return its result, an int, if it has one."""

    def codegen(context, builder, signature, operands):
        values = cgutils.unpack_tuple(builder, operands[1])
        function = ir.FunctionType(I32, [value.type for value in values]).as_pointer()
        return builder.sext(builder.call(builder.inttoptr(operands[0], function), values), I64)

    return types.int64(address, types.Tuple([types.unliteral(argument) for argument in arguments])), codegen


@intrinsic
def _list(typing, *numbers):
    """Return a pointer to a list of int64, which is there until the function that calls this returns."""

    def codegen(context, builder, signature, operands):
        memory = builder.alloca(operands[0].type)
        builder.store(operands[0], memory)
        return builder.bitcast(memory, I64.as_pointer())

    return INTEGERS(types.UniTuple(types.int64, len(numbers))), codegen


@device
def _run_chunk(program, row, chunk):
    _call(program[row + ADDRESS], chunk, program[row + CHUNKS], program[row + DIMS], program[row + OPERANDS])


@device
def _first_of(thread, threads, chunks):
    """Return the first of a thread's own chunks, which end where those of the next thread begin."""
    return (thread * chunks + threads - 1) // threads


@partial(native, signature=types.void(*[INTEGERS] * 4))
def thread():
    def take_part(shared, count, steps, program):
        """Go through a part of a program as the ``count[0]`` threads from number ``shared[0]`` on, counted from 1."""
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
        """Run the kernels of a program, those between the first and the last of several chunks by all threads."""
        how = read_dims(threads, Threads)
        first, after_last = 0 if how.most > 0 else kernels, kernels
        while first < after_last and program[first * length + CHUNKS] == 1:
            first += 1
        while first < after_last and program[(after_last - 1) * length + CHUNKS] == 1:
            after_last -= 1
        for k in range(kernels):
            if k == first:
                for row in range(first * length, after_last * length, length):
                    for counter in range(row + LINE, row + length):
                        program[counter] = 0
                allowed = _call(how.get_number)
                number = min(allowed, how.most)
                # numba wants a loop over arrays, of each the address and the step from one element to the next. It does
                # not read them, so any integer will do, but 0. The step of 1 makes of the first the thread's number.
                shared, steps = _list(1, number, length, first, after_last), _list(1, 0, 0, 0, 0)
                _call(how.parallel_for, how.take_part, shared, _list(number), steps, program, 0, 5, number)
                _call(how.set_number, allowed)  # what its threads are told, numba tells this one, too
            if k < first or k >= after_last:
                for chunk in range(program[k * length + CHUNKS]):
                    _run_chunk(program, k * length, chunk)

    return run_kernels
