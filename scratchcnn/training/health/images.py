"""Some images of the latest epoch, as they were trained on: of batches spread over it, copied as they came by."""

from __future__ import annotations

import numpy as np

from ...network.network import Network
from ..batches import Batch

MOST = 512  # images that are looked at
FEWEST = 128  # as many cost nothing that is felt, where the layers are those of the library
MOST_BYTES = 2**24
SHARE = 100  # images trained on for each one that is looked at: a forward pass costs a third of a step


class Images:
    """Images of the latest epoch and their targets.

    Parameters
    ----------
    model : Network
    """

    def __init__(self, model: Network) -> None:
        self._model, self._seen, self._every, self._most = model, 0, 0, 0
        self._kept: list[tuple[np.ndarray, np.ndarray]] = []
        self._count = 0

    def begin(self, steps: int) -> None:
        """Begin an epoch of ``steps`` batches, 0 where nobody knows."""
        self._steps, self._every = steps, 0
        self._kept, self._count = [], 0

    def add(self, number: int, batch: Batch) -> None:
        """Take in a batch, if it is one to be looked at. Samples that count nothing are left out."""
        images, targets, weights = batch
        self._seen += len(images)
        if not self._every:
            size = max(1, images.nbytes // len(images))
            self._most = max(1, min(MOST, MOST_BYTES // size))
            self._every = max(1, self._steps * len(images) // self._most)
        if number % self._every or self._count >= self._most:
            return
        counting = slice(self._most - self._count) if weights is None else np.flatnonzero(weights)
        images, targets = images[counting][: self._most - self._count], targets[counting]
        if len(images):
            self._kept.append((images.copy(), targets[: len(images)].copy()))
            self._count += len(images)

    @property
    def extent(self) -> float:
        """The largest pixel of those that are looked at, 0 of none."""
        return max((float(np.abs(images).max()) for images, _ in self._kept), default=0.0)

    def batches(self, fewest: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return what was kept, (N, *input_shape) and N targets at a time: at most a share of what was trained on."""
        wanted, found = max(fewest, self._seen // SHARE), []
        for images, targets in self._kept:
            if wanted > 0:
                found.append((images[:wanted], targets[:wanted]))
            wanted -= len(images)
        return found
