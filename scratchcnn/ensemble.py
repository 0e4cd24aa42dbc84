"""Averages of answers: of several networks, or of one network about slightly shifted images.

Each answer errs in its own way, and much of that cancels in the mean of their probabilities, or of whatever else the
models' losses make of the logits. Both cost as many forward passes as there are answers.

Letters: N images, H W height and width, C channels, K classes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from typing import Any, NoReturn

import numpy as np

from .checks.advice.objects import as_array
from .checks.attributes import KnownAttributes
from .checks.habits import attribute_elsewhere
from .checks.inputs import as_integer, as_labels
from .checks.messages import shown
from .layers.base import Layer
from .losses.classification import classes, count_correct
from .model import Sequential, load_model
from .saving.known import Known
from .saving.several import read_models, save_models
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


class Ensemble(AveragedPredictions):
    """Several models that answer together (Hansen & Salamon 1990, "Neural network ensembles").

    Parameters
    ----------
    models : sequence
        Models for the same classes: ``Sequential``, files that ``model.save`` wrote, or other averages. Usually the
        same network trained from different seeds.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> layers = lambda: [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)]
    >>> ensemble = sc.Ensemble([sc.Sequential(layers(), input_shape=(28, 28, 1), seed=seed) for seed in range(3)])
    >>> ensemble.predict(x[:2]).shape
    (2, 10)
    >>> loss, accuracy = ensemble.evaluate(x[:20], y[:20])
    """

    def __init__(self, models: Sequence[Sequential | AveragedPredictions | str | PathLike[str]]) -> None:
        if isinstance(models, str | PathLike) or not isinstance(models, Iterable):
            raise ValueError(f"models must be a list of models, or of files, got {shown(models)}")
        self.models = [load_model(model) if isinstance(model, str | os.PathLike) else model for model in models]
        if not self.models:
            raise ValueError("an ensemble needs at least one model")
        for place, model in enumerate(self.models):
            if not isinstance(model, Sequential | AveragedPredictions):
                raise ValueError(f"models[{place}] must be a model or the file of one, got {shown(model)}")
        numbers = [_classes_of(model) for model in self.models]
        if len(set(numbers)) > 1:
            raise ValueError(f"the models of an ensemble must know the same classes, these know {numbers}")
        self.classes = numbers[0]

    def save(self, path: str | PathLike[str]) -> None:
        """Write all models into one file, which ``Ensemble.load`` reads.

        Raises
        ------
        ValueError
            If one of them is no ``Sequential`` but an average itself, or cannot be saved; see ``Sequential.save``.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> import scratchcnn as sc
        >>> models = [sc.Sequential([sc.Dense(3)], input_shape=(2,), seed=seed) for seed in range(3)]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     sc.Ensemble(models).save(f"{folder}/three.npz")
        ...     again = sc.Ensemble.load(f"{folder}/three.npz")
        >>> len(again.models)
        3
        """
        for place, model in enumerate(self.models):
            if not isinstance(model, Sequential):
                raise ValueError(
                    f"cannot save: models[{place}] is a {type(model).__name__}; save an ensemble of the models inside, "
                    "and make the averages of what is loaded"
                )
        save_models([model for model in self.models if isinstance(model, Sequential)], path)

    @classmethod
    def load(
        cls, path: str | PathLike[str], custom_layers: Sequence[type[Layer]] = (), custom_objects: Any = None
    ) -> Ensemble:
        """Return the ensemble in a file that ``save`` wrote; ``custom_...`` are those of ``load_model``."""
        return cls(read_models(path, Known.of(custom_layers, custom_objects), Sequential))

    def members(self) -> list[Sequential]:
        lists = [[model] if isinstance(model, Sequential) else model.members() for model in self.models]
        return [model for members in lists for model in members]

    def _answers(self, x: Any, batch_size: int) -> Iterator[np.ndarray]:
        for model in self.models:
            yield model.predict(x, batch_size)


class ShiftAverage(AveragedPredictions):
    """One model that looks at each image several times, shifted by whole pixels.

    Parameters
    ----------
    model : Sequential
        A model of images.
    reach : int, default 1
        Images are shifted by -reach to reach pixels, down and to the right: (2 reach + 1)**2 times, 9 times for 1. What
        comes in at the edge is 0, the background.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> loss, accuracy = sc.ShiftAverage(model).evaluate(x[:20], y[:20])  # nine answers for each image
    """

    def __init__(self, model: Sequential, reach: int = 1) -> None:
        if not isinstance(model, Sequential):
            raise ValueError(f"model must be a Sequential, got {shown(model)}")
        if len(model.input_shape) != 3:
            raise ValueError(f"only images (H, W, C) can be shifted, the model takes samples {model.input_shape}")
        self.model, self.classes = model, classes(model.output_shape)
        self.reach = as_integer("reach", reach, 0)
        if self.reach >= min(model.input_shape[:2]):
            raise ValueError(f"reach must be less than the images' size, {model.input_shape[:2]}, got {reach}")

    def members(self) -> list[Sequential]:
        return [self.model]

    def _answers(self, x: Any, batch_size: int) -> Iterator[np.ndarray]:
        images = self.model.as_images(x)
        shifts = range(-self.reach, self.reach + 1)
        for down in shifts:
            for right in shifts:
                yield self.model.predict(shifted(images, down, right), batch_size)


def are_probabilities(answers: np.ndarray) -> bool:
    """Return whether rows sum to 1 and nothing is negative, NaN aside: what has diverged is no other kind of answer."""
    known = answers[~np.isnan(answers).any(axis=1)]
    return bool(np.all(known >= 0) and np.all(np.abs(known.sum(axis=1) - 1) < 1e-3))


def shifted(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return images (N, H, W, C) moved by whole pixels, with 0 where nothing comes in."""
    _, H, W, _ = images.shape
    result = np.zeros_like(images)
    to_rows, from_rows = _overlap(H, down)
    to_columns, from_columns = _overlap(W, right)
    result[:, to_rows, to_columns] = images[:, from_rows, from_columns]
    return result


def _overlap(extent: int, shift: int) -> tuple[slice, slice]:
    """Return where the pixels that stay in sight go to, and where they come from."""
    return slice(max(0, shift), extent + min(0, shift)), slice(max(0, -shift), extent - max(0, shift))


def _classes_of(model: Sequential | AveragedPredictions) -> int:
    return model.classes if isinstance(model, AveragedPredictions) else classes(model.output_shape)
