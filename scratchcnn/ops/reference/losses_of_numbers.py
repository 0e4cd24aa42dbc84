"""Losses whose targets are numbers: squared error for measurements, cross-entropy for yes or no; samples that weigh.

Letters: N batch, D outputs of a sample, written in one row.
"""

from __future__ import annotations

import numpy as np

from .activations import sigmoid_forward


def mean_squared_error_forward(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Compute the loss of each sample, (N,): the mean over its D outputs of (outputs - targets)^2."""
    return np.square(outputs - targets).mean(axis=1, dtype=np.float64)


def mean_squared_error_backward(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Compute doutputs = 2 (outputs - targets) / (N D), since the batch's loss is the mean over N samples."""
    return 2 * (outputs - targets) / outputs.size


def binary_cross_entropy_forward(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Compute the loss of each sample, (N,): the mean over its D questions of

        -t log(p) - (1 - t) log(1 - p),    with p = sigmoid(z), the probability of "yes", and the target t in [0, 1]

    Log and exp are taken together, so that nothing overflows and no digits are lost: with log(p) = z - log(1 + exp z)
    and log(1 - p) = -log(1 + exp z) this is  log(1 + exp z) - t z,  and

        log(1 + exp z) = max(z, 0) + log(1 + exp(-|z|))
    """
    z = logits.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        losses = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))) - np.where(targets == 0, 0, targets * z)
    return losses.mean(axis=1)


def binary_cross_entropy_backward(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Compute dlogits = (sigmoid(z) - t) / (N D): the derivative of log(1 + exp z) is sigmoid(z)."""
    return (sigmoid_forward(logits) - targets) / logits.size


def scale_rows(weights: np.ndarray, rows: np.ndarray) -> None:
    """Multiply, in place, the row of each sample by its weight: the gradient of a loss in which samples weigh.

    In ``sum_n weights[n] losses[n] / N`` each sample has its own row of logits, so its gradient is multiplied alone.
    """
    rows *= weights.reshape(-1, *[1] * (rows.ndim - 1))
