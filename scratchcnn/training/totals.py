"""Sums over the batches of an epoch, from which its mean loss and its accuracy come."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


class Totals:
    """Loss and correct predictions of the samples seen so far.

    Parameters
    ----------
    count : callable or None
        Returns how many samples of a batch are right, from logits, targets and mean loss; None where nobody can say.
    """

    def __init__(self, count: Callable[..., int] | None) -> None:
        self._count = count
        self._loss, self._correct, self._samples = 0.0, 0, 0

    def add(self, logits: np.ndarray, targets: np.ndarray, loss: float) -> None:
        """Take in a batch and its mean loss."""
        self._loss += loss * len(targets)
        self._samples += len(targets)
        if self._count is not None:
            self._correct += self._count(logits, targets, loss)

    @property
    def loss(self) -> float:
        """The mean over the samples."""
        return self._loss / self._samples

    @property
    def accuracy(self) -> float:
        """The fraction of the samples that were right, NaN where nobody can say."""
        return math.nan if self._count is None else self._correct / self._samples

    def logs(self) -> dict[str, float]:
        """Return what callbacks are told."""
        return {"loss": self.loss} if self._count is None else {"loss": self.loss, "accuracy": self.accuracy}
