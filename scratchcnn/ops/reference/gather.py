"""Gather the images of a mini-batch from the data set."""

from __future__ import annotations

import numpy as np


def gather(images: np.ndarray, indices: np.ndarray, out: np.ndarray) -> None:
    """Compute out[i] = images[indices[i]], for any dtype, the same for both; ``indices`` is int64, (N,)."""
    np.take(images, indices, axis=0, out=out)
