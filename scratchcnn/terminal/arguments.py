"""What is given to be shown in a terminal, and two columns of it beside each other."""

from __future__ import annotations

import re
import shutil
from typing import Any

import numpy as np

from ..checks.drawn import as_drawn

GAP = 3  # columns between two blocks
ESCAPES = re.compile("\x1b\\[[0-9;]*m")  # colours


def as_image(image: Any) -> np.ndarray:
    """Return an image (H, W) of float64; a ValueError where it is none, is empty, or has numbers that are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> as_image(np.zeros((28, 28, 1), np.uint8)).shape
    (28, 28)
    """
    expected = "an image (H, W) or (H, W, 1)"
    pixels = as_drawn("image", image, (2, 3), expected).astype(np.float64)
    if pixels.size == 0 or pixels.shape[2:] not in ((), (1,)):
        raise ValueError(f"image must be {expected}, got the shape {pixels.shape}")
    if not np.isfinite(pixels).all():
        raise ValueError("image must have finite pixels, got NaN or infinity; np.nan_to_num(image) replaces them")
    return pixels.reshape(pixels.shape[:2])


def as_row(probabilities: Any) -> np.ndarray:
    """Return the probabilities (K,) of one image; a ValueError where they are none."""
    expected = "a row of model.predict(images)"
    row = as_drawn("probabilities", probabilities, (1,), expected)
    if row.size == 0:
        raise ValueError(f"probabilities must be {expected}, got none")
    return row


def beside(left: list[str], right: list[str], width: int) -> str:
    """Return two blocks of lines side by side, the lower one centred; one below the other in a narrow terminal.

    Parameters
    ----------
    left, right : list of str
    width : int
        Of a line on the left, in columns: escape sequences take none.

    Examples
    --------
    >>> print(beside(["..", "..", ".."], ["right"], 2))
    ..
    ..   right
    ..
    """
    if width + GAP + max(len(ESCAPES.sub("", line)) for line in right) > shutil.get_terminal_size().columns:
        return "\n".join(line.rstrip() for line in [*left, "", *right])
    missing = len(left) - len(right)
    left = left + [" " * width] * -missing
    right = [""] * (missing // 2) + right + [""] * (missing - missing // 2)
    return "\n".join(f"{one}{GAP * ' '}{other}".rstrip() for one, other in zip(left, right, strict=True))
