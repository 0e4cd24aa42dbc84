"""Activations: functions that treat each number on its own. All arrays of a call have one shape, whatever it is."""

from __future__ import annotations

import numpy as np


def add(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute a + b: two ways meet again after a skip connection.

    Backward: the sum moves with either of them one to one, so both get dy as it is.
    """
    return a + b


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


def sigmoid_forward(x: np.ndarray) -> np.ndarray:
    """Compute y = 1 / (1 + exp(-x)), from 0 to 1.

    exp(-x) overflows for x far below 0; the same fraction, multiplied by exp(x), does not: exp(x) / (1 + exp(x)).
    """
    power = np.exp(-np.abs(x))  # at most 1
    return np.where(x >= 0, 1, power) / (1 + power)


def sigmoid_backward(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Compute dx = dy y (1 - y): from dy/dx = exp(-x) / (1 + exp(-x))^2, a product of y and 1 - y."""
    return dy * y * (1 - y)


def tanh_forward(x: np.ndarray) -> np.ndarray:
    """Compute y = (exp(x) - exp(-x)) / (exp(x) + exp(-x)), from -1 to 1."""
    return np.tanh(x)


def tanh_backward(y: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Compute dx = dy (1 - y^2): the quotient rule for sinh / cosh, with cosh^2 - sinh^2 = 1."""
    return dy * (1 - y * y)


def elu_forward(x: np.ndarray, alpha: float) -> np.ndarray:
    """Compute y = x where x > 0, and y = alpha (exp(x) - 1), which approaches -alpha, elsewhere."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_backward(y: np.ndarray, alpha: float, dy: np.ndarray) -> np.ndarray:
    """Let the gradient pass where y > 0, which is where x was; elsewhere dy/dx = alpha exp(x) = y + alpha."""
    return np.where(y > 0, dy, dy * (y + alpha))
