"""Random numbers that any thread can ask for in any order: the splitmix64 generator, whose state is a plain counter.

Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
"""

from __future__ import annotations

import numpy as np


def draw_seed(rng: np.random.Generator) -> int:
    """Draw the seed of an operation that is random, in [0, 2**64)."""
    return int(rng.integers(2**64, dtype=np.uint64))


def uniform(seed: int, count: int) -> np.ndarray:
    """Return the first ``count`` random numbers of ``seed``: multiples of 2**-24 in [0, 1), float64."""
    return (splitmix64(seed, count) >> np.uint64(40)) * 2.0**-24  # the 24 highest bits


def splitmix64(seed: int, count: int) -> np.ndarray:
    """Return the first ``count`` outputs of the generator that starts from ``seed``, uint64."""
    z = np.arange(1, count + 1, dtype=np.uint64)  # all arithmetic below wraps at 2**64
    z = np.uint64(seed) + z * np.uint64(0x9E3779B97F4A7C15)  # the counter: steps of 2**64 / golden ratio, made odd
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
