"""The dense layer: every output is a weighted sum of every input. Letters: N batch, D inputs, F outputs."""

from __future__ import annotations

import numpy as np


def dense_forward(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, y: np.ndarray) -> None:
    """Compute y = x W + b for x (N, D), the kernel W (D, F) and the bias b, (F,) or None; y is (N, F)."""
    np.matmul(x, kernel, out=y)
    if bias is not None:
        y += bias


def dense_backward(
    x: np.ndarray,
    kernel: np.ndarray,
    dy: np.ndarray,
    dx: np.ndarray | None,
    dkernel: np.ndarray,
    dbias: np.ndarray | None,
) -> None:
    """Compute the gradients from dy = dL/dy, (N, F). From y[n, j] = sum_i x[n, i] W[i, j] + b[j]:

        dL/dx[n, i] = sum_j dy[n, j] W[i, j]      x[n, i] touched every output of its own sample
        dL/dW[i, j] = sum_n x[n, i] dy[n, j]      W[i, j] touched output j of every sample
        dL/db[j]    = sum_n dy[n, j]

    A ``dx`` or ``dbias`` of None is not wanted.
    """
    np.matmul(x.T, dy, out=dkernel)  # (D, N) (N, F)
    if dx is not None:
        np.matmul(dy, kernel.T, out=dx)  # (N, F) (F, D)
    if dbias is not None:
        dbias[...] = dy.sum(axis=0, dtype=np.float64)
