"""What the machine itself can do: multiply-adds per second in registers, and bytes per second from and to memory.

No kernel can be faster than both limits allow (Williams, Waterman & Patterson, "Roofline: an insightful visual
performance model", CACM 52(4), 2009). Both are measured with loops that do nothing else, in several forms, of which the
fastest counts: a limit that a kernel passes is none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import machine
import numba
import numpy as np
from llvmlite import ir
from numba import njit, prange, types
from numba.core import cgutils
from numba.extending import intrinsic

# Independent sums of the register loop. A multiply-add takes 4 or 5 cycles, and 2 or 4 can start in each (2 on x86, 4
# on Apple's cores), so from 8, 10 or 16 sums on none waits for the one before. The sums and two operands must be
# registers: x86 has 16 without AVX-512, which 12 sums leave room in, and all others have 32.
CHAINS = (12, 24)
FMA_ROUNDS = 2_000_000
CLOCK_ROUNDS, CLOCK_ADDITIONS = 1_000_000, 16
CACHE_BYTES, MEMORY_BYTES = 8 << 20, 256 << 20  # of arrays that lie in the last cache, and far outside of it

Run = Callable[[int], float]


@dataclass(frozen=True)
class Probe:
    """A loop that does one thing only: ``run(steps)`` are the seconds of one step, and ``amount`` what it does."""

    run: Run
    amount: float  # 1e9 operations, bytes or cycles


@intrinsic(prefer_literal=True)
def _multiply_add_loop(typing, chains, lanes, rounds, factor, term):
    """Repeat sum = sum * factor + term in ``chains`` SIMD registers of ``lanes`` float32; return all sums added up."""
    count, width = chains.literal_value, lanes.literal_value

    def codegen(context, builder, signature, arguments):
        vector = ir.VectorType(ir.FloatType(), width)
        undefined, lane = ir.Constant(vector, ir.Undefined), ir.IntType(32)
        first_lane = ir.Constant(ir.VectorType(lane, width), None)
        a, b = (
            builder.shuffle_vector(builder.insert_element(undefined, scalar, lane(0)), undefined, first_lane)
            for scalar in arguments[3:5]
        )
        kind = ir.FunctionType(vector, [vector] * 3)
        fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{width}f32")
        sums = [cgutils.alloca_once_value(builder, b) for _ in range(count)]  # LLVM moves these to registers
        with cgutils.for_range(builder, arguments[2]):
            for variable in sums:
                builder.store(builder.call(fma, [builder.load(variable), a, b]), variable)
        total = builder.load(sums[0])
        for variable in sums[1:]:
            total = builder.fadd(total, builder.load(variable))
        result = ir.Constant(ir.FloatType(), 0.0)
        for place in range(width):
            result = builder.fadd(result, builder.extract_element(total, lane(place)))
        return result

    return types.float32(chains, lanes, types.int64, types.float32, types.float32), codegen


@intrinsic
def _addition_loop(typing, rounds, term):
    """Add ``term`` again and again, each addition waiting for the one before: a cycle each, on every CPU."""

    def codegen(context, builder, signature, arguments):
        integer = ir.IntType(64)
        opaque = ir.InlineAsm(ir.FunctionType(integer, [integer]), "", "=r,0", side_effect=True)  # hides the sum
        total = cgutils.alloca_once_value(builder, integer(0))
        with cgutils.for_range(builder, arguments[0]):
            value = builder.load(total)
            for _ in range(CLOCK_ADDITIONS):
                value = builder.call(opaque, [builder.add(value, arguments[1])])
            builder.store(value, total)
        return builder.load(total)

    return types.int64(types.int64, types.int64), codegen


@njit
def _additions(rounds, term):
    return _addition_loop(rounds, term)


def _multiply_add_kernel(chains: int, lanes: int) -> Callable[..., None]:
    @njit(parallel=True)
    def kernel(rounds, factor, results):
        for thread in prange(results.size):
            results[thread] = _multiply_add_loop(chains, lanes, rounds, factor, factor)

    return kernel


@njit(fastmath=True)
def _sum(x):
    total = np.float32(0)
    for value in x:
        total += value
    return total


@njit
def _copy(x, y):
    for i in range(x.size):
        y[i] = x[i]


@njit(fastmath=True)
def _halve(x):
    for i in range(x.size):
        x[i] = x[i] * np.float32(0.5)


@njit(parallel=True)
def _read(x, y, sums):
    share = x.size // sums.size
    for thread in prange(sums.size):
        sums[thread] = _sum(x[thread * share : (thread + 1) * share])


@njit(parallel=True)
def _read_and_write(x, y, sums):
    share = x.size // sums.size
    for thread in prange(sums.size):
        _copy(x[thread * share : (thread + 1) * share], y[thread * share : (thread + 1) * share])


@njit(parallel=True)
def _update(x, y, sums):
    share = x.size // sums.size
    for thread in prange(sums.size):
        _halve(x[thread * share : (thread + 1) * share])


def _timed(call: Callable[..., object], *arguments: object) -> Run:
    def run(steps: int) -> float:
        start = perf_counter()
        for _ in range(steps):
            call(*arguments)
        return (perf_counter() - start) / steps

    return run


def multiply_adds(threads: int) -> dict[str, Probe]:
    """Return the register-only loop with each number of sums; their amounts are GFLOP."""
    numba.set_num_threads(threads)
    _, lanes = machine.vector_width()
    probes = {}
    for chains in CHAINS:
        arguments = FMA_ROUNDS, np.float32(0.5), np.empty(threads, np.float32)
        amount = 2e-9 * chains * lanes * FMA_ROUNDS * threads
        probes[f"{chains} sums"] = Probe(_timed(_multiply_add_kernel(chains, lanes), *arguments), amount)
    return probes


def clock() -> Probe:
    """Return a loop of additions that take a cycle each, on one thread; its amount is 1e9 cycles."""
    return Probe(_timed(_additions, CLOCK_ROUNDS, 1), 1e-9 * CLOCK_ROUNDS * CLOCK_ADDITIONS)


def moving(threads: int, size: int) -> dict[str, Probe]:
    """Return loops that read, copy and update arrays of ``size`` bytes together; their amounts are gigabytes."""
    sums, x = np.empty(threads, np.float32), np.ones(size // 4, np.float32)
    half = x.size // 2
    return {
        "read": Probe(_timed(_read, x, x, sums), 1e-9 * size),
        "copied": Probe(_timed(_read_and_write, x[:half], x[half:], sums), 1e-9 * size),
        "updated": Probe(_timed(_update, np.ones(size // 4, np.float32), x, sums), 2e-9 * size),
    }
