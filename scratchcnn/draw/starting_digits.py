"""Digits to start from: those of the bundled test set."""

from __future__ import annotations

import functools
import random

import numpy as np

from ..data.datasets import load_data
from .network_view import NetworkView


class StartingDigits:
    """Test images, drawn at random; only for networks that could have been trained on such.

    Parameters
    ----------
    view : NetworkView

    Attributes
    ----------
    available : bool
        Whether the network takes 28 x 28 pixels and knows ten classes.
    """

    def __init__(self, view: NetworkView) -> None:
        self.available = view.model.input_shape == (28, 28, 1) and view.classes == 10

    def draw(self, class_: int | None) -> tuple[int, np.ndarray, int]:
        """Return the number of an image, the image (28, 28) and its label, of the class asked for or of any."""
        images, labels = _digits()
        place = random.choice(range(len(labels)) if class_ is None else np.flatnonzero(labels == class_))
        return int(place), images[place], int(labels[place])


@functools.cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    return load_data("digits")[1]
