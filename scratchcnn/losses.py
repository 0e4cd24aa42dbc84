"""What training makes small: one number that says how wrong the network's answers are.

A loss is the mean over the samples of a batch, and this is the only place that divides by the batch size.

    loss.forward(logits, labels) -> float      the mean loss
    loss.backward()              -> dlogits    its gradient, for the latest forward; the loss's own buffer

Letters: N batch, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import ops
from .layers.base import aligned_empty
from .validation import as_labels


class SoftmaxCrossEntropy:
    """The loss of a classifier: how surprised the network is, on average, by the right answer.

    The logits become probabilities p = softmax(logits); the loss of a sample is -log p[label], 0 for certainty and
    log K for a network that knows nothing. ``ops/reference/loss.py`` has the equations. Softmax and logarithm are taken
    together because the result is then exact for any logits, and because the gradient is as simple as p - q.

    Parameters
    ----------
    label_smoothing : float
        In [0, 1). The right class is asked to have the probability 1 - label_smoothing + label_smoothing / K, and the
        others share the rest equally. 0.1 is common.

    Examples
    --------
    >>> import numpy as np
    >>> loss = SoftmaxCrossEntropy()
    >>> round(loss.forward(np.zeros((4, 10)), np.array([1, 2, 3, 4])), 4)
    2.3026
    >>> loss.backward()[0].round(3)
    array([ 0.025, -0.225,  0.025,  0.025,  0.025,  0.025,  0.025,  0.025,
            0.025,  0.025])
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be at least 0 and below 1, got {label_smoothing!r}")
        self.label_smoothing = float(label_smoothing)
        self._labels: np.ndarray | None = None
        self._probabilities = np.empty((0, 0), np.float32)
        self._dlogits = np.empty((0, 0), np.float32)
        self._losses = np.empty(0, np.float32)

    def forward(self, logits: np.ndarray, labels: np.ndarray) -> float:
        """Return the mean loss of the batch, in nats.

        Parameters
        ----------
        logits : (N, K), float32 or float64
        labels : (N,), integers
            The right classes, 0 <= label < K.

        Raises
        ------
        ValueError
            If the shapes do not fit or a label is not a class number.
        """
        if logits.ndim != 2 or len(logits) == 0:
            raise ValueError(f"the loss expects logits (N, K), one row of K scores a sample, got shape {logits.shape}")
        labels = as_labels(labels, *logits.shape)
        dtype = logits.dtype if logits.dtype in (np.float32, np.float64) else np.dtype(np.float32)
        logits = np.ascontiguousarray(logits, dtype)
        if self._probabilities.shape != logits.shape or self._probabilities.dtype != dtype:
            self._probabilities = aligned_empty(logits.shape, dtype)
            self._dlogits = aligned_empty(logits.shape, dtype)
            self._losses = aligned_empty(logits.shape[:1], dtype)
        self._labels = labels
        ops.softmax_cross_entropy_forward(logits, labels, self.label_smoothing, self._probabilities, self._losses)
        return float(self._losses.mean(dtype=np.float64))

    def of_each(self) -> np.ndarray:
        """Return the loss of each sample of the latest ``forward``, (N,); overwritten by the next one."""
        return self._losses

    def backward(self) -> np.ndarray:
        """Return dlogits = dloss/dlogits, (N, K): the probabilities minus the wanted ones, divided by N."""
        if self._labels is None:
            raise RuntimeError("SoftmaxCrossEntropy.backward needs a forward before it")
        ops.softmax_cross_entropy_backward(self._probabilities, self._labels, self.label_smoothing, self._dlogits)
        return self._dlogits

    def forget(self) -> None:
        """Let ``backward`` raise its error until there is another ``forward``."""
        self._labels = None

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain JSON values."""
        return {"label_smoothing": self.label_smoothing}

    def __repr__(self) -> str:
        return f"SoftmaxCrossEntropy(label_smoothing={self.label_smoothing})"
