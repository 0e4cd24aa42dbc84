"""Cross-entropy where the target is a distribution, row by row of the logits."""

import numpy as np

from ...types import Array
from .losses import ROWS, Logits
from .runtime.arguments import read_array, read_arrays, read_dims
from .runtime.chunks import chunk_range, chunks_for_rows
from .runtime.compile import device, native
from .runtime.launch import exclusive, run


@exclusive
def class_targets(classes: Array, class_weights: Array, ignored: int, *, out: tuple[Array, Array]) -> None:
    """Write class numbers as one-hot rows (N, K), and how much each sample counts (N,)."""
    number = np.array([ignored], np.int64)
    _run(_class_targets(class_weights.dtype), out[0], class_weights, *out, classes, number)


@exclusive
def soft_cross_entropy_forward(
    logits: Array, targets: Array, class_weights: Array, label_smoothing: float, *, out: tuple[Array, Array]
) -> None:
    """Compute the softmax, and the weighted cross-entropy of each sample."""
    smoothing = np.array([label_smoothing], logits.dtype)
    _run(_forward(logits.dtype), logits, logits, targets, class_weights, smoothing, *out)


@exclusive
def soft_cross_entropy_backward(
    probabilities: Array, targets: Array, class_weights: Array, weights: Array, label_smoothing: float, *, out: Array
) -> None:
    """Compute dlogits, of the sum of the losses divided by the sum of the weights."""
    smoothing = np.array([label_smoothing], out.dtype)
    _run(_backward(out.dtype), out, probabilities, targets, class_weights, weights, smoothing, out)


def _run(address: int, rows: Array, *operands: Array) -> None:
    run(address, chunks_for_rows(len(rows) // ROWS), Logits(*rows.shape), *operands)


@native
def _class_targets(dtype):
    def class_targets(chunk, chunks, dims, pointers):
        g = read_dims(dims, Logits)
        class_weights, targets, weights = read_arrays(pointers, 3, dtype)
        classes, numbers = read_array(pointers, 3, np.int64), read_array(pointers, 4, np.int64)
        for n in chunk_range(g.N, chunk, chunks):
            label = classes[n]
            targets[n * g.K : (n + 1) * g.K] = 0
            weights[n] = 0
            if (label != numbers[0]) & (label >= 0) & (label < g.K):
                targets[n * g.K + label] = 1
                weights[n] = class_weights[label]

    return class_targets


@device
def wanted(q, class_weights, smoothing, u):
    """Write u = class_weights ((1 - smoothing) q + smoothing mean(q)) of a row; return its sum."""
    total, result = q.dtype.type(0), q.dtype.type(0)
    for k in range(q.size):
        total += q[k]
    for k in range(q.size):
        u[k] = class_weights[k] * ((1 - smoothing) * q[k] + smoothing * total / q.size)
        result += u[k]
    return result


@native
def _forward(dtype):
    def soft_cross_entropy_forward(chunk, chunks, dims, pointers):
        """For each row z - max: p = exp(z) / sum(exp(z)), and the loss sum(u) log(sum(exp(z))) - sum(u z)."""
        g = read_dims(dims, Logits)
        logits, targets, class_weights, scalars, probabilities, losses = read_arrays(pointers, 6, dtype)
        for n in chunk_range(g.N, chunk, chunks):
            row = slice(n * g.K, (n + 1) * g.K)
            z, p = logits[row], probabilities[row]
            wanted(targets[row], class_weights, scalars[0], p)  # u, until p is known
            largest = z[0]
            for k in range(1, g.K):
                largest = z[k] if (z[k] > largest) | (z[k] != z[k]) else largest
            total, exact = p.dtype.type(0), 0.0
            for k in range(g.K):
                power = np.exp(z[k] - largest)
                total += power
                exact += np.float64(power)
            log_sum, loss = np.log(exact), 0.0
            for k in range(g.K):
                if p[k] > 0:
                    u = np.float64(p[k])
                    loss += u * log_sum - 2 * (u * (np.float64(z[k]) / 2 - np.float64(largest) / 2))
                p[k] = np.exp(z[k] - largest) / total
            losses[n] = loss

    return soft_cross_entropy_forward


@native
def _backward(dtype):
    def soft_cross_entropy_backward(chunk, chunks, dims, pointers):
        g = read_dims(dims, Logits)
        probabilities, targets, class_weights, weights, scalars, dlogits = read_arrays(pointers, 6, dtype)
        total = 0.0
        for n in range(g.N):  # each chunk for itself: they are few, and always in this order
            total += np.float64(weights[n])
        for n in chunk_range(g.N, chunk, chunks):
            row = slice(n * g.K, (n + 1) * g.K)
            p, gradient = probabilities[row], dlogits[row]
            asked = wanted(targets[row], class_weights, scalars[0], gradient)
            counts = (asked > 0) & (total > 0)
            for k in range(g.K):
                gradient[k] = (p[k] * asked - gradient[k]) / total if counts else 0

    return soft_cross_entropy_backward
