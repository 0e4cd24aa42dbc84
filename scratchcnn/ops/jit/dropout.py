"""Dropout, number by number; which are kept is in ``reference/dropout.py``."""

import math

import numpy as np

from ...types import Array
from .runtime.arguments import read_array, read_arrays
from .runtime.compile import native
from .runtime.launch import exclusive
from .shared.flat import chunk_of, run_flat
from .shared.random import STEP, Seed, as_operand, mix

PAIRS = 256  # of elements, whose random bits are made at a time


@exclusive
def dropout_forward(x: Array, rate: float, seed: Seed, *, out: Array) -> None:
    """Compute y = x / (1 - rate) for the elements that ``seed`` keeps, and 0 for the others."""
    scale = np.array([1 / (1 - rate)], x.dtype)
    threshold = np.array([min(math.ceil(rate * 2**32), 2**32 - 1)], np.uint32)
    run_flat(_dropout(x.dtype), x.size, x, scale, out, as_operand(seed), threshold)


@exclusive
def dropout_backward(dy: Array, rate: float, seed: Seed, *, out: Array) -> None:
    """Compute dx = dy / (1 - rate) for the elements that ``seed`` keeps, and 0 for the others."""
    dropout_forward(dy, rate, seed, out=out)


@native
def _dropout(dtype):
    def dropout(chunk, chunks, dims, pointers):
        """Element i is kept where half of output i // 2 of the splitmix64 generator reaches the threshold.

        The outputs are made for a few hundred elements at a time, in L1, where they are then read as twice as many
        numbers of 32 bits. Two multiplications of 64 bits for each pair of elements are what takes the time.
        """
        x, scales, y = read_arrays(pointers, 3, dtype)
        seed = read_array(pointers, 3, np.uint64)[0]
        threshold, scale = read_array(pointers, 4, np.uint32)[0], scales[0]
        outputs = np.empty(PAIRS, np.uint64)
        halves = outputs.view(np.uint32)  # the lower one first: the CPUs that numba compiles for are little-endian
        first, last = chunk_of(chunk, chunks, y.size)
        steps = np.empty(PAIRS, np.uint64)
        for i in range(PAIRS):
            steps[i] = (np.uint64(i) + np.uint64(1)) * STEP
        for start in range(first, last, 2 * PAIRS):
            state = seed + np.uint64(start // 2) * STEP
            for i in range(PAIRS):
                outputs[i] = mix(state + steps[i])
            stop = min(start + 2 * PAIRS, last)
            values, results = x[start:stop], y[start:stop]
            for i in range(results.size):
                results[i] = values[i] * scale if halves[i] >= threshold else 0

    return dropout
