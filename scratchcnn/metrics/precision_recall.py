"""Precision, recall and F1: what accuracy hides where some classes are rare.

For a class, of all samples: TP are of it and found, FP are not of it but taken for it, FN are of it but not found.

    precision = TP / (TP + FP)      of what was taken for the class, how much is
    recall    = TP / (TP + FN)      of what is of the class, how much was found
    F1        = 2 TP / (2 TP + FP + FN)      their harmonic mean

The result is "macro", as in scikit-learn: the mean over the classes that appear among targets or predictions, each the
same however rare; a quotient 0 / 0 counts as 0. With one question of yes or no it is that of "yes".

Letters: N batch, K classes, D questions.
"""

from __future__ import annotations

import numpy as np

from .accuracy import require_classes
from .base import Metric


class _Counts(Metric):
    """Base class: TP, FP and FN of each class."""

    higher_is_better = classifies = True

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.reset_state()

    def reset_state(self) -> None:
        self._counts: np.ndarray | None = None  # (3, K)

    def update_state(self, targets: np.ndarray, predictions: np.ndarray) -> None:
        targets, predictions = np.asarray(targets), np.asarray(predictions)
        if targets.ndim == 1:
            require_classes(type(self).__name__, targets, predictions)
            K = predictions.shape[1]
            best = np.where(np.isnan(predictions).any(axis=1), K, predictions.argmax(axis=1))  # (N,); K: none
            found, wanted = np.bincount(best, minlength=K + 1)[:K], np.bincount(targets, minlength=K)
            right = np.bincount(targets[best == targets], minlength=K)
        else:
            yes, real = predictions.reshape(len(predictions), -1) > 0.5, targets.reshape(len(targets), -1) > 0.5
            found, wanted, right = yes.sum(axis=0), real.sum(axis=0), (yes & real).sum(axis=0)
        counts = np.stack([right, found - right, wanted - right])
        self._counts = counts if self._counts is None else self._counts + counts

    def result(self) -> float:
        if self._counts is None:
            return float("nan")
        seen = self._counts.sum(axis=0) > 0
        if not seen.any():
            return 0.0
        right, false, missed = self._counts[:, seen].astype(np.float64)
        numerator, denominator = self._quotient(right, false, missed)
        return float(np.mean(np.divide(numerator, denominator, out=np.zeros_like(right), where=denominator > 0)))

    def _quotient(self, right: np.ndarray, false: np.ndarray, missed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError


class Precision(_Counts):
    """Of what was taken for a class, how much is of it; the mean over the classes (macro).

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> precision = sc.metrics.Precision()
    >>> precision.update_state(np.array([0, 1, 1]), np.eye(2)[[0, 0, 1]])
    >>> precision.result()  # of two zeros one is, of one one all are
    0.75
    """

    def __init__(self, name: str = "precision") -> None:
        super().__init__(name)

    def _quotient(self, right: np.ndarray, false: np.ndarray, missed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return right, right + false


class Recall(_Counts):
    """Of what is of a class, how much was found; the mean over the classes (macro).

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> recall = sc.metrics.Recall()
    >>> recall.update_state(np.array([0, 1, 1]), np.eye(2)[[0, 0, 1]])
    >>> recall.result()  # the only zero, and one of two ones
    0.75
    """

    def __init__(self, name: str = "recall") -> None:
        super().__init__(name)

    def _quotient(self, right: np.ndarray, false: np.ndarray, missed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return right, right + missed


class F1Score(_Counts):
    """The harmonic mean of precision and recall of a class; the mean over the classes (macro).

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> f1 = sc.metrics.F1Score()
    >>> f1.update_state(np.array([0, 1, 1]), np.eye(2)[[0, 0, 1]])
    >>> round(f1.result(), 4)
    0.6667
    """

    def __init__(self, name: str = "f1_score") -> None:
        super().__init__(name)

    def _quotient(self, right: np.ndarray, false: np.ndarray, missed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return 2 * right, 2 * right + false + missed
