"""Activations: functions that treat each number on its own. All arrays of a call have one shape, whatever it is."""

from __future__ import annotations

import numpy as np


def relu_forward(x: np.ndarray) -> np.ndarray:
    """Compute y = max(x, 0); a NaN stays one."""
    return np.maximum(x, 0)


def relu_backward(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Let the gradient pass where the *output* was positive, which is where the input was.

    dy/dx is 1 for x > 0 and 0 for x < 0. At x = 0 there is no derivative; 0 is as good as any value in [0, 1].
    """
    return np.where(y > 0, dy, 0)


def leaky_relu_forward(x: np.ndarray, negative_slope: float) -> np.ndarray:
    """Compute y = x where x > 0, and y = negative_slope * x elsewhere."""
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu_backward(x: np.ndarray, negative_slope: float, dy: np.ndarray) -> np.ndarray:
    """Let the gradient pass where x > 0, and scale it by ``negative_slope`` elsewhere."""
    return np.where(x > 0, dy, negative_slope * dy)
