"""Advice for labels that are not class numbers.

Letters: N samples, K classes.
"""

from __future__ import annotations

import numpy as np

from .objects import become

MOST_CLASSES = 10_000  # that a model is advised to have


def for_shape(y: np.ndarray, samples: int, classes: int, expression: str) -> str:
    """Return what labels that are not (N,) are, and advice."""
    if y.ndim == 2 and y.shape[1] > 1 and (len(y) > 1 or len(y) == samples):
        return _for_rows(y, classes, expression)
    if y.size == samples:
        return (
            f"an array of shape {y.shape}; pass {expression}.reshape(-1)"
            if y.ndim == 0
            else (f"an array of shape {y.shape}; pass {expression}.ravel()")
        )
    hint = "; images come first, labels second" if y.ndim > 2 else ""
    return f"an array of shape {y.shape}{hint}"


def _for_rows(y: np.ndarray, classes: int, expression: str) -> str:
    """Say what rows of numbers are: one-hot only if each holds a single 1 among zeros."""
    if y.dtype.kind not in "biuf":
        return f"an array {y.shape} of dtype {y.dtype}"
    ones = np.count_nonzero(y == 1, axis=1)
    if ((y == 0) | (y == 1)).all():
        if (ones == 1).all():
            if y.shape[1] > classes and y.argmax(axis=1).max() >= classes:
                return (
                    f"one-hot rows {y.shape} of more classes than the model has outputs; end it with "
                    f"Dense({y.shape[1]}), and pass {expression}.argmax(axis=1)"
                )
            return f"one-hot rows {y.shape}; pass {expression}.argmax(axis=1)"
        return (
            f"rows {y.shape} of zeros and ones, of which {int((ones != 1).sum())} do not hold one 1: not one class each"
        )
    if y.dtype.kind == "f" and (y >= 0).all() and np.allclose(y.sum(axis=1), 1, atol=1e-3):
        return f"rows {y.shape} of probabilities, not one class each"
    return f"an array of shape {y.shape}"


def for_dtype(y: np.ndarray, classes: int, expression: str) -> str:
    """Return advice for labels (N,) that are no integers."""
    if y.dtype.kind == "f" and (wrong := np.flatnonzero(~(y == np.floor(y)) | np.isinf(y))).size:
        return f": label {wrong[0]} is {y[wrong[0]]}"
    if y.dtype.kind in "bf":
        return f"; pass {expression}.astype(int)"
    if y.dtype.kind in "OUST":
        if become(y, float) and (y.astype(float) == np.floor(y.astype(float))).all() and become(y, int):
            return f"; pass {expression}.astype(int)"
        return _numbered(y, classes, expression)
    return ""


def for_range(y: np.ndarray, classes: int, expression: str) -> str:
    """Return advice for integer labels (N,) of which some are no class numbers."""
    lowest, highest = int(y.min()), int(y.max())
    if lowest == 1 and highest == classes:
        return f"; classes are counted from 0: pass {expression} - 1"
    if advice := _numbered(y, classes, expression):
        return advice
    if 0 <= lowest and highest < MOST_CLASSES:
        return f"; if there are classes up to {highest}, end the model with Dense({highest + 1})"
    return ""


def _numbered(y: np.ndarray, classes: int, expression: str) -> str:
    """Return advice to number the classes, if there are as many as the model has outputs."""
    try:
        found = len(np.unique(y))
    except TypeError:  # labels of several kinds, which cannot be sorted
        return ""
    return f"; to number the classes pass np.unique({expression}, return_inverse=True)[1]" if found == classes else ""
