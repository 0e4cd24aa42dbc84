"""Recipes: a network together with all that its training takes, so that what comes out is known.

A recipe is data and the few lines below are all there is to one. ``examples/train_recipe.py --recipe NAME`` follows it,
``benchmarks/bench_accuracy.py`` measures what it reaches over many seeds, and ``benchmarks/RESULTS.md`` lists that.

All was chosen on training images alone, but one thing: how is in ``benchmarks/RESULTS.md``, "How the recipes were
chosen", with what was tried and not taken.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .callbacks import Callback
from .callbacks.averaging import ExponentialMovingAverage
from .data.augment import Annealed, Augmentation
from .history import History
from .layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    MaxPool2D,
    ReLU,
    Rescaling,
)
from .losses import SoftmaxCrossEntropy
from .model import Sequential
from .optimizers import SGD, Adam, AdamW, Optimizer
from .schedules import CosineDecay, OneCycle, Schedule


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


def fast_network(classes: int) -> list[Layer]:
    """Return two small convolutions and a dense layer; 16 filters are one vector of AVX-512."""
    return [
        Rescaling(1 / 255),
        *(Conv2D(16, 5), ReLU(), MaxPool2D(2)),  # 28 x 28 x 1 -> 12 x 12 x 16
        *(Conv2D(32, 3), ReLU(), MaxPool2D(2)),  # -> 5 x 5 x 32
        *(Flatten(), Dense(64), ReLU(), Dense(classes)),
    ]


def keras_network(classes: int) -> list[Layer]:
    """Return the network of the Keras example "Simple MNIST convnet"."""
    return [
        Rescaling(1 / 255),
        *(Conv2D(32, 3), ReLU(), MaxPool2D(2)),  # 28 x 28 x 1 -> 13 x 13 x 32
        *(Conv2D(64, 3), ReLU(), MaxPool2D(2)),  # -> 5 x 5 x 64
        *(Flatten(), Dropout(0.5), Dense(classes)),
    ]


def tiny_network(classes: int) -> list[Layer]:
    """Return five convolutions with 7,250 parameters in all, a dense layer included.

    In this network and the next a normalisation comes after each max-pool, not before it. It is as good there, and
    convolution, ReLU and pool are neighbours: together they have a backward pass that costs a fraction.
    """
    return [
        Rescaling(1 / 255),
        *(Conv2D(8, 3), _norm(), ReLU()),  # 28 x 28 x 1 -> 26 x 26 x 8
        *(Conv2D(8, 3), ReLU(), MaxPool2D(2), _norm()),  # -> 12 x 12 x 8
        *(Conv2D(16, 3), _norm(), ReLU()),  # -> 10 x 10 x 16
        *(Conv2D(16, 3), ReLU(), MaxPool2D(2), _norm()),  # -> 4 x 4 x 16
        *(Conv2D(16, 3), _norm(), ReLU()),  # -> 2 x 2 x 16
        *(Flatten(), Dense(classes)),
    ]


def pictures_network(classes: int) -> list[Layer]:
    """Return the tiny network with twice as many filters: 27,218 parameters, a file of 130 kB."""
    return [
        Rescaling(1 / 255),
        *(Conv2D(16, 3), _norm(), ReLU()),  # 28 x 28 x 1 -> 26 x 26 x 16
        *(Conv2D(16, 3), ReLU(), MaxPool2D(2), _norm()),  # -> 12 x 12 x 16
        *(Conv2D(32, 3), _norm(), ReLU()),  # -> 10 x 10 x 32
        *(Conv2D(32, 3), ReLU(), MaxPool2D(2), _norm()),  # -> 4 x 4 x 32
        *(Conv2D(32, 3), _norm(), ReLU()),  # -> 2 x 2 x 32
        *(Flatten(), Dropout(0.2), Dense(classes)),
    ]


def best_network(classes: int) -> list[Layer]:
    """Return six convolutions; it ends in global average pooling over 192 filters.

    432,442 parameters, and 28 million multiply-adds an image.
    """
    return [
        Rescaling(1 / 255),
        *(Conv2D(32, 3), _norm(), ReLU()),  # 28 x 28 x 1 -> 26 x 26 x 32
        *(Conv2D(48, 3), ReLU(), MaxPool2D(2), _norm()),  # -> 12 x 12 x 48
        *(Conv2D(64, 3, padding="same"), _norm(), ReLU()),  # -> 12 x 12 x 64
        *(Conv2D(96, 3, padding="same"), ReLU(), MaxPool2D(2), _norm()),  # -> 6 x 6 x 96
        *(Conv2D(128, 3, padding="same"), _norm(), ReLU()),  # -> 6 x 6 x 128
        *(Conv2D(192, 3), _norm(), ReLU()),  # -> 4 x 4 x 192
        *(GlobalAveragePool2D(), Dropout(0.3), Dense(classes)),
    ]


def _norm() -> BatchNorm:
    """Return a normalisation that remembers the latest 10 batches, not 100: the weights move quickly."""
    return BatchNorm(momentum=0.9)


def lenet5_network(classes: int) -> list[Layer]:
    """Return LeNet-5 (LeCun et al. 1998) as it is built today: with ReLU, maxima and a plain last layer."""
    return [
        Rescaling(1 / 255),
        *(Conv2D(6, 5, padding="same"), ReLU(), MaxPool2D(2)),  # 28 x 28 x 1 -> 14 x 14 x 6
        *(Conv2D(16, 5), ReLU(), MaxPool2D(2)),  # -> 5 x 5 x 16
        *(Flatten(), Dense(120), ReLU(), Dense(84), ReLU(), Dense(classes)),
    ]


RECIPES = {
    # 99 % after a single look at each image. Adam forgets quickly here: there are only a few hundred updates.
    "fast": Recipe(
        network=fast_network,
        epochs=1,
        batch_size=128,
        schedule=lambda steps: OneCycle(0.015, steps),
        optimizer=lambda schedule: Adam(schedule, beta_1=0.7, beta_2=0.9),
        label_smoothing=0.1,
    ),
    # The network that everybody starts with, trained with more care than usual.
    "keras": Recipe(
        network=keras_network,
        epochs=10,
        batch_size=128,
        schedule=lambda steps: CosineDecay(0.005, steps, warmup_steps=steps // 20),
        optimizer=Adam,
        label_smoothing=0.1,
        augmentation=Augmentation(rotation=8, shift=1, zoom=0.08),
    ),
    # The most that fewer than 8,000 parameters reach.
    "tiny": Recipe(
        network=tiny_network,
        epochs=30,
        batch_size=128,
        schedule=lambda steps: OneCycle(0.01, steps),
        optimizer=lambda schedule: AdamW(schedule, weight_decay=0.01),
        augmentation=Augmentation(rotation=10, shift=1.5, zoom=0.1, shear=5),
        average=0.999,
    ),
    # For hands and fonts that MNIST has not: every image is turned, slanted and bent further than its writers did.
    "pictures": Recipe(
        network=pictures_network,
        epochs=20,
        batch_size=128,
        schedule=lambda steps: OneCycle(0.01, steps),
        optimizer=lambda schedule: AdamW(schedule, weight_decay=0.01),
        augmentation=Augmentation(rotation=18, shift=1.5, zoom=0.15, shear=12, elastic=(34, 5)),
        average=0.999,
    ),
    # The most that ten minutes reach, which are 22 epochs.
    "best": Recipe(
        network=best_network,
        epochs=22,
        batch_size=128,
        schedule=lambda steps: OneCycle(0.1, steps),
        optimizer=lambda schedule: SGD(schedule, momentum=0.9, nesterov=True, l2_penalty=5e-4),
        label_smoothing=0.05,
        augmentation=Augmentation(rotation=10, shift=1.5, zoom=0.1, shear=5),
        average=0.999,
    ),
}
