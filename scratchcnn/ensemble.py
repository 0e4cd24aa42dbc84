"""An ensemble: several networks that answer together."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from typing import Any

import numpy as np

from .averaged_predictions import AveragedPredictions
from .checks.messages import shown
from .layers.base import Layer
from .losses.classification import classes
from .model import Sequential, load_model
from .saving.known import Known
from .saving.several import read_models, save_models


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


def _classes_of(model: Sequential | AveragedPredictions) -> int:
    return model.classes if isinstance(model, AveragedPredictions) else classes(model.output_shape)
