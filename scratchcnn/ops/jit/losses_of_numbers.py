"""Losses whose targets are numbers, and weights of samples: row by row."""

import math
from typing import NamedTuple

import numpy as np

from ...types import Array
from .runtime.arguments import read_arrays, read_dims
from .runtime.chunks import BLOCK, chunk_range, chunks_for_rows
from .runtime.compile import native
from .runtime.launch import exclusive, run


class Rows(NamedTuple):
    """The integers of a loss: samples, and numbers of each."""

    N: int
    D: int


@exclusive
def mean_squared_error_forward(outputs: Array, targets: Array, *, out: Array) -> None:
    """Compute the mean of (outputs - targets)^2 of each sample."""
    _run(_loss(out.dtype, False), outputs, targets, out)


@exclusive
def mean_squared_error_backward(outputs: Array, targets: Array, *, out: Array) -> None:
    """Compute doutputs = 2 (outputs - targets) / (N D)."""
    _run(_gradient(out.dtype, False), outputs, targets, out)


@exclusive
def binary_cross_entropy_forward(logits: Array, targets: Array, *, out: Array) -> None:
    """Compute the mean of log(1 + exp z) - t z of each sample."""
    _run(_loss(out.dtype, True), logits, targets, out)


@exclusive
def binary_cross_entropy_backward(logits: Array, targets: Array, *, out: Array) -> None:
    """Compute dlogits = (sigmoid(z) - t) / (N D)."""
    _run(_gradient(out.dtype, True), logits, targets, out)


@exclusive
def scale_rows(weights: Array, rows: Array) -> None:
    """Multiply, in place, the row of each sample by its weight."""
    _run(_scale(rows.dtype), rows, weights)


def _run(address: int, rows: Array, *operands: Array) -> None:
    count = len(rows)
    run(address, chunks_for_rows(rows.size // BLOCK), Rows(count, rows.size // max(count, 1)), rows, *operands)


@native
def _loss(dtype, binary):
    def loss_of_numbers(chunk, chunks, dims, pointers):
        """The mean of each row, summed in float64: of the binary cross-entropy, or of the squared error."""
        g = read_dims(dims, Rows)
        outputs, targets, losses = read_arrays(pointers, 3, dtype)
        for n in chunk_range(g.N, chunk, chunks):
            total = 0.0
            for i in range(n * g.D, (n + 1) * g.D):
                if binary:
                    z = np.float64(outputs[i])
                    total += max(z, 0.0) + math.log1p(math.exp(-abs(z)))
                    if targets[i] != 0:  # 0 times an infinite logit is no part of the loss
                        total -= targets[i] * z
                else:
                    error = outputs[i] - targets[i]
                    total += np.float64(error * error)
            losses[n] = total / g.D

    return loss_of_numbers


@native
def _gradient(dtype, binary):
    def gradient_of_numbers(chunk, chunks, dims, pointers):
        g = read_dims(dims, Rows)
        outputs, targets, gradients = read_arrays(pointers, 3, dtype)
        one = gradients.dtype.type(1)
        for n in chunk_range(g.N, chunk, chunks):
            for i in range(n * g.D, (n + 1) * g.D):
                if binary:
                    power = np.exp(-abs(outputs[i]))
                    probability = (one if outputs[i] >= 0 else power) / (one + power)
                    gradients[i] = (probability - targets[i]) / (g.N * g.D)
                else:
                    gradients[i] = 2 * (outputs[i] - targets[i]) / (g.N * g.D)

    return gradient_of_numbers


@native
def _scale(dtype):
    def scale_rows(chunk, chunks, dims, pointers):
        g = read_dims(dims, Rows)
        rows, weights = read_arrays(pointers, 2, dtype)
        for n in chunk_range(g.N, chunk, chunks):
            for i in range(n * g.D, (n + 1) * g.D):
                rows[i] *= weights[n]

    return scale_rows
