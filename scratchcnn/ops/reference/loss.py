"""Softmax and cross-entropy: from scores to probabilities, and from probabilities to the loss of a classifier.

Letters: N batch, K classes. Logits are the scores that come out of the last layer, any real numbers, (N, K).
"""

from __future__ import annotations

import numpy as np


def softmax_forward(logits: np.ndarray, y: np.ndarray) -> None:
    """Compute y[n, k] = exp(logits[n, k]) / sum_j exp(logits[n, j]): positive, and each row sums to 1.

    Numerator and denominator are first divided by exp(row's maximum): the largest power is then exp(0) = 1, nothing
    overflows, and the denominator is at least 1.
    """
    np.exp(logits - logits.max(axis=1, keepdims=True), out=y)
    y /= y.sum(axis=1, keepdims=True)


def softmax_cross_entropy_forward(
    logits: np.ndarray, labels: np.ndarray, label_smoothing: float, probabilities: np.ndarray, losses: np.ndarray
) -> None:
    """Compute the cross-entropy of each sample, -sum_k q[k] log(p[k]), in natural units (nats).

    p is the softmax of the logits. q is the target: 1 for the right class, 0 for the others or, with label smoothing,

        q[n, k] = (1 - label_smoothing) (1 if k is labels[n] else 0) + label_smoothing / K

    (Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision".) Log and exp cancel on paper, and
    must cancel in the code too, where a p of 1e-5000 would be rounded to 0. With z = logits - row's maximum,

        log p[k] = z[k] - log(sum_j exp z[j])        loss = log(sum_j exp z[j]) - sum_k q[k] z[k]

    Parameters
    ----------
    logits : (N, K)
    labels : int64, (N,)
    probabilities : (N, K), written; what the backward pass needs
    losses : (N,), written
    """
    softmax_forward(logits, probabilities)
    z = (logits - logits.max(axis=1, keepdims=True)).astype(np.float64)
    z_label = z[np.arange(len(labels)), labels]  # (N,)
    expected_z = (1 - label_smoothing) * z_label + label_smoothing * z.mean(axis=1)  # sum_k q[k] z[k]
    losses[...] = np.log(np.exp(z).sum(axis=1)) - expected_z


def softmax_cross_entropy_backward(
    probabilities: np.ndarray, labels: np.ndarray, label_smoothing: float, dlogits: np.ndarray
) -> None:
    """Compute dlogits = (p - q) / N: what the network said minus what it should have said.

    From loss = log(sum_j exp z[j]) - sum_k q[k] z[k], for one sample,

        dloss/dz[k] = exp z[k] / (sum_j exp z[j]) - q[k] = p[k] - q[k]

    and the batch's loss is the mean over N samples. This is the only place where a gradient is divided by N.
    """
    count, classes = probabilities.shape
    dlogits[...] = probabilities - label_smoothing / classes
    dlogits[np.arange(count), labels] -= 1 - label_smoothing
    dlogits /= count
