"""Neighbouring operations as one: what ``fusion/patterns.py`` finds in a network. Here they are written as what they
are, one after the other; the compiled versions do not keep what lies between.

Backward of a composition: the chain rule, the operations in the opposite order.
"""

from __future__ import annotations

import numpy as np

from ...types import OFF
from .conv import conv_backward, conv_forward
from .dense import dense_backward, dense_forward
from .elementwise import relu_backward, relu_forward
from .normalization import batch_norm_backward, batch_norm_forward
from .pool import max_pool_backward, max_pool_forward
from .windows import Pair


def conv_relu_forward(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, strides: Pair, padding: Pair, y: np.ndarray
) -> None:
    """Compute y = ReLU(convolution(x) + bias)."""
    conv_forward(x, kernel, bias, strides, padding, y)
    relu_forward(y, y)


def conv_relu_backward(
    x: np.ndarray,
    kernel: np.ndarray,
    y: np.ndarray,
    dy: np.ndarray,
    strides: Pair,
    padding: Pair,
    dx: np.ndarray | None,
    dkernel: np.ndarray,
    dbias: np.ndarray | None,
) -> None:
    """Compute the gradients of ``conv_relu_forward``, whose output y says where the ReLU let something through."""
    passed = np.empty_like(dy)
    relu_backward(y, dy, passed)
    conv_backward(x, kernel, passed, strides, padding, dx, dkernel, dbias)


def dense_relu_forward(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, y: np.ndarray) -> None:
    """Compute y = ReLU(x W + b)."""
    dense_forward(x, kernel, bias, y)
    relu_forward(y, y)


def dense_relu_backward(
    x: np.ndarray,
    kernel: np.ndarray,
    y: np.ndarray,
    dy: np.ndarray,
    dx: np.ndarray | None,
    dkernel: np.ndarray,
    dbias: np.ndarray | None,
) -> None:
    """Compute the gradients of ``dense_relu_forward``, whose output y says where the ReLU let something through."""
    passed = np.empty_like(dy)
    relu_backward(y, dy, passed)
    dense_backward(x, kernel, passed, dx, dkernel, dbias)


def conv_relu_pool_forward(
    x: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | None,
    strides: Pair,
    padding: Pair,
    pool_size: Pair,
    pool_strides: Pair,
    y: np.ndarray,
    index: np.ndarray,
) -> None:
    """Compute y = ReLU(max-pool(convolution(x) + bias)), which is max-pool(ReLU(...)) too, since ReLU keeps the order.

    Parameters
    ----------
    x : (N, H, W, C)
    y : (N, OH, OW, F), written
        The pool's windows lie inside the convolution's output; a remainder at its end is dropped.
    index : uint8, (N, OH, OW, F), written
        The position of each window's first maximum, or 255 where ReLU made the result 0.
    """
    unpooled = np.empty(_unpooled_shape(y, pool_size, pool_strides), y.dtype)
    conv_forward(x, kernel, bias, strides, padding, unpooled)
    max_pool_forward(unpooled, pool_size, pool_strides, (0, 0), y, index)
    index[y <= 0] = OFF
    relu_forward(y, y)


def conv_relu_pool_backward(
    x: np.ndarray,
    kernel: np.ndarray,
    dy: np.ndarray,
    index: np.ndarray,
    strides: Pair,
    padding: Pair,
    pool_size: Pair,
    pool_strides: Pair,
    dx: np.ndarray | None,
    dkernel: np.ndarray,
    dbias: np.ndarray | None,
) -> None:
    """Compute the gradients of ``conv_relu_pool_forward`` from its ``index``: which pixel won, and if it passed."""
    passed = np.where(index == OFF, 0, dy).astype(dy.dtype)
    unpooled = np.empty(_unpooled_shape(dy, pool_size, pool_strides), dy.dtype)
    max_pool_backward(passed, index, pool_size, pool_strides, (0, 0), unpooled)
    conv_backward(x, kernel, unpooled, strides, padding, dx, dkernel, dbias)


def batch_norm_relu_forward(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    epsilon: float,
    y: np.ndarray,
    mean: np.ndarray,
    inverse_std: np.ndarray,
    variance: np.ndarray,
) -> None:
    """Compute y = ReLU(batch normalisation of x), and the statistics that the backward pass needs."""
    batch_norm_forward(x, gamma, beta, epsilon, y, mean, inverse_std, variance)
    relu_forward(y, y)


def batch_norm_relu_backward(
    x: np.ndarray,
    gamma: np.ndarray,
    mean: np.ndarray,
    inverse_std: np.ndarray,
    y: np.ndarray,
    dy: np.ndarray,
    dx: np.ndarray,
    dgamma: np.ndarray,
    dbeta: np.ndarray,
) -> None:
    """Compute the gradients of ``batch_norm_relu_forward``; its output y says where the ReLU let something through."""
    passed = np.empty_like(dy)
    relu_backward(y, dy, passed)
    batch_norm_backward(x, gamma, mean, inverse_std, passed, dx, dgamma, dbeta)


def _unpooled_shape(y: np.ndarray, pool_size: Pair, pool_strides: Pair) -> tuple[int, int, int, int]:
    """Return the shape of as much of the convolution's output as the pool looks at."""
    N, OH, OW, F = y.shape
    return N, (OH - 1) * pool_strides[0] + pool_size[0], (OW - 1) * pool_strides[1] + pool_size[1], F
