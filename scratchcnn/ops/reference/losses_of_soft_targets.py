"""Cross-entropy where the target is a distribution: soft targets, classes that weigh more, samples that do not count.

Letters: N batch, K classes. ``losses.py`` has the plain case, one right class for each sample, all equally important.
"""

from __future__ import annotations

import numpy as np

from .losses import softmax_forward


def class_targets(classes: np.ndarray, class_weights: np.ndarray, ignored: int) -> tuple[np.ndarray, np.ndarray]:
    """Write class numbers as distributions, one-hot rows q, and how much the samples count:

        q[n, k] = 1 if k is classes[n] else 0        weights[n] = class_weights[classes[n]]

    A sample whose class is ``ignored``, or that has no class at all (below 0, or K and more), is all zeros: it has no
    part in the loss and counts for nothing.

    Parameters
    ----------
    classes : int64, (N,)
    class_weights : (K,)

    Returns
    -------
    targets : (N, K)
    weights : (N,)
    """
    K = len(class_weights)
    counts = (classes != ignored) & (classes >= 0) & (classes < K)  # (N,)
    known = np.where(counts, classes, 0)
    targets = np.zeros((len(classes), K))
    targets[np.arange(len(classes)), known] = counts
    return targets, np.where(counts, class_weights[known], 0)


def soft_cross_entropy_forward(
    logits: np.ndarray, targets: np.ndarray, class_weights: np.ndarray, label_smoothing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Compute, with p = softmax(logits), for each sample  -sum_k u[n, k] log(p[n, k]),  where

        u[n, k] = class_weights[k] ((1 - label_smoothing) q[n, k] + label_smoothing / K sum_j q[n, j])

    The targets q are mixed with equal ones, and classes matter as much as their weights say. With z = logits - row's
    maximum, log p[k] is z[k] - log(sum_j exp z[j]); where u is 0 a term is no part of the sum, even if log p is
    infinite.

    Parameters
    ----------
    logits, targets : (N, K)
    class_weights : (K,)

    Returns
    -------
    probabilities : (N, K)
        What the backward pass needs.
    losses : (N,)
    """
    u = _wanted(targets, class_weights, label_smoothing)
    halves = logits.astype(np.float64) / 2  # the difference of two halves is never too large for a float
    with np.errstate(over="ignore", invalid="ignore"):
        half_z = halves - halves.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(2 * half_z).sum(axis=1, keepdims=True))
        losses = np.where(u > 0, u * log_sum - 2 * (u * half_z), 0).sum(axis=1)
    return softmax_forward(logits), losses


def soft_cross_entropy_backward(
    probabilities: np.ndarray,
    targets: np.ndarray,
    class_weights: np.ndarray,
    weights: np.ndarray,
    label_smoothing: float,
) -> np.ndarray:
    """Compute dlogits, where the loss of the batch is  sum_n losses[n] / sum_n weights[n].

    A sample's loss is  (sum_j u[j]) log(sum_j exp z[j]) - sum_k u[k] z[k],  so

        dlogits[n, k] = (p[n, k] sum_j u[n, j] - u[n, k]) / sum_n weights[n]

    A sample with u = 0 has no gradient, whatever its p, and so has a batch in which nothing counts.
    """
    u = _wanted(targets, class_weights, label_smoothing)
    sums, total = u.sum(axis=1, keepdims=True), weights.sum(dtype=np.float64)
    dlogits = np.where(sums > 0, probabilities * sums - u, 0)
    return dlogits / total if total > 0 else np.zeros_like(dlogits)


def _wanted(targets: np.ndarray, class_weights: np.ndarray, label_smoothing: float) -> np.ndarray:
    """Return u, (N, K)."""
    equal = targets.sum(axis=1, keepdims=True, dtype=np.float64) / targets.shape[1]
    return class_weights * ((1 - label_smoothing) * targets.astype(np.float64) + label_smoothing * equal)
