"""Rescaling: from the bytes of a picture to numbers of the size that networks train well on."""

from __future__ import annotations

import numpy as np


def rescale_forward(x: np.ndarray, scale: float, offset: float, dtype: np.dtype) -> np.ndarray:
    """Compute y = scale * x + offset in the precision ``dtype``, for x in uint8 or floating point."""
    return scale * x.astype(dtype) + offset


def rescale_backward(dy: np.ndarray, scale: float) -> np.ndarray:
    """Compute dx = scale * dy."""
    return scale * dy
