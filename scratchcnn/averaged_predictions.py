"""Averages of answers: of several networks (``ensemble.py``), or of one about moved images (``shift_average.py``).

Each answer errs in its own way, and much of that cancels in the mean of their probabilities, or of whatever else the
models' losses make of the logits. Both cost as many forward passes as there are answers.

Letters: N images, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from .checks.advice.objects import as_array
from .checks.attributes import KnownAttributes
from .checks.habits import attribute_elsewhere
from .checks.inputs import as_labels
from .losses.classification import count_correct
from .model import Sequential
from .training.prediction import answers_with_logits

_NO_PROBABILITIES = (
    "evaluate measures the cross-entropy of class probabilities, which these models do not answer with, by their own "
    "loss; measure predict(x) instead"
)


class AveragedPredictions(KnownAttributes):
    """What the averages share: the mean itself, and how good it is; ``predict`` and ``evaluate``, as a model has them.

    Attributes
    ----------
    classes : int
        Number of classes, K.
    """

    classes: int

    def __getattr__(self, name: str) -> NoReturn:
        of_first = f"it asks models, and members()[0].{name} is that of the first one"
        attribute_elsewhere(self, name, {name: of_first} if hasattr(Sequential, name) else {})

    def _answers(self, x: Any, batch_size: int) -> Iterator[np.ndarray]:
        """Yield probabilities (N, K), one answer after the other."""
        raise NotImplementedError

    def members(self) -> list[Sequential]:
        """Return the models that are asked."""
        raise NotImplementedError

    def predict(self, x: Any, batch_size: int = 128) -> np.ndarray:
        """Return the mean of what ``model.predict`` answers: for classifiers probabilities (N, K), whose rows sum to 1.

        Parameters
        ----------
        x : array_like, shape (N, *input_shape)
            Images, in any form that ``model.predict`` takes.
        batch_size : int, default 128
            Images that are worked on at once.
        """
        total, count = np.zeros(()), 0
        for answer in self._answers(x, batch_size):
            total = total + answer.astype(np.float64)
            count += 1
        mean = total / count
        return mean.astype(answer.dtype) if answer.dtype.kind == "f" else mean  # that of integers is not one

    def evaluate(self, x: Any, y: Any, batch_size: int = 128) -> tuple[float, float]:
        """Return loss and accuracy of the mean of the answers.

        Parameters
        ----------
        x : array_like, shape (N, *input_shape)
            Images, in any form that ``model.predict`` takes.
        y : array_like of int, shape (N,)
            Class numbers.
        batch_size : int, default 128
            Images that are worked on at once.

        Returns
        -------
        loss : float
            The cross-entropy: the mean of -log(probability of the right class). Labels are not smoothed.
        accuracy : float
            The fraction of the images whose most probable class is the right one.

        Raises
        ------
        ValueError
            If the labels are no class numbers, or the answers no probabilities, because of the models' own losses.
        """
        if any(answers_with_logits(model) for model in self.members()):
            raise ValueError(_NO_PROBABILITIES)
        x = as_array(x, "images", "x")
        labels = as_labels(y, x.shape[0] if x.ndim else 0, self.classes)
        probabilities = self.predict(x, batch_size)
        if probabilities.shape != (len(labels), self.classes) or not are_probabilities(probabilities):
            raise ValueError(_NO_PROBABILITIES)
        right = probabilities[np.arange(len(labels)), labels]  # (N,)
        smallest = np.finfo(right.dtype).tiny  # a probability too small for a float is not quite impossible
        loss = -np.log(np.maximum(right, smallest), dtype=np.float64).mean()
        return float(loss), count_correct(probabilities, labels) / len(labels)


def are_probabilities(answers: np.ndarray) -> bool:
    """Return whether rows sum to 1 and nothing is negative, NaN aside: what has diverged is no other kind of answer."""
    known = answers[~np.isnan(answers).any(axis=1)]
    return bool(np.all(known >= 0) and np.all(np.abs(known.sum(axis=1) - 1) < 1e-3))
