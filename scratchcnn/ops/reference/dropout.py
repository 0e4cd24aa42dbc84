"""Dropout: switch off each number with probability ``rate``, at random, anew in every training step.

What is kept is divided by 1 - rate, so that the expected value of each number stays what it was, and nothing has to
change at inference (Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting").

No mask is stored. Whether element i is kept is computed from (seed, i) by a hash, and the backward pass computes it
again. The hash is half of an output of the splitmix64 generator, whose state is a plain counter: any element can be
asked for first, by any thread (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators").
"""

from __future__ import annotations

import numpy as np


def dropout_forward(x: np.ndarray, rate: float, seed: np.ndarray, y: np.ndarray) -> None:
    """Compute y = x / (1 - rate) where the element is kept, 0 where it is dropped.

    Parameters
    ----------
    x, y : any shape; elements are numbered in C order
    rate : float
        Probability of being dropped, 0 <= rate < 1.
    seed : uint64, (1,)
    """
    y[...] = np.where(_kept(x.shape, rate, int(seed[0])), x * x.dtype.type(1 / (1 - rate)), 0)


def dropout_backward(dy: np.ndarray, rate: float, seed: np.ndarray, dx: np.ndarray) -> None:
    """Compute dx: the same elements are kept, and scaled by the same factor, as in the forward pass with this seed."""
    dropout_forward(dy, rate, seed, dx)


def _kept(shape: tuple[int, ...], rate: float, seed: int) -> np.ndarray:
    """Return for each element whether its uniform random number, a multiple of 2**-32 in [0, 1), is at least ``rate``.

    Those of two neighbours are the lower and the upper half of one output of the generator. No number reaches a rate
    that is still closer to 1; it counts as the largest of them.
    """
    size = int(np.prod(shape, dtype=np.int64))
    outputs = splitmix64(seed, (size + 1) // 2)
    halves = np.stack([outputs & np.uint64(2**32 - 1), outputs >> np.uint64(32)], axis=1)  # (outputs, 2)
    return (halves.reshape(-1)[:size] * 2.0**-32 >= min(rate, 1 - 2.0**-32)).reshape(shape)


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
