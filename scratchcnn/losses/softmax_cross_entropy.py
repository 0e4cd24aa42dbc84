"""The loss of a classifier: softmax and cross-entropy together.

A loss is the mean over the samples of a batch, and this is the only place that divides by the batch size.

Letters: N batch, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..checks.attributes import KnownAttributes
from ..checks.inputs import as_contiguous, as_labels
from ..checks.messages import shown
from ..checks.settings import Setting, as_number
from ..concurrency.locks import lock_of
from ..concurrency.turns import Turns
from ..memory import aligned_empty
from ..types import Shape
from .classification import classes, count_correct


def _smoothing(name: str, value: Any) -> float:
    number = as_number(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, got {shown(value)}")
    return number


class SoftmaxCrossEntropy(KnownAttributes):
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

    label_smoothing = Setting(_smoothing)

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing
        self._turns = Turns()
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
        with lock_of(self):
            self._turns.forward()
            return self._forward(logits, labels)

    def _forward(self, logits: np.ndarray, labels: np.ndarray) -> float:
        dtype = logits.dtype if logits.dtype in (np.float32, np.float64) else np.dtype(np.float32)
        logits = as_contiguous(logits, dtype)
        if self._probabilities.shape != logits.shape or self._probabilities.dtype != dtype:
            self._probabilities = aligned_empty(logits.shape, dtype)
            self._dlogits = aligned_empty(logits.shape, dtype)
            self._losses = aligned_empty(logits.shape[:1], dtype)
        self._labels = labels
        ops.softmax_cross_entropy_forward(logits, labels, self.label_smoothing, out=(self._probabilities, self._losses))
        return mean_of(self._losses)

    def check_outputs(self, output_shape: Shape) -> None:
        """Raise a ValueError unless the outputs are one number for each class."""
        classes(output_shape)

    def check_targets(self, y: Any, samples: int, output_shape: Shape) -> np.ndarray:
        """Return labels as an int64 array (N,) of class numbers, or raise a ValueError that says what is wrong."""
        return as_labels(y, samples, classes(output_shape))

    def predictions(self, logits: np.ndarray) -> np.ndarray:
        """Return the probabilities of the classes, (N, K): the softmax of the logits."""
        probabilities = np.empty_like(logits)
        ops.softmax_forward(logits, out=probabilities)
        return probabilities

    def correct(self, logits: np.ndarray, labels: np.ndarray) -> int:
        """Return for how many samples the highest logit is that of the label."""
        return count_correct(logits, labels)

    def per_sample(self) -> np.ndarray:
        """Return the loss of each sample of the latest ``forward``, (N,); overwritten by the next one."""
        return self._losses

    def backward(self) -> np.ndarray:
        """Return dlogits = dloss/dlogits, (N, K): the probabilities minus the wanted ones, divided by N."""
        with lock_of(self):
            self._turns.backward("SoftmaxCrossEntropy")
            if self._labels is None:
                raise RuntimeError("SoftmaxCrossEntropy.backward needs a forward before it")
            ops.softmax_cross_entropy_backward(
                self._probabilities, self._labels, self.label_smoothing, out=self._dlogits
            )
            return self._dlogits

    def invalidate(self) -> None:
        """After this, ``backward`` needs a new ``forward``."""
        self._labels = None
        self._turns.overwritten()

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain JSON values."""
        return {"label_smoothing": self.label_smoothing}

    def __repr__(self) -> str:
        return f"SoftmaxCrossEntropy(label_smoothing={self.label_smoothing})"


def mean_of(losses: np.ndarray) -> float:
    """Return the mean of the samples' losses, summed in float64; ``np.mean`` takes three times as long."""
    return float(np.add.reduce(losses.astype(np.float64))) / len(losses)
