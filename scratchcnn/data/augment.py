"""Augmentation: what may happen to an image without making it another digit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from .. import ops
from ..checks.advice.objects import as_array, for_dtype, held
from ..checks.habits import KnownArguments
from ..checks.inputs import as_contiguous, as_indices, as_integer
from ..checks.messages import shown
from ..checks.settings import yes_or_no


@dataclass(frozen=True)
class Augmentation(KnownArguments):
    """Random distortions of images, other ones each time an image is seen.

    A digit stays the same digit when it is turned or moved a little. A network that is shown it so learns this, as if
    there were many more images to learn from. Each image is slanted, resized, turned about its centre, moved and bent,
    each by its own random amounts; all at once, so that it is sampled, and blurred, only once. What comes from outside
    is 0, the background.

    Pass one to ``model.fit(..., augmentation=...)``. Validation and test images are not augmented.

    Parameters
    ----------
    rotation : float, default 0
        The largest angle, either way, in degrees; at most 180.
    shift : float, default 0
        The farthest that an image moves along each axis, either way, in pixels.
    zoom : float, default 0
        Height and width are multiplied by the same number between 1 - zoom and 1 + zoom; in [0, 1).
    shear : float, default 0
        The largest slant, to the right or to the left, in degrees; below 90.
    elastic : (alpha, sigma), optional
        Elastic distortion (Simard et al. 2003): each pixel is displaced at random, and neighbours nearly alike. With
        sigma of at least 1 pixel, the smoothness, pixels about two sigma apart are displaced independently; each of a
        displacement's two components has the standard deviation alpha / (sigma sqrt(12 pi)), in pixels. The paper's
        (34, 4) gives 1.4 pixels.

    horizontal_flip : bool, default False
        Whether half of the images are mirrored, left to right. For cats and ships, not for digits.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile()
    >>> augmentation = sc.data.Augmentation(rotation=10, shift=2, zoom=0.1, elastic=(34, 4))
    >>> distorted = augmentation(x[:8], seed=1)
    >>> history = model.fit(x[:64], y[:64], augmentation=augmentation, verbose=0)
    """

    rotation: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    elastic: tuple[float, float] | None = None
    horizontal_flip: bool = False

    def __post_init__(self) -> None:
        _require_number("rotation", self.rotation, "an angle from 0 to 180 degrees", lambda angle: 0 <= angle <= 180)
        _require_number("shift", self.shift, "of pixels along each axis, at least 0", lambda far: 0 <= far < math.inf)
        _require_number("zoom", self.zoom, "a fraction, at least 0 and below 1", lambda part: 0 <= part < 1)
        _require_number("shear", self.shear, "an angle, at least 0 and below 90 degrees", lambda angle: 0 <= angle < 90)
        object.__setattr__(self, "horizontal_flip", yes_or_no("Augmentation: horizontal_flip", self.horizontal_flip))
        if self.elastic is not None:
            expected = "a pair (alpha, sigma) with alpha at least 0 and sigma at least 1, or None"
            is_pair = isinstance(self.elastic, tuple | list) and len(self.elastic) == 2
            _require("elastic", self.elastic, expected, is_pair and all(map(_is_number, self.elastic)))
            alpha, sigma = self.elastic
            _require("elastic", self.elastic, expected, 0 <= alpha < math.inf and 1 <= sigma < math.inf)

    def __call__(self, images: Any, seed: int = 0) -> np.ndarray:
        """Return distorted copies of some images, for a look at them or for a training loop of your own.

        Parameters
        ----------
        images : array_like, shape (N, H, W) or (N, H, W, C)
            uint8 or floating point; others are converted to float32.
        seed : int, default 0
            In [0, 2**64). The same seed gives the same distortions, image by image.

        Returns
        -------
        ndarray
            A new array of the same shape and dtype.
        """
        given, images = images, as_array(images, "images", "x")
        if images.dtype.kind not in "biuf":
            raise ValueError(
                f"images must be real numbers, got an array of dtype {shown(images.dtype)}"
                f"{for_dtype(images, 'x', given)}"
            )
        if images.dtype not in (np.uint8, np.float32, np.float64):
            images = images.astype(np.float32)
        if images.ndim not in (3, 4):
            alone = f"; one image alone needs a batch axis: pass {held(given, 'x')}[np.newaxis]"
            raise ValueError(
                f"Augmentation takes images (N, H, W) or (N, H, W, C), got shape {images.shape}"
                f"{alone if images.ndim == 2 else ''}"
            )
        if images.ndim == 3 and images.shape[2] in (1, 3) and images.shape[1] > 4:
            raise ValueError(
                f"images {images.shape} may be one image (H, W, C), or pictures (N, H, W) of so few columns: pass "
                f"{held(given, 'x')}[np.newaxis] for the one, {held(given, 'x')}[..., np.newaxis] for the others"
            )
        if images.size == 0:
            return images.copy()
        with_channels = as_contiguous(images if images.ndim == 4 else images[..., np.newaxis])
        out = np.empty_like(with_channels)
        self.gather(with_channels, np.arange(len(images)), seed, out)
        return out.reshape(images.shape)

    def gather(self, images: np.ndarray, indices: np.ndarray, seed: int, out: np.ndarray) -> None:
        """Compute out[i] = images[indices[i]], distorted: what ``fit`` makes its batches with.

        Parameters
        ----------
        images : ndarray, shape (M, H, W, C)
            uint8, float32 or float64, C-contiguous.
        indices : array_like of int, shape (N,)
            Which of them, from 0 to M - 1.
        seed : int
            In [0, 2**64).
        out : ndarray, shape (N, H, W, C)
            Of the images' dtype, C-contiguous, not a part of the images; written. uint8 is rounded to the nearest.

        Raises
        ------
        ValueError
            If the arrays or the seed are not as described.
        IndexError
            If an index is not the number of an image.
        """
        seed = _as_seed(seed)
        indices = as_indices(indices, len(images))
        limits = self.rotation, self.shift, self.zoom, self.shear, self.elastic or (0.0, 0.0)
        distortion = ops.Distortion(*limits, self.horizontal_flip)
        ops.augment(images, indices, seed, distortion, out=out)

    def scaled(self, strength: float) -> Augmentation:
        """Return this augmentation with all its limits, and its elastic ``alpha``, multiplied by ``strength``.

        Mirror images are not weakened: at any strength half of them are.

        Parameters
        ----------
        strength : float
            In [0, 1].
        """
        _require("strength", strength, "a fraction from 0 to 1", _is_number(strength) and 0 <= strength <= 1)
        return replace(
            self,
            rotation=strength * self.rotation,
            shift=strength * self.shift,
            zoom=strength * self.zoom,
            shear=strength * self.shear,
            elastic=self.elastic and (strength * self.elastic[0], self.elastic[1]),
        )

    def at(self, progress: float) -> Augmentation:
        """Return the augmentation for a moment of a training, as ``Annealed.at`` does: always this one."""
        return self


@dataclass(frozen=True)
class Annealed:
    """An augmentation that weakens evenly while a model is trained, from its full strength to nothing at the end.

    Distortions keep a network from learning the training images by heart, but distorted images are not those that it
    will be asked about. So it learns from many kinds of images at first, and at last, when the learning rate is low and
    nothing is learnt by heart any more, from the real ones (He et al. 2019, "Data augmentation revisited", who end a
    training without the strongest distortions).

    Pass one to ``model.fit(..., augmentation=...)``. The end is that of the last of ``epochs``: to continue a training,
    pass the same ``epochs`` again, and an ``initial_epoch``.

    Parameters
    ----------
    augmentation : Augmentation
        What the training begins with.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> annealed = sc.data.Annealed(sc.data.Augmentation(rotation=20, shift=3))
    >>> annealed.at(0.5)  # as in the middle of the training
    Augmentation(rotation=10.0, shift=1.5, zoom=0.0, shear=0.0, elastic=None, horizontal_flip=False)
    """

    augmentation: Augmentation

    def __post_init__(self) -> None:
        is_one = isinstance(self.augmentation, Augmentation)
        _require("augmentation", self.augmentation, "an Augmentation, such as Augmentation(rotation=10)", is_one)

    def at(self, progress: float) -> Augmentation:
        """Return the augmentation for a moment of a training.

        Parameters
        ----------
        progress : float
            How much of the training is done, from 0 to 1.
        """
        _require("progress", progress, "a fraction from 0 to 1", _is_number(progress) and 0 <= progress <= 1)
        return self.augmentation.scaled(1 - progress)


def _as_seed(seed: Any) -> int:
    number = as_integer("seed", seed, 0)
    if number >= 2**64:
        raise ValueError(f"seed must lie in [0, 2**64), got {shown(seed)}")
    return number


def _is_number(value: Any) -> bool:
    """Return whether a value is a real number; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _require_number(name: str, value: Any, expected: str, is_as_expected: Callable[[float], bool]) -> None:
    _require(name, value, f"one number, {expected}", _is_number(value) and is_as_expected(value))


def _require(name: str, value: Any, expected: str, is_as_expected: bool) -> None:
    if not is_as_expected:
        raise ValueError(f"Augmentation: {name} must be {expected}, got {shown(value)}")
