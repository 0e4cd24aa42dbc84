"""Functions that treat each number on its own. All arrays of a call have the same shape, whatever it is."""

from __future__ import annotations

import numpy as np


def relu_forward(x: np.ndarray, y: np.ndarray) -> None:
    """Compute y = max(x, 0); a NaN stays one."""
    np.maximum(x, 0, out=y)


def relu_backward(y: np.ndarray, dy: np.ndarray, dx: np.ndarray) -> None:
    """Let the gradient pass where the *output* was positive, which is where the input was.

    dy/dx is 1 for x > 0 and 0 for x < 0. At x = 0 there is no derivative; 0 is as good as any value in [0, 1].
    """
    dx[...] = np.where(y > 0, dy, 0)


def leaky_relu_forward(x: np.ndarray, negative_slope: float, y: np.ndarray) -> None:
    """Compute y = x where x > 0, and y = negative_slope * x elsewhere."""
    y[...] = np.where(x > 0, x, negative_slope * x)


def leaky_relu_backward(x: np.ndarray, negative_slope: float, dy: np.ndarray, dx: np.ndarray) -> None:
    """Let the gradient pass where x > 0, and scale it by ``negative_slope`` elsewhere."""
    dx[...] = np.where(x > 0, dy, negative_slope * dy)


def rescale_forward(x: np.ndarray, scale: float, offset: float, y: np.ndarray) -> None:
    """Compute y = scale * x + offset, for x in uint8 or floating point, in the precision of y."""
    y[...] = x
    y *= scale
    y += offset


def rescale_backward(dy: np.ndarray, scale: float, dx: np.ndarray) -> None:
    """Compute dx = scale * dy."""
    np.multiply(dy, scale, out=dx)
