"""Sums over the batches of an epoch, from which its mean loss and its metrics come. Letters: N batch."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from ..losses import SoftmaxCrossEntropy
from ..losses.use import correct_counter, counted, predictions, weight_of
from ..metrics import Accuracy, Metric
from ..metrics.base import MeanOfFunction
from ..network.network import Network


class Totals:
    """Loss and metrics of the samples seen so far.

    Parameters
    ----------
    model : Network
        Its loss, and the metrics it was compiled with: where it was not told which, the accuracy, if there is one.
    targets : ndarray or None
        All of them, or None where nobody knows yet. There is an accuracy where the loss can tell what is right.

    Attributes
    ----------
    metrics : list of Metric

    Raises
    ------
    ValueError
        If the accuracy or another metric of classes is asked for, and nothing is classified.
    """

    def __init__(self, model: Network, targets: np.ndarray | None) -> None:
        self._of = model.loss
        self._count = None
        if targets is not None or isinstance(model.loss, SoftmaxCrossEntropy) or hasattr(model.loss, "correct"):
            some = np.empty(0) if targets is None else targets
            self._count = correct_counter(model.loss, some, model.output_shape)
        chosen = model.metrics
        if chosen is None:
            chosen = () if self._count is None else (Accuracy(),)
        elif self._count is None and (senseless := [metric.name for metric in chosen if metric.classifies]):
            raise ValueError(
                f"there is no {senseless[0]} with {type(model.loss).__name__} and these targets: nothing is "
                "classified; leave it out of the metrics, compile(metrics=[])"
            )
        self.metrics = [copy.deepcopy(metric) for metric in chosen]  # another thread may be evaluating, too
        for metric in self.metrics:
            metric.reset_state()
        self._needs_predictions = any(type(metric) is not Accuracy for metric in self.metrics)
        self._all_the_same = not (isinstance(self._of, SoftmaxCrossEntropy) and self._of.weighs)
        self._loss, self._weight = 0.0, 0.0

    def add(self, logits: np.ndarray, targets: np.ndarray, loss: float) -> None:
        """Take in a batch and its mean loss."""
        weight = float(len(targets)) if self._all_the_same else weight_of(self._of, targets)
        self._loss += loss * weight
        self._weight += weight
        known = None if self._all_the_same else counted(self._of, targets)
        if known is not None:
            logits, targets = logits[known], targets[known]
        if not len(targets):
            return
        answers = predictions(self._of, logits) if self._needs_predictions else logits
        for metric in self.metrics:
            self._update(metric, logits, targets, loss, answers)

    def _update(
        self, metric: Metric, logits: np.ndarray, targets: np.ndarray, loss: float, answers: np.ndarray
    ) -> None:
        if type(metric) is Accuracy:
            assert self._count is not None
            metric.add(self._count(logits, targets, loss), len(targets))
            return
        if targets.ndim == 2 and isinstance(self._of, SoftmaxCrossEntropy) and type(metric) is not MeanOfFunction:
            targets = targets.argmax(axis=1)  # the most probable class
        metric.update_state(targets, answers)

    def get_state(self) -> dict[str, Any]:
        """Return the sums so far, for a checkpoint in the middle of an epoch."""
        return {"loss": self._loss, "weight": self._weight, "metrics": [_sums_of(metric) for metric in self.metrics]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over what ``get_state`` returned."""
        self._loss, self._weight = state["loss"], state["weight"]
        for metric, kept in zip(self.metrics, state["metrics"], strict=True):
            vars(metric).update(kept)

    @property
    def loss(self) -> float:
        """The mean over the samples."""
        return self._loss / self._weight if self._weight else 0.0

    @property
    def accuracy(self) -> float:
        """The fraction of the samples that were right, NaN where nobody can say."""
        return next((metric.result() for metric in self.metrics if type(metric) is Accuracy), math.nan)

    @property
    def names(self) -> list[str]:
        """What ``logs`` will hold."""
        return ["loss", *(metric.name for metric in self.metrics)]

    def logs(self) -> dict[str, float]:
        """Return what callbacks are told."""
        logs = {"loss": self.loss}
        for metric in self.metrics:
            logs[metric.name] = metric.result()
        return logs


def _sums_of(metric: Metric) -> dict[str, Any]:
    """Return what a metric remembers."""
    return {name: value for name, value in vars(metric).items() if not callable(value)}
