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


def as_class_numbers(name: str, values: Any, classes: int | None = None) -> np.ndarray:
    """Return class numbers as int64 (N,), perhaps none, below ``classes`` if there is a limit; a ValueError else."""
    numbers = as_drawn(name, values, (1, 2), CLASS_NUMBERS)
    if numbers.ndim == 2:
        raise ValueError(f"{name} must be class numbers (N,), got {_of_rows(name, numbers)}")
    if not numbers.size:
        return numbers.astype(np.int64)
    if numbers.dtype.kind == "f" and not (np.isfinite(numbers) & (numbers == np.rint(numbers))).all():
        raise ValueError(f"{name} must be class numbers (N,), got {shown(values, 100)}")
    if numbers.min() < 0:
        raise ValueError(f"{name} must be class numbers from 0 on, got {numbers.min():g}")
    if classes is not None and numbers.max() >= classes:
        raise ValueError(f"{name} must lie between 0 and {classes - 1}, got {numbers.max():g}")
    return numbers.astype(np.int64)


def _of_rows(name: str, rows: np.ndarray) -> str:
    """Return what a table is that was given for class numbers, and how to make them of it."""
    if rows.shape[1] != 1:
        return f"rows {rows.shape} of a number for each class; pass {name}.argmax(axis=1)"
    if rows.dtype.kind == "f" and np.any(rows != np.rint(rows)):
        return (
            f"one number for each image {rows.shape}; of probabilities of yes pass ({name}.ravel() > 0.5).astype(int)"
        )
    return f"an array of shape {rows.shape}; pass {name}.ravel()"


def as_pictures(images: Any) -> np.ndarray:
    """Return images that can be drawn, (N, H, W) or with 1, 3 or 4 channels; a ValueError else."""
    expected = "images (N, H, W), (N, H, W, 1) or (N, H, W, 3), at least one"
    images = as_drawn("images", images, (3, 4), expected)
    if images.size == 0 or (images.ndim == 4 and images.shape[3] not in (1, 3, 4)):
        raise ValueError(f"images must be {expected}, got the shape {images.shape}")
    return images
