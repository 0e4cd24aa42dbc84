"""What is given to be drawn: a wrong kind is refused by name, before matplotlib complains of something else."""

from __future__ import annotations

from typing import Any

import numpy as np

from .messages import shown

CLASS_NUMBERS = "class numbers (N,); np.unique(names, return_inverse=True)[1] makes them of names"


def require_drawn(name: str, value: Any, kind: type | tuple[type, ...], expected: str) -> None:
    """Raise a ValueError that says what an argument must be if it is not of that kind."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} must be {expected}, got {shown(value, 100)}")


def as_drawn(name: str, value: Any, axes: tuple[int, ...], expected: str) -> np.ndarray:
    """Return real numbers as an array of one of the counts of axes; a ValueError that says what is expected else."""
    try:
        array = np.asarray(value)
    except Exception as error:  # rows of unequal lengths, or whatever an object's conversion raises
        raise ValueError(f"{name} must be {expected}, got {shown(value, 100)}") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be {expected}, got {shown(value, 100)}")
    if array.ndim not in axes:
        raise ValueError(f"{name} must be {expected}, got the shape {array.shape}")
    return array


def as_pictures(images: Any) -> np.ndarray:
    """Return images that can be drawn, (N, H, W) or with 1, 3 or 4 channels; a ValueError else."""
    expected = "images (N, H, W), (N, H, W, 1) or (N, H, W, 3), at least one"
    images = as_drawn("images", images, (3, 4), expected)
    if images.size == 0 or (images.ndim == 4 and images.shape[3] not in (1, 3, 4)):
        raise ValueError(f"images must be {expected}, got the shape {images.shape}")
    return images
