"""Gather the images of a mini-batch from the data set, as they are or rescaled on the way."""

from __future__ import annotations

import numpy as np

from .elementwise import rescale_forward


def gather(images: np.ndarray, indices: np.ndarray, out: np.ndarray) -> None:
    """Compute out[i] = images[indices[i]], for any dtype, the same for both; ``indices`` is int64, (N,)."""
    np.take(images, indices, axis=0, out=out)


def gather_rescaled(images: np.ndarray, indices: np.ndarray, scale: float, offset: float, out: np.ndarray) -> None:
    """Compute out[i] = scale * images[indices[i]] + offset, from uint8 to floating point, in the precision of out."""
    rescale_forward(images[indices], scale, offset, out)
