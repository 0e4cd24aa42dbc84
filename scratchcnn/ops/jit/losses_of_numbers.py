"""Losses whose targets are numbers, and weights of samples: row by row; the gradients are formulas of each number."""

import math

import numpy as np

from ...types import Array
from .runtime.arguments import read_arrays
from .runtime.chunks import chunk_range
from .runtime.compile import native
from .runtime.launch import exclusive
from .shared.elementwise import BINARY_CROSS_ENTROPY_GRADIENT, SQUARED_ERROR_GRADIENT, compute_formula
from .shared.flat import run_flat


@exclusive
def mean_squared_error_forward(outputs: Array, targets: Array, *, out: Array) -> None:
    """Compute the mean of (outputs - targets)^2 of each sample."""
    run_flat(_loss(out.dtype, False), outputs.size, outputs, targets, out)


@exclusive
def mean_squared_error_backward(outputs: Array, targets: Array, *, out: Array) -> None:
    """Compute doutputs = 2 (outputs - targets) / (N D)."""
    compute_formula(SQUARED_ERROR_GRADIENT, outputs, targets, out)


@exclusive
def binary_cross_entropy_forward(logits: Array, targets: Array, *, out: Array) -> None:
    """Compute the mean of log(1 + exp z) - t z of each sample."""
    run_flat(_loss(out.dtype, True), logits.size, logits, targets, out)


@exclusive
def binary_cross_entropy_backward(logits: Array, targets: Array, *, out: Array) -> None:
    """Compute dlogits = (sigmoid(z) - t) / (N D)."""
    compute_formula(BINARY_CROSS_ENTROPY_GRADIENT, logits, targets, out)


@exclusive
def scale_rows(weights: Array, rows: Array) -> None:
    """Multiply, in place, the row of each sample by its weight."""
    run_flat(_scale(rows.dtype), rows.size, rows, weights)


@native
def _loss(dtype, binary):
    def loss_of_numbers(chunk, chunks, dims, pointers):
        """The mean of each row, summed in float64: of the binary cross-entropy, or of the squared error."""
        outputs, targets, losses = read_arrays(pointers, 3, dtype)
        N, D = losses.size, outputs.size // max(losses.size, 1)
        for n in chunk_range(N, chunk, chunks):
            total = 0.0
            for i in range(n * D, (n + 1) * D):
                if binary:
                    z = np.float64(outputs[i])
                    total += max(z, 0.0) + math.log1p(math.exp(-abs(z)))
                    if targets[i] != 0:  # 0 times an infinite logit is no part of the loss
                        total -= targets[i] * z
                else:
                    error = outputs[i] - targets[i]
                    total += np.float64(error * error)
            losses[n] = total / D

    return loss_of_numbers


@native
def _scale(dtype):
    def scale_rows(chunk, chunks, dims, pointers):
        rows, weights = read_arrays(pointers, 2, dtype)
        N, D = weights.size, rows.size // max(weights.size, 1)
        for n in chunk_range(N, chunk, chunks):
            for i in range(n * D, (n + 1) * D):
                rows[i] *= weights[n]

    return scale_rows
