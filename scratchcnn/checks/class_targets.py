"""Targets of a classifier, in the forms that people have them. Letters: N samples, K classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .advice.objects import as_array
from .inputs import as_contiguous, as_labels
from .messages import shown

SUM_TOLERANCE = 1e-3  # of a row of probabilities


def as_class_targets(
    y: Any, samples: int, classes: int, ignored: int | None = None, keep_rows: bool = False
) -> np.ndarray:
    """Return class numbers as an int64 array (N,), or rows of probabilities as floats (N, K); ``y`` where it is that.

    Parameters
    ----------
    y : array_like
        Class numbers (N,) or (N, 1); rows (N, K), one-hot, which become class numbers, or of probabilities.
    samples, classes : int
        N and K.
    ignored : int, optional
        A number that stands for "no class".
    keep_rows : bool
        Whether one-hot rows stay rows.

    Raises
    ------
    ValueError
        If these are no such targets.
    """
    given = y
    if type(y) is not np.ndarray or y.ndim != 1:
        y = as_array(y, "labels", "y")
        if y.ndim == 2 and len(y) == samples and y.dtype.kind in "biuf":
            if y.shape[1] == 1 and y.dtype.kind in "iu":
                given = y = y[:, 0]
            elif y.shape[1] == classes and classes > 1:
                rows = _as_rows(y, keep_rows)
                if rows is not None:
                    return rows
    if ignored is None or y.dtype.kind not in "iu" or y.ndim != 1:
        return as_labels(given, samples, classes)
    as_labels(np.where(y == ignored, 0, y), samples, classes)  # raises
    return as_contiguous(y, np.int64)


def _as_rows(y: np.ndarray, keep_rows: bool) -> np.ndarray | None:
    """Return one-hot rows as class numbers, rows of probabilities as they are, and None for any others."""
    if ((y == 0) | (y == 1)).all():
        if not (np.count_nonzero(y, axis=1) == 1).all():
            return None
        return y.argmax(axis=1) if not keep_rows else y if y.dtype.kind == "f" else y.astype(np.float64)
    if y.dtype.kind != "f":
        return None
    sums = y.sum(axis=1)
    wrong = np.flatnonzero(~((y >= 0).all(axis=1) & (np.abs(sums - 1) <= SUM_TOLERANCE)))
    if wrong.size:
        row = int(wrong[0])
        raise ValueError(
            f"rows (N, {y.shape[1]}) of probabilities must be numbers >= 0 that add up to 1; {wrong.size} are not, the "
            f"first is y[{row}], {shown(y[row].tolist(), 100)}, which adds up to {sums[row]:.4g}"
        )
    return y
