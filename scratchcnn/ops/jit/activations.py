"""Activations, number by number."""

from ...types import Array
from .runtime.launch import exclusive
from .shared.elementwise import (
    ADD,
    ELU,
    ELU_GRADIENT,
    LEAKY,
    RELU,
    RELU_GRADIENT,
    SIGMOID,
    SIGMOID_GRADIENT,
    TANH,
    TANH_GRADIENT,
    compute_formula,
)


@exclusive
def add(a: Array, b: Array, *, out: Array) -> None:
    """Compute a + b."""
    compute_formula(ADD, a, b, out)


@exclusive
def relu_forward(x: Array, *, out: Array) -> None:
    """Compute y = max(x, 0); a NaN stays a NaN."""
    compute_formula(RELU, x, x, out)


@exclusive
def relu_backward(y: Array, dy: Array, *, out: Array) -> None:
    """Compute dx = dy where y > 0, and 0 elsewhere."""
    compute_formula(RELU_GRADIENT, y, dy, out)


@exclusive
def leaky_relu_forward(x: Array, negative_slope: float, *, out: Array) -> None:
    """Compute y = x where x > 0, and negative_slope * x elsewhere."""
    compute_formula(LEAKY, x, x, out, negative_slope)


@exclusive
def leaky_relu_backward(x: Array, negative_slope: float, dy: Array, *, out: Array) -> None:
    """Compute dx = dy where x > 0, and negative_slope * dy elsewhere."""
    compute_formula(LEAKY, x, dy, out, negative_slope)


@exclusive
def sigmoid_forward(x: Array, *, out: Array) -> None:
    """Compute y = 1 / (1 + exp(-x))."""
    compute_formula(SIGMOID, x, x, out)


@exclusive
def sigmoid_backward(y: Array, dy: Array, *, out: Array) -> None:
    """Compute dx = dy y (1 - y)."""
    compute_formula(SIGMOID_GRADIENT, y, dy, out)


@exclusive
def tanh_forward(x: Array, *, out: Array) -> None:
    """Compute y = tanh(x)."""
    compute_formula(TANH, x, x, out)


@exclusive
def tanh_backward(y: Array, dy: Array, *, out: Array) -> None:
    """Compute dx = dy (1 - y^2)."""
    compute_formula(TANH_GRADIENT, y, dy, out)


@exclusive
def elu_forward(x: Array, alpha: float, *, out: Array) -> None:
    """Compute y = x where x > 0, and alpha (exp(x) - 1) elsewhere."""
    compute_formula(ELU, x, x, out, alpha)


@exclusive
def elu_backward(y: Array, alpha: float, dy: Array, *, out: Array) -> None:
    """Compute dx = dy where y > 0, and dy (y + alpha) elsewhere."""
    compute_formula(ELU_GRADIENT, y, dy, out, alpha)
