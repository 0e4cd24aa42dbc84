"""Whether integers are numbers of classes or of samples: asked of each batch, so the answer must be quick."""

from __future__ import annotations

import numpy as np


def are_below(limit: int, numbers: np.ndarray) -> bool:
    """Return whether integers lie between 0 and ``limit - 1``: what is asked of labels and indices at every step."""
    if numbers.size == 0:
        return True
    if numbers.dtype == np.int64:  # as unsigned integers, where negative ones are the largest: one look instead of two
        return bool(numbers.view(np.uint64).max() < limit)
    return bool(numbers.max() < limit and numbers.min() >= 0)
