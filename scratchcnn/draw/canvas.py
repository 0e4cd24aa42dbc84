"""From the drawing board of the page to the input of a network."""

from __future__ import annotations

import numpy as np

from ..pictures.prepare import as_mnist, cropped
from ..types import Pair

SIDE = 280  # pixels of the drawing that the page sends, down and across
INK = 128  # of a pixel's 255, that is


def prepared(drawing: np.ndarray, shape: Pair) -> np.ndarray | None:
    """Return the input of a network for a drawing, made as MNIST's makers made theirs; None without ink.

    Parameters
    ----------
    drawing : ndarray of uint8, shape (SIDE, SIDE)
        From 0, paper, to 255, ink.
    shape : (int, int)
        Height and width of the input. Where it is not 28 x 28, what was made is enlarged or reduced to fit.

    Returns
    -------
    ndarray of uint8, or None

    Examples
    --------
    >>> drawing = np.zeros((SIDE, SIDE), np.uint8)
    >>> prepared(drawing, (28, 28)) is None
    True
    >>> drawing[20:220, 30:50] = 255  # a stroke, 200 pixels long and off the centre
    >>> rows = np.flatnonzero(prepared(drawing, (28, 28)).any(axis=1))
    >>> int(rows[0]), int(rows[-1])  # 20 pixels long and in the middle
    (4, 23)
    """
    if not (drawing >= INK).any():
        return None
    image = as_mnist(cropped(drawing / np.float32(255)))  # (28, 28)
    if image.shape == shape:
        return image
    from PIL import Image

    side = min(shape)
    top, left = (shape[0] - side) // 2, (shape[1] - side) // 2
    other = np.zeros(shape, np.uint8)
    resized = Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR)
    other[top : top + side, left : left + side] = np.asarray(resized)
    return other
