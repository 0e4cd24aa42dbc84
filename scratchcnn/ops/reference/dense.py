"""The dense layer: every output is a weighted sum of every input. Letters: N batch, D inputs, F outputs."""

from __future__ import annotations

import numpy as np


def dense_forward(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """Compute y = x W + b, (N, F), for x (N, D), the kernel W (D, F) and the bias b, (F,) or None."""
    y = x @ kernel
    return y if bias is None else y + bias


def dense_backward(x: np.ndarray, kernel: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute dx, dkernel and dbias from dy = dL/dy, (N, F). From y[n, j] = sum_i x[n, i] W[i, j] + b[j]:

    dL/dx[n, i] = sum_j dy[n, j] W[i, j]      x[n, i] touched every output of its own sample
    dL/dW[i, j] = sum_n x[n, i] dy[n, j]      W[i, j] touched output j of every sample
    dL/db[j]    = sum_n dy[n, j]
    """
    dx = dy @ kernel.T  # (N, F) (F, D)
    dkernel = x.T @ dy  # (D, N) (N, F)
    return dx, dkernel, dy.sum(axis=0, dtype=np.float64)
