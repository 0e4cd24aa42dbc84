"""How many answers are right. Letters: N batch, K classes, D questions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..checks.inputs import as_integer
from ..checks.messages import shown
from ..checks.ranges import are_below
from ..losses.classification import count_correct
from .base import Metric


class Accuracy(Metric):
    """The fraction of the samples whose most probable class is the right one.

    Where the targets are questions of yes or no, (N, D), the fraction of the answers that are right, those above 0.5
    being "yes". A row with a NaN is never right. A loss that says itself what is right (``losses.Loss``) is asked.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> accuracy = sc.metrics.Accuracy()
    >>> accuracy.reset_state()
    >>> accuracy.update_state(np.array([1, 1]), np.array([[0.2, 0.8], [0.6, 0.4]]))
    >>> accuracy.result()
    0.5
    """

    higher_is_better = classifies = True

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__(name)
        self.reset_state()

    def reset_state(self) -> None:
        self._right, self._samples = 0.0, 0

    def update_state(self, targets: np.ndarray, predictions: np.ndarray) -> None:
        targets, predictions = np.asarray(targets), np.asarray(predictions)
        if targets.ndim == 1:
            require_classes("Accuracy", targets, predictions)
            self.add(count_correct(predictions, targets), len(targets))
        else:
            right = ((predictions > 0.5) == (targets > 0.5)) & np.isfinite(predictions)
            self.add(float(right.mean()) * len(targets), len(targets))

    def add(self, right: float, samples: int) -> None:
        """Take in how many of so many samples are right."""
        self._right += right
        self._samples += samples

    def result(self) -> float:
        return self._right / self._samples if self._samples else math.nan


class TopKAccuracy(Metric):
    """The fraction of the samples whose right class is among the k most probable ones.

    Classes that are as probable as the right one are not before it. A row with a NaN is never right.

    Parameters
    ----------
    k : int
    name : str

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> top_2 = sc.metrics.TopKAccuracy(k=2)
    >>> top_2.update_state(np.array([0, 0]), np.array([[0.3, 0.6, 0.1], [0.2, 0.5, 0.3]]))
    >>> top_2.result()
    0.5
    """

    higher_is_better = classifies = True

    def __init__(self, k: int = 5, name: str = "top_k_accuracy") -> None:
        super().__init__(name)
        self.k = as_integer("k", k, 1)
        self.reset_state()

    def reset_state(self) -> None:
        self._right, self._samples = 0, 0

    def update_state(self, targets: np.ndarray, predictions: np.ndarray) -> None:
        targets, predictions = np.asarray(targets), np.asarray(predictions)
        require_classes("TopKAccuracy", targets, predictions)
        of_right = predictions[np.arange(len(targets)), targets]  # (N,)
        before = np.count_nonzero(predictions > of_right[:, np.newaxis], axis=1)  # (N,)
        right = (before < self.k) & ~np.isnan(predictions).any(axis=1)
        self._right += int(np.count_nonzero(right))
        self._samples += len(targets)

    def result(self) -> float:
        return self._right / self._samples if self._samples else math.nan

    def config(self) -> dict[str, Any]:
        return {"k": self.k, **super().config()}


def require_classes(metric: str, targets: np.ndarray, predictions: np.ndarray) -> None:
    """Raise a ValueError unless targets are class numbers (N,) and predictions have a column for each class."""
    if not (targets.ndim == 1 and targets.dtype.kind in "iu" and predictions.ndim == 2 and predictions.shape[1] > 1):
        raise ValueError(
            f"{metric} needs class numbers (N,) and predictions (N, K), got targets {targets.dtype} {targets.shape} "
            f"and predictions {predictions.shape}"
        )
    if len(targets) != len(predictions) or not are_below(predictions.shape[1], targets):
        raise ValueError(
            f"{metric} needs one class number from 0 to {predictions.shape[1] - 1} for each of {len(predictions)} "
            f"samples, got {len(targets)}: {shown(targets)}"
        )
