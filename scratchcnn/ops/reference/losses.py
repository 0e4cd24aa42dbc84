"""Softmax and cross-entropy: from scores to probabilities, and from probabilities to the loss of a classifier.

Letters: N batch, K classes. Logits are the scores that come out of the last layer, any real numbers, (N, K).
"""

from __future__ import annotations

import numpy as np


def softmax_forward(logits: np.ndarray) -> np.ndarray:
    """Compute y[n, k] = exp(logits[n, k]) / sum_j exp(logits[n, j]): positive, and each row sums to 1.

    Numerator and denominator are first divided by exp(row's maximum): the largest power is then exp(0) = 1, nothing
    overflows, and the denominator is at least 1.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # far apart: exp(-inf) is 0; a row without a finite maximum: NaN
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def softmax_cross_entropy_forward(
    logits: np.ndarray, labels: np.ndarray, label_smoothing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the cross-entropy of each sample, -sum_k q[k] log(p[k]), in natural units (nats).

    p is the softmax of the logits. q is the target: 1 for the right class, 0 for the others or, with label smoothing,

        q[n, k] = (1 - label_smoothing) (1 if k is labels[n] else 0) + label_smoothing / K

    (Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision".) Log and exp cancel on paper, and
    must cancel in the code too, where a p of 1e-5000 would be rounded to 0. With z = logits - row's maximum,

        log p[k] = z[k] - log(sum_j exp z[j])        loss = log(sum_j exp z[j]) - sum_k q[k] z[k]

    A logit of -inf masks its class: p[k] is 0. Where q[k] is 0 as well, the class is not part of the loss, though on
    paper 0 times -inf is nothing at all; where it is not, the loss is infinite. A row in which all are -inf, or one is
    +inf or NaN, has no softmax, and its loss is NaN.

    Parameters
    ----------
    logits : (N, K)
    labels : int64, (N,)

    Returns
    -------
    probabilities : (N, K)
        What the backward pass needs.
    losses : (N,)
    """
    count, classes = logits.shape
    q = np.full((count, classes), label_smoothing / classes)
    q[np.arange(count), labels] += 1 - label_smoothing
    halves = logits.astype(np.float64) / 2  # the difference of two halves is never too large for a float
    with np.errstate(over="ignore", invalid="ignore"):
        half_z = halves - halves.max(axis=1, keepdims=True)
        half_expected_z = np.where(q > 0, q * half_z, 0).sum(axis=1)
        losses = np.log(np.exp(2 * half_z).sum(axis=1)) - 2 * half_expected_z
    return softmax_forward(logits), losses


def softmax_cross_entropy_backward(probabilities: np.ndarray, labels: np.ndarray, label_smoothing: float) -> np.ndarray:
    """Compute dlogits = (p - q) / N: what the network said minus what it should have said.

    From loss = log(sum_j exp z[j]) - sum_k q[k] z[k], for one sample,

        dloss/dz[k] = exp z[k] / (sum_j exp z[j]) - q[k] = p[k] - q[k]

    and the batch's loss is the mean over N samples. This is the only place where a gradient is divided by N.
    """
    count, classes = probabilities.shape
    dlogits = probabilities - label_smoothing / classes
    dlogits[np.arange(count), labels] -= 1 - label_smoothing
    return dlogits / count
