"""Targets that are numbers, of the shape of the outputs. Letters: N batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks.inputs import as_numbers
from ..types import Shape


def as_rows(array: np.ndarray) -> np.ndarray:
    """Return the numbers of each sample in one row, (N, D): a view."""
    return array.reshape(len(array), -1)


def as_floats(loss: str, y: Any, samples: int, output_shape: Shape) -> np.ndarray:
    """Return targets (N, *output_shape) as floats, the same array where they are; (N,) will do for one output a sample.

    Raises
    ------
    ValueError
        If they have another shape: NumPy would make one of it, with every sample compared with every target.
    """
    dtype = getattr(y, "dtype", None)
    targets = as_numbers(y, samples, np.dtype(np.float32 if dtype == np.float32 else np.float64))
    if targets.ndim == 1 and output_shape == (1,):
        targets = targets[:, np.newaxis]
    if targets.shape[1:] == output_shape:
        return targets if targets.dtype.kind == "f" else targets.astype(np.float64)
    expected = ", ".join(map(str, ("N", *output_shape)))
    hint = ""
    if targets.ndim == 1 and len(output_shape) == 1:
        hint = "; end the network with Dense(1) for one number a sample"
        if targets.dtype.kind in "iu":
            hint += (
                f", or pass np.eye({output_shape[0]})[y] for class numbers as one-hot rows; "
                "the loss of a classifier is SoftmaxCrossEntropy()"
            )
    elif (*targets.shape, 1) == (len(targets), *output_shape):
        hint = "; pass y[..., np.newaxis]"
    raise ValueError(f"{loss} compares outputs ({expected}) with targets of the same shape, got {targets.shape}{hint}")
