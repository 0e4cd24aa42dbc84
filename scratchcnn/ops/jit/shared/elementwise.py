"""Elementwise formulas: one kernel for the activations, their gradients, and those of losses of numbers."""

import numpy as np

from ....types import Array
from ..runtime.arguments import read_arrays
from ..runtime.compile import native
from .flat import chunk_of, run_flat

# The formulas of the one kernel, of a number x or y, of another one dy or a target, and of a parameter.
ADD, RELU, RELU_GRADIENT, LEAKY, SIGMOID, SIGMOID_GRADIENT, TANH, TANH_GRADIENT, ELU, ELU_GRADIENT = range(10)
SQUARED_ERROR_GRADIENT, BINARY_CROSS_ENTROPY_GRADIENT = range(10, 12)  # of losses whose targets are numbers


def compute_formula(formula: int, a: Array, b: Array, result: Array, parameter: float = 0.0) -> None:
    """Compute ``result``, element by element, from a and b by one of the formulas above."""
    run_flat(_formula_kernel(result.dtype, formula), result.size, a, b, result, np.array([parameter], result.dtype))


@native
def _formula_kernel(dtype, formula):
    def one_formula(chunk, chunks, dims, pointers):
        """One formula for each number. ``formula`` is a constant of the code, and the others are not compiled."""
        a, b, result, parameters = read_arrays(pointers, 4, dtype)
        size, one, parameter = result.size, result.dtype.type(1), parameters[0]
        first, last = chunk_of(chunk, chunks, size)
        a, b, result = a[first:last], b[first:last], result[first:last]
        for i in range(result.size):
            if formula == ADD:
                result[i] = a[i] + b[i]
            elif formula == RELU:
                result[i] = 0 if a[i] <= 0 else a[i]
            elif formula == RELU_GRADIENT:
                result[i] = b[i] if a[i] > 0 else 0
            elif formula == LEAKY:  # the same forward and backward: the sign of x decides whether x, or dy, is scaled
                result[i] = b[i] if a[i] > 0 else parameter * b[i]
            elif formula == SIGMOID or formula == BINARY_CROSS_ENTROPY_GRADIENT:
                power = np.exp(-abs(a[i]))
                probability = (one if a[i] >= 0 else power) / (one + power)
                result[i] = probability if formula == SIGMOID else (probability - b[i]) / size
            elif formula == SIGMOID_GRADIENT:
                result[i] = b[i] * a[i] * (1 - a[i])
            elif formula == TANH:
                result[i] = np.tanh(a[i])
            elif formula == TANH_GRADIENT:
                result[i] = b[i] * (1 - a[i] * a[i])
            elif formula == ELU:
                result[i] = a[i] if a[i] > 0 else parameter * np.expm1(a[i])
            elif formula == ELU_GRADIENT:
                result[i] = b[i] if a[i] > 0 else b[i] * (a[i] + parameter)
            else:
                result[i] = 2 * (a[i] - b[i]) / size

    return one_formula
