"""Rescaling: from the bytes of a picture to numbers of the size that networks train well on."""

from __future__ import annotations

import numpy as np


def rescale_forward(x: np.ndarray, scale: float, offset: float) -> np.ndarray:
    """Compute y = scale * x + offset, for x in uint8 or floating point."""
    return scale * x + offset


def rescale_backward(dy: np.ndarray, scale: float) -> np.ndarray:
    """Compute dx = scale * dy."""
    return scale * dy
