"""Softmax and cross-entropy: row by row of the logits, which are few; the exponentials are what costs."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from .runtime.arguments import array_of, arrays, geometry
from .runtime.kernel import kernel, operation, precision_of, run
from .runtime.launch import row_slices, scratch

ROWS = 128  # rows that are worth waking another thread


class Logits(NamedTuple):
    """The numbers of a loss: samples and classes."""

    N: int
    K: int


@operation
def softmax_forward(logits: np.ndarray, y: np.ndarray) -> None:
    """Compute y[n, k] = exp(logits[n, k]) / sum_j exp(logits[n, j])."""
    N = len(logits)
    losses = scratch("losses", (N,), logits.dtype)
    softmax_cross_entropy_forward(logits, _any_labels(N), 0, y, losses)


@operation
def softmax_cross_entropy_forward(
    logits: np.ndarray, labels: np.ndarray, label_smoothing: float, probabilities: np.ndarray, losses: np.ndarray
) -> None:
    """Compute the cross-entropy of each sample; fill ``probabilities`` with the softmax."""
    scalars = np.array([label_smoothing], logits.dtype)
    run(
        _forward(precision_of(logits.dtype)), row_slices(len(logits) // ROWS), Logits(*logits.shape),
        logits, scalars, probabilities, losses, labels,
    )  # fmt: skip


@lru_cache(maxsize=8)
def _any_labels(N: int) -> np.ndarray:
    return np.zeros(N, np.int64)


@operation
def softmax_cross_entropy_backward(
    probabilities: np.ndarray, labels: np.ndarray, label_smoothing: float, dlogits: np.ndarray
) -> None:
    """Compute dlogits = (p - q) / N, with the target q as in the forward pass."""
    scalars = np.array([label_smoothing], dlogits.dtype)
    run(
        _backward(precision_of(dlogits.dtype)), row_slices(len(labels) // ROWS), Logits(*dlogits.shape),
        probabilities, scalars, dlogits, labels,
    )  # fmt: skip


@cache
def _forward(precision):
    @kernel
    def softmax_cross_entropy_forward(s, slices, numbers, addresses):
        """For each row z - max: p = exp(z) / sum(exp(z)), and the loss log(sum(exp(z))) - sum(q z)."""
        g = geometry(numbers, Logits)
        logits, scalars, probabilities, losses = arrays(addresses, 4, precision)
        labels = array_of(addresses, 4, np.int64, precision)
        smoothing = scalars[0]
        for n in range(s * g.N // slices, (s + 1) * g.N // slices):
            z, p = logits[n * g.K : (n + 1) * g.K], probabilities[n * g.K : (n + 1) * g.K]
            largest = z[0]
            for k in range(1, g.K):
                largest = z[k] if (z[k] > largest) | (z[k] != z[k]) else largest
            total, mean = p.dtype.type(0), p.dtype.type(0)
            for k in range(g.K):
                p[k] = np.exp(z[k] - largest)
                total += p[k]
                mean += (z[k] - largest) / g.K
            for k in range(g.K):
                p[k] /= total
            losses[n] = np.log(total) - (1 - smoothing) * (z[labels[n]] - largest) - smoothing * mean
            if not np.isfinite(losses[n]):  # a masked class, -inf, or logits too far apart to be subtracted whole
                losses[n] = np.log(total)
                for k in range(g.K):
                    q = smoothing / g.K + (1 - smoothing if k == labels[n] else 0)
                    if q > 0:
                        losses[n] -= 2 * (q * (z[k] / 2 - largest / 2))

    return softmax_cross_entropy_forward


@cache
def _backward(precision):
    @kernel
    def softmax_cross_entropy_backward(s, slices, numbers, addresses):
        g = geometry(numbers, Logits)
        probabilities, scalars, dlogits = arrays(addresses, 3, precision)
        labels = array_of(addresses, 3, np.int64, precision)
        smoothing = scalars[0]
        for n in range(s * g.N // slices, (s + 1) * g.N // slices):
            p, gradient = probabilities[n * g.K : (n + 1) * g.K], dlogits[n * g.K : (n + 1) * g.K]
            for k in range(g.K):
                target = smoothing / g.K + (1 - smoothing if k == labels[n] else 0)
                gradient[k] = (p[k] - target) / g.N

    return softmax_cross_entropy_backward
