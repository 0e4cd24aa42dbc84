"""Softmax and cross-entropy: row by row of the logits, which are few; the exponentials are what costs."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...types import Array
from .runtime.arguments import read_array, read_arrays, read_dims
from .runtime.chunks import chunk_range, chunks_for_rows
from .runtime.compile import native
from .runtime.launch import exclusive, run
from .runtime.scratch import scratch

ROWS = 128  # rows that are worth waking another thread


class Logits(NamedTuple):
    """The integers of a loss: samples and classes."""

    N: int
    K: int


@exclusive
def softmax_forward(logits: Array, *, out: Array) -> None:
    """Compute y[n, k] = exp(logits[n, k]) / sum_j exp(logits[n, j])."""
    N = len(logits)
    softmax_cross_entropy_forward(logits, _any_labels(N), 0, out=(out, scratch("losses", (N,), logits.dtype)))


@exclusive
def softmax_cross_entropy_forward(
    logits: Array, labels: Array, label_smoothing: float, *, out: tuple[Array, Array]
) -> None:
    """Compute the softmax, and the cross-entropy of each sample."""
    _run(_forward(logits.dtype), logits, np.array([label_smoothing], logits.dtype), *out, labels)


@exclusive
def softmax_cross_entropy_backward(probabilities: Array, labels: Array, label_smoothing: float, *, out: Array) -> None:
    """Compute dlogits = (p - q) / N, with the target q as in the forward pass."""
    _run(_backward(out.dtype), probabilities, np.array([label_smoothing], out.dtype), out, labels)


def _run(address: int, rows: Array, *operands: Array) -> None:
    run(address, chunks_for_rows(len(rows) // ROWS), Logits(*rows.shape), rows, *operands)


@lru_cache(maxsize=8)
def _any_labels(N: int) -> Array:
    return np.zeros(N, np.int64)


@native
def _forward(dtype):
    def softmax_cross_entropy_forward(chunk, chunks, dims, pointers):
        """For each row z - max: p = exp(z) / sum(exp(z)), and the loss log(sum(exp(z))) - sum(q z)."""
        g = read_dims(dims, Logits)
        logits, scalars, probabilities, losses = read_arrays(pointers, 4, dtype)
        labels = read_array(pointers, 4, np.int64)
        smoothing = scalars[0]
        for n in chunk_range(g.N, chunk, chunks):
            z, p = logits[n * g.K : (n + 1) * g.K], probabilities[n * g.K : (n + 1) * g.K]
            largest = z[0]
            for k in range(1, g.K):
                largest = z[k] if (z[k] > largest) | (z[k] != z[k]) else largest
            total, mean = p.dtype.type(0), p.dtype.type(0)
            exact = 0.0  # the same total: of 1 + a small number, float32 would lose what the logarithm is made of
            for k in range(g.K):
                p[k] = np.exp(z[k] - largest)
                total += p[k]
                exact += np.float64(p[k])
                mean += (z[k] - largest) / g.K
            for k in range(g.K):
                p[k] /= total
            losses[n] = np.log(exact) - (1 - smoothing) * (z[labels[n]] - largest) - smoothing * mean
            if not np.isfinite(losses[n]):  # a masked class, -inf, or logits too far apart to be subtracted whole
                losses[n] = np.log(exact)
                for k in range(g.K):
                    q = smoothing / g.K + (1 - smoothing if k == labels[n] else 0)
                    if q > 0:
                        losses[n] -= 2 * (q * (z[k] / 2 - largest / 2))

    return softmax_cross_entropy_forward


@native
def _backward(dtype):
    def softmax_cross_entropy_backward(chunk, chunks, dims, pointers):
        g = read_dims(dims, Logits)
        probabilities, scalars, dlogits = read_arrays(pointers, 3, dtype)
        labels = read_array(pointers, 3, np.int64)
        smoothing = scalars[0]
        for n in chunk_range(g.N, chunk, chunks):
            p, gradient = probabilities[n * g.K : (n + 1) * g.K], dlogits[n * g.K : (n + 1) * g.K]
            for k in range(g.K):
                target = smoothing / g.K + (1 - smoothing if k == labels[n] else 0)
                gradient[k] = (p[k] - target) / g.N

    return softmax_cross_entropy_backward
