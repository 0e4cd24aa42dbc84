"""The range of the images that a model was trained on, and a warning where it is asked about others.

A network trained on bytes knows nothing about the same images divided by 255: it answers, and the answers are wrong.
Values alone cannot prove a mistake, but one of scale or sign leaves little doubt. What is dark, bright, constant,
noisy, or a little outside of what was seen in training passes without a word.

Letters: N images.
"""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..layers import Rescaling

LOOKED_AT = 256  # images, spread over the data: a range needs no more, and the data may be larger than the memory
SEVERAL = 16  # images whose darkest pixel says something about all of them
TIMES = 64  # a scale this far off is another scale: the usual mistakes are 127.5, 255 and 257
LEAST_PIXELS = 64  # of an image, 8 x 8: a sample of fewer numbers is a row of a table, where each has its own range
BRIGHT = 32  # bytes that reach this far use the range of bytes, 0 to 255, whatever their highest is


@dataclass(frozen=True)
class ImageRange:
    """What is remembered of training images.

    Attributes
    ----------
    low, high : float
        Their lowest and highest value.
    background : bool
        Whether a quarter of all values is the lowest, as in drawings: then no image is without it.
    """

    low: float
    high: float
    background: bool

    def __post_init__(self) -> None:
        for name, kind in (("low", float), ("high", float), ("background", bool)):  # they may come from a file
            object.__setattr__(self, name, kind(getattr(self, name)))

    @property
    def highest(self) -> float:
        """The highest absolute value."""
        return max(-self.low, self.high)

    def differs(self, x: np.ndarray, low: float, high: float) -> bool:
        """Return whether images x (N, ...) from ``low`` to ``high`` must have been made in another way."""
        span, most = self.high - self.low, max(-low, high)
        if low == high or span == 0 or most == 0:
            return False  # constant images have no scale
        if most * TIMES < self.highest and not _are_dark(x, high):
            return True
        missing = 0.1 if self.background else 0.4
        return (
            high > self.high + 1.5 * span
            or low < self.low - 0.9 * span
            or (low > self.low + missing * span and (self.background or len(x) >= SEVERAL))
        )


def _are_dark(x: np.ndarray, high: float) -> bool:
    """Return whether images of low values are counts of little light, rather than scaled or cut at a threshold."""
    if high >= 4 or (x.dtype.kind == "f" and (x % 1).any()):
        return False
    return high > 1 or bool(np.count_nonzero(x) < 0.02 * x.size)  # more ones than noise makes: a threshold


class Watched(Protocol):
    """What is asked here of a network: its layers, and places to remember things in."""

    layers: tuple[Any, ...]
    image_range: ImageRange | None
    warned_of_range: bool
    noticed_batches: int


def some_of(x: np.ndarray) -> np.ndarray:
    """Return at most ``LOOKED_AT`` of the images, spread over all of them."""
    return x[:: -(-len(x) // LOOKED_AT)]


def range_of(x: np.ndarray) -> ImageRange:
    """Return the range of images (N, ...): of some of them, where there are many."""
    x = some_of(x)
    low, high = x.min(), x.max()
    background = np.count_nonzero(x == low) >= 0.25 * x.size
    return ImageRange(float(low), 255.0 if x.dtype == np.uint8 and high >= BRIGHT else float(high), bool(background))


def check_range(model: Watched, x: np.ndarray, extent: tuple[float, float] | None) -> None:
    """Warn, once a model, of images that are not in the range that the model was trained on.

    Parameters
    ----------
    x : ndarray, shape (N, *input_shape)
        Images as ``model.forward`` takes them.
    extent : (lowest, highest) or None
        Of x, where that is known. A few bytes are not worth a look if the model was trained on bytes.
    """
    trained = model.image_range
    if trained is None or model.warned_of_range:
        return
    if extent is None:
        if len(x) < SEVERAL and trained.high > BRIGHT:
            return
        x = some_of(x)
        extent = float(x.min()), float(x.max())
    if trained.differs(x, *extent):
        _warn(
            model,
            f"the images range from {extent[0]:.6g} to {extent[1]:.6g}, but the model was trained on images from "
            f"{trained.low:.6g} to {trained.high:.6g}, so its answers are worth little; {_advice(trained, *extent)}",
        )


def _advice(trained: ImageRange, low: float, high: float) -> str:
    if low >= 0 and trained.low >= 0 and high <= 1 and trained.high == 255:
        return "multiply the images by 255"
    if low >= 0 and trained.low >= 0 and 1 < high <= 255 and trained.high <= 1:
        return "divide the images by 255"
    return "prepare them as the training images were"


def remember(model: Watched, x: np.ndarray, validation: np.ndarray | None = None) -> None:
    """Take note of the images that a model is about to be trained on.

    Warns of images that its ``Rescaling`` cannot be meant for, and of validation images in another range.
    """
    if x[0].size < LEAST_PIXELS:
        return
    seen = range_of(x)
    if not model.warned_of_range:
        _check_rescaling(model, seen)
    model.image_range = _united(model.image_range, seen)
    if validation is not None:
        some = some_of(validation)
        check_range(model, some, (float(some.min()), float(some.max())))


def notice(model: Watched, x: np.ndarray) -> None:
    """Take note of a batch that a model is trained on by hand: at the 4th, 8th, 16th, ... of them.

    What is trained on at most three batches has been tried out.
    """
    count = model.noticed_batches = model.noticed_batches + 1
    if count >= 4 and count & (count - 1) == 0 and x[0].size >= LEAST_PIXELS:
        model.image_range = _united(model.image_range, range_of(x))


def _united(before: ImageRange | None, seen: ImageRange) -> ImageRange:
    """Return the range of all training images; where they differ, of those that the model was trained on last."""
    if before is None or before.highest * TIMES < seen.highest or seen.highest * TIMES < before.highest:
        return seen if before is None or seen.highest else before
    return ImageRange(min(before.low, seen.low), max(before.high, seen.high), before.background and seen.background)


def _check_rescaling(model: Watched, seen: ImageRange) -> None:
    """Warn if the first layer makes nearly nothing, or far too much, of the training images."""
    first = model.layers[0]
    if not isinstance(first, Rescaling) or not 0 < abs(first.scale) <= 1 / TIMES**0.5:
        return
    factor, becomes = f"{1 / first.scale:.6g}", seen.highest * abs(first.scale)
    if 0 < becomes < 1 / TIMES:
        advice = f"remove the Rescaling, or give it images from 0 to {factor}"
    elif becomes > TIMES**0.5:
        advice = f"write Rescaling(1 / {seen.highest:.6g})"
    else:
        return
    _warn(
        model,
        f"the model is trained on images from {seen.low:.6g} to {seen.high:.6g}, but starts with a layer that divides "
        f"them by {factor}; {advice}",
    )


def _warn(model: Watched, message: str) -> None:
    model.warned_of_range = True
    package, level, frame = os.path.dirname(os.path.dirname(__file__)), 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, RuntimeWarning, stacklevel=level)
