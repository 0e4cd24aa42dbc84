"""Dropout: switch off each number with probability ``rate``, at random, anew in every training step.

What is kept is divided by 1 - rate, so that the expected value of each number stays what it was, and nothing has to
change at inference (Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting").

No mask is stored. Whether element i is kept is computed from (seed, i) by a hash, and the backward pass computes it
again. The hash is half of an output of the splitmix64 generator (``random.py``).
"""

from __future__ import annotations

import numpy as np

from .random import splitmix64


def dropout_forward(x: np.ndarray, rate: float, seed: int) -> np.ndarray:
    """Compute y = x / (1 - rate) where the element is kept, 0 where it is dropped.

    Parameters
    ----------
    x : any shape; elements are numbered in C order
    rate : float
        Probability of being dropped, 0 <= rate < 1.
    seed : int
        0 <= seed < 2**64.
    """
    return np.where(_kept(x.shape, rate, seed), x * x.dtype.type(1 / (1 - rate)), 0)


def dropout_backward(dy: np.ndarray, rate: float, seed: int) -> np.ndarray:
    """Compute dx: the same elements are kept, and scaled by the same factor, as in the forward pass with this seed."""
    return dropout_forward(dy, rate, seed)


def _kept(shape: tuple[int, ...], rate: float, seed: int) -> np.ndarray:
    """Return for each element whether its uniform random number, a multiple of 2**-32 in [0, 1), is at least ``rate``.

    Those of two neighbours are the lower and the upper half of one output of the generator. No number reaches a rate
    that is still closer to 1; it counts as the largest of them.
    """
    size = int(np.prod(shape, dtype=np.int64))
    outputs = splitmix64(seed, (size + 1) // 2)
    halves = np.stack([outputs & np.uint64(2**32 - 1), outputs >> np.uint64(32)], axis=1)  # (outputs, 2)
    return (halves.reshape(-1)[:size] * 2.0**-32 >= min(rate, 1 - 2.0**-32)).reshape(shape)
