"""Test-time augmentation: one network that is asked about each image several times, slightly shifted, or mirrored.

Letters: N images, H W height and width, C channels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from .averaged_predictions import AveragedPredictions
from .checks.inputs import as_integer
from .checks.messages import shown
from .checks.settings import yes_or_no
from .losses.classification import classes
from .model import Sequential


class ShiftAverage(AveragedPredictions):
    """One model that looks at each image several times, shifted by whole pixels, and mirrored if you like.

    Parameters
    ----------
    model : Sequential
        A model of images.
    reach : int, default 1
        Images are shifted by -reach to reach pixels, down and to the right: (2 reach + 1)**2 times, 9 times for 1. What
        comes in at the edge is 0, the background.
    horizontal_flip : bool, default False
        Whether to look at each of these a second time, mirrored left to right. For images that mean the same in a
        mirror (clothes, not digits), and models trained with ``Augmentation(horizontal_flip=True)``.

    Raises
    ------
    ValueError
        If ``model`` is no ``Sequential`` of images, or ``reach`` not less than their size.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> loss, accuracy = sc.ShiftAverage(model).evaluate(x[:20], y[:20])  # nine answers for each image
    >>> answers = sc.ShiftAverage(model, reach=0, horizontal_flip=True).predict(x[:20])  # two
    """

    def __init__(self, model: Sequential, reach: int = 1, horizontal_flip: bool = False) -> None:
        if not isinstance(model, Sequential):
            raise ValueError(f"model must be a Sequential, got {shown(model)}")
        if len(model.input_shape) != 3:
            raise ValueError(f"only images (H, W, C) can be shifted, the model takes samples {model.input_shape}")
        self.model, self.classes = model, classes(model.output_shape)
        self.reach = as_integer("reach", reach, 0)
        if self.reach >= min(model.input_shape[:2]):
            raise ValueError(f"reach must be less than the images' size, {model.input_shape[:2]}, got {reach}")
        self.horizontal_flip = yes_or_no("ShiftAverage: horizontal_flip", horizontal_flip)

    def members(self) -> list[Sequential]:
        return [self.model]

    def _answers(self, x: Any, batch_size: int) -> Iterator[np.ndarray]:
        images = self.model.as_images(x)
        shifts = range(-self.reach, self.reach + 1)
        for down, right in itertools.product(shifts, shifts):
            seen = shifted(images, down, right)
            yield self.model.predict(seen, batch_size)
            if self.horizontal_flip:
                yield self.model.predict(np.ascontiguousarray(seen[:, :, ::-1]), batch_size)


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
