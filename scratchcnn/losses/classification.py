"""Counting what a classifier gets right.

Letters: N batch, K classes.
"""

from __future__ import annotations

import math

import numpy as np

from ..types import Shape


def classes(output_shape: Shape) -> int:
    """Return the number of classes, which is that of the outputs.

    Raises
    ------
    ValueError
        If an output is not one row of numbers.
    """
    if len(output_shape) != 1:
        pool = ", or a GlobalAveragePool2D," if len(output_shape) == 3 else ""
        raise ValueError(
            f"a classifier ends in one number for each class, this model in {output_shape}; end with a Flatten{pool} "
            f"and a Dense"
        )
    return output_shape[0]


def count_correct(logits: np.ndarray, labels: np.ndarray, cross_entropy: float = math.nan) -> int:
    """Return for how many samples the highest of the logits (N, K) is that of the label (N,).

    Where the labels are rows (N, K) of probabilities, the most probable class is the label.

    A row with a NaN has no highest, and is never right. Nor is one whose highest is infinite: it has no probabilities.
    If the mean cross-entropy of the samples is known and finite, there are no such rows, and they are not looked for.
    """
    if labels.ndim == 2:
        labels = labels.argmax(axis=1)
    best = logits.argmax(axis=1)  # (N,), the place of a NaN where there is one
    right = best == labels
    if not math.isfinite(cross_entropy):
        right &= np.isfinite(logits[np.arange(len(best)), best])
    return int(np.count_nonzero(right))
