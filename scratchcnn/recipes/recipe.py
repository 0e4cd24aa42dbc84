"""What a recipe is: a network together with all that its training takes, and how what comes out is told apart."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..callbacks import Callback
from ..callbacks.averaging import ExponentialMovingAverage
from ..data.augment import Annealed, Augmentation
from ..history import History
from ..layers import Layer
from ..losses import SoftmaxCrossEntropy
from ..model import Sequential
from ..optimizers import Optimizer
from ..schedules import Schedule


@dataclass(frozen=True)
class Recipe:
    """How to train a network.

    Parameters
    ----------
    network : function
        ``network(classes)`` makes the layers, new ones each time.
    epochs, batch_size : int
        For ``fit``.
    schedule : function
        ``schedule(steps)`` makes the learning rate of a training of ``steps`` updates.
    optimizer : function
        ``optimizer(schedule)`` makes the optimizer.
    label_smoothing : float, default 0
        Of the loss.
    augmentation : Augmentation or Annealed, optional
        Random distortions of the training images.
    average : float, default 0
        Decay of an ``ExponentialMovingAverage`` of the weights, which the model then ends with; 0 for none.

    Examples
    --------
    >>> import dataclasses
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> recipe = dataclasses.replace(sc.recipes.RECIPES["keras"], network=sc.recipes.tiny_network, epochs=1)
    >>> model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1), seed=0)
    >>> history = recipe.train(model, x[:64], y[:64], verbose=0)
    """

    network: Callable[[int], list[Layer]]
    epochs: int
    batch_size: int
    schedule: Callable[[int], Schedule]
    optimizer: Callable[[Schedule], Optimizer]
    label_smoothing: float = 0.0
    augmentation: Augmentation | Annealed | None = None
    average: float = 0.0

    def train(
        self,
        model: Sequential,
        x: Any,
        y: Any,
        *,
        validation_split: float = 0.0,
        callbacks: Iterable[Callback] = (),
        verbose: int | str = "auto",
    ) -> History:
        """Compile a model and train it; the arguments are those of ``fit``."""
        self.compile(model, samples=len(x) - round(len(x) * validation_split))
        averaging = [ExponentialMovingAverage(self.average)] if self.average else []
        return model.fit(
            x,
            y,
            epochs=self.epochs,
            batch_size=self.batch_size,
            validation_split=validation_split,
            verbose=verbose,
            callbacks=[*averaging, *callbacks],
            augmentation=self.augmentation,
        )

    def compile(self, model: Sequential, samples: int) -> None:
        """Compile a model for being trained on ``samples`` samples."""
        steps = self.epochs * math.ceil(samples / self.batch_size)
        model.compile(self.optimizer(self.schedule(steps)), SoftmaxCrossEntropy(self.label_smoothing))


def checksum(*models: Sequential) -> str:
    """Return the SHA-256 of all weights, of several models one after the other: equal only if all bits are.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Flatten()], input_shape=(28, 28, 1))
    >>> sc.recipes.checksum(model)[:8]  # of no weights
    'e3b0c442'
    """
    return hashlib.sha256(b"".join(array.tobytes() for model in models for array in model.get_weights())).hexdigest()
