"""The mini-batches of an epoch: which samples, in which order, gathered into one array and perhaps augmented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..data.augment import Annealed, Augmentation
from ..memory import aligned_empty
from ..network.network import Network
from .checks import is_ready


class Batch(NamedTuple):
    """What an update learns from."""

    images: np.ndarray  # (N, *input_shape)
    targets: np.ndarray  # N rows
    weights: np.ndarray | None = None  # (N,): how much each sample counts; None, all the same


class Batches:
    """The training samples of a model, in batches.

    Parameters
    ----------
    model : Network
        Its generator is drawn from: in each epoch a permutation, for each augmented batch a seed.
    x, y : ndarray
        Checked images (M, *input_shape) and targets.
    samples : int ndarray
        The numbers of those to train on.
    batch_size : int
    shuffling : bool
        Whether each epoch has an order of its own.
    augmentation : Augmentation, Annealed or None
    weights : ndarray, shape (M,), optional
        How much each sample counts.

    Attributes
    ----------
    size : int
        Samples in a batch; the last one may be smaller.
    """

    def __init__(
        self,
        model: Network,
        x: np.ndarray,
        y: np.ndarray,
        samples: np.ndarray,
        batch_size: int,
        shuffling: bool = True,
        augmentation: Augmentation | Annealed | None = None,
        weights: np.ndarray | None = None,
    ) -> None:
        self.size = min(batch_size, len(samples))
        self._model, self._x, self._y, self._weights, self._samples = model, x, y, weights, samples
        self._shuffling, self._augmentation = shuffling, augmentation
        self._order = samples
        self._starts = range(0, len(samples), self.size)
        self._converts = not is_ready(model, x)
        self._images = aligned_empty((self.size, *x.shape[1:]), model.dtype if self._converts else x.dtype)

    def __len__(self) -> int:
        return len(self._starts)

    def numbers(self, first: int = 0) -> Iterator[int]:
        """Yield the numbers of an epoch's batches, from ``first`` on."""
        return iter(range(first, len(self._starts)))

    @property
    def order(self) -> np.ndarray:
        """The samples of this epoch in their order; may be assigned, to go on with an epoch that was interrupted."""
        return self._order

    @order.setter
    def order(self, order: np.ndarray) -> None:
        self._order = order

    def fraction(self, number: int) -> float:
        """Return how much of an epoch lies before a batch."""
        return number / len(self._starts)

    def shuffle(self) -> None:
        """Begin an epoch."""
        if self._shuffling:
            with self._model.lock:
                self._order = self._model.rng.permutation(self._samples)

    def draw(self, number: int, progress: float = 0.0) -> Batch:
        """Return a batch of the epoch; its images are overwritten by the next one.

        ``progress``, from 0 to 1, is how far the training is, for an augmentation that weakens.
        """
        start = self._starts[number]
        chosen = self._order[start : start + self.size]
        images = self._images[: len(chosen)]
        source, places = self._x, chosen
        if self._converts:
            source, places = self._x[chosen].astype(self._model.dtype), np.arange(len(chosen))
        if self._augmentation is None:
            np.take(source, places, axis=0, out=images, mode="clip")  # the mode that does not copy first
        else:
            seed = int(self._model.rng.integers(2**64, dtype=np.uint64))
            self._augmentation.at(progress).gather(source, places, seed, images)
        return Batch(images, self._y[chosen], None if self._weights is None else self._weights[chosen])
