"""Read the digits in a picture with a network.

Letters: K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..averaged_predictions import AveragedPredictions, are_probabilities
from ..checks.messages import shown
from ..network.network import Network
from .errors import PictureError
from .finding import Found, find_digits
from .packaged import packaged_model

COMPARABLE = 0.6  # of the tallest digit's height: another one, not a blot


@dataclass(frozen=True)
class Digit:
    """A digit that was read.

    Attributes
    ----------
    label : int
        The most probable class.
    probabilities : ndarray of float32, shape (K,)
        Of each class.
    image : ndarray of uint8, shape (28, 28)
        What the network sees: ink is 255, as in MNIST.
    box : (int, int, int, int)
        Left, top, right and bottom in pixels of the upright picture, the latter two exclusive.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> digit = sc.read_digit(x[0])
    >>> digit.label == int(y[0]), digit.image.shape, len(digit.probabilities)
    (True, (28, 28), 10)
    """

    label: int
    probabilities: np.ndarray
    image: np.ndarray
    box: tuple[int, int, int, int]


def read_digit(picture: Any, model: Any = None) -> Digit:
    """Read the one digit in a picture.

    Parameters
    ----------
    picture : path-like, PIL.Image or array_like
        A photograph, a scan, a screenshot, a drawing: dark on light or light on dark. Arrays are (H, W), (H, W, 3) or
        (H, W, 4), of uint8, of uint16, or of floats from 0 to 1. An image of MNIST is one of them.
    model : Sequential or Ensemble, optional
        One that was trained on MNIST or its relatives: images of 28 x 28 pixels, 0 to 255. The default is the packaged
        one, ``sc.pictures.packaged_model()``.

    Returns
    -------
    Digit
        What it is, how probable each class is, what the network saw, and where it was.

    Raises
    ------
    PictureError
        If the picture cannot be read, has no ink, or has several digits.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> page = np.full((300, 400), 200, np.uint8)  # grey paper
    >>> page[100:212, 50:162] -= np.repeat(np.repeat(x[0], 4, axis=0), 4, axis=1) // 2  # dark ink
    >>> sc.read_digit(page).label == int(y[0])
    True
    """
    found = find_digits(picture)
    heights = np.array([each.box[3] - each.box[1] for each in found])
    tall = np.flatnonzero(heights >= COMPARABLE * heights.max())
    if len(tall) > 1:
        raise PictureError(
            f"the picture has {len(tall)} digits, expected one; sc.read_digits(picture) reads them all, or cut one out"
        )
    return _read([found[tall[0]]], model)[0]


def read_digits(picture: Any, model: Any = None) -> list[Digit]:
    """Read the digits in a picture, line by line, from left to right.

    Digits that touch are taken for one.

    Parameters
    ----------
    picture, model
        As for ``read_digit``.

    Returns
    -------
    list of Digit
        At least one.

    Raises
    ------
    PictureError
        If the picture cannot be read, has no ink, or more pieces of it than can be digits.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> row = np.concatenate([np.pad(image, 4) for image in x[:3]], axis=1)  # side by side: (36, 108)
    >>> [digit.label for digit in sc.read_digits(row)] == y[:3].tolist()
    True
    """
    return _read(find_digits(picture), model)


def _read(found: Sequence[Found], model: Any) -> list[Digit]:
    network = packaged_model() if model is None else _checked(model)
    digits = []
    for each in found:  # one by one: kernels are made for a size of batch
        probabilities = _probabilities(network.predict(as_trained(network, each.image[np.newaxis, :, :, np.newaxis])))
        digits.append(Digit(int(probabilities.argmax()), probabilities, each.image, each.box))
    return digits


def as_trained(model: Any, images: np.ndarray) -> np.ndarray:
    """Return images of bytes (N, H, W, 1) as a model was trained to take them: bytes, or numbers up to 1 or so."""
    if isinstance(model, AveragedPredictions):
        model = model.members()[0]
    if not isinstance(model, Network) or model.takes_bytes:
        return images
    seen = model.image_range
    if seen is not None and seen.high > 2:
        return images
    low, high = (0.0, 1.0) if seen is None else (seen.low, seen.high)
    return (low + images * ((high - low) / 255)).astype(model.dtype)


def _probabilities(answers: Any) -> np.ndarray:
    """Return the probability of each class (K,) that a model answered one image with; a ValueError where it is none."""
    answers = np.asarray(answers)
    if answers.ndim != 2 or answers.shape[1] < 2 or np.isnan(answers).any() or not are_probabilities(answers):
        raise ValueError(
            "model must answer with the probability of each class, as one does that ends in sc.Dense(10) and was "
            f"trained with sc.SoftmaxCrossEntropy() on digits; this one answered {shown(answers.tolist(), 60)}"
        )
    return answers[0]


def _checked(model: Any) -> Any:
    """Return a model that takes images of 28 x 28 pixels; a ValueError else."""
    if not hasattr(model, "predict"):
        raise ValueError(
            f"model must be a Sequential or an Ensemble, got {shown(model)}; sc.load_model(path) gives one"
        )
    if isinstance(model, Network) and model.input_shape != (28, 28, 1):
        raise ValueError(f"model must take images (28, 28, 1), this one takes {model.input_shape}")
    return model
