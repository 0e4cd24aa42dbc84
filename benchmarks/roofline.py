"""What the machine itself can do: multiply-adds per second in registers, and bytes per second from memory.

No kernel can be faster than both limits allow (Williams, Waterman & Patterson, "Roofline: an insightful visual
performance model", CACM 52(4), 2009). Both are measured with loops that do nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import machine
import numba
import numpy as np
from llvmlite import ir
from numba import njit, prange, types
from numba.core import cgutils
from numba.extending import intrinsic

CHAINS = 16  # independent sums: a multiply-add takes about 4 cycles and at most 2 start in each, so 8 would just do
FMA_ROUNDS = 2_000_000
CACHE_BYTES, MEMORY_BYTES = 8 << 20, 256 << 20  # of arrays that lie in the last cache, and far outside of it


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


def _multiply_add_kernel(chains: int, lanes: int) -> Callable[..., None]:
    @njit(parallel=True)
    def kernel(rounds, factor, results):
        for thread in prange(results.size):
            results[thread] = _multiply_add_loop(chains, lanes, rounds, factor, factor)

    return kernel


@njit
def _sum(array):
    total = 0
    for value in array:  # of whole numbers: their order does not matter, so LLVM makes SIMD instructions of it
        total += value
    return total


@njit(parallel=True)
def _read(array, sums):
    share = array.size // sums.size
    for thread in prange(sums.size):
        sums[thread] = _sum(array[thread * share : (thread + 1) * share])


def multiply_adds(threads: int) -> tuple[Callable[[int], float], float]:
    """Return ``run(steps)``, the seconds of one step of the register-only loop, and the GFLOP of one step."""
    numba.set_num_threads(threads)
    _, lanes = machine.vector_width()
    kernel = _multiply_add_kernel(CHAINS, lanes)
    results = np.empty(threads, np.float32)

    def run(steps: int) -> float:
        start = perf_counter()
        for _ in range(steps):
            kernel(FMA_ROUNDS, np.float32(0.5), results)
        return (perf_counter() - start) / steps

    return run, 2e-9 * CHAINS * lanes * FMA_ROUNDS * threads


def reading(threads: int, size: int) -> tuple[Callable[[int], float], float]:
    """Return ``run(steps)``, the seconds of reading an array of ``size`` bytes once, and its gigabytes."""
    array, sums = np.ones(size // 8, np.int64), np.empty(threads, np.int64)

    def run(steps: int) -> float:
        start = perf_counter()
        for _ in range(steps):
            _read(array, sums)
        return (perf_counter() - start) / steps

    return run, array.nbytes * 1e-9
