"""Neighbouring operations as one: what ``fusion/patterns.py`` finds in a network. Here they are written as what they
are, one after the other; the compiled versions do not keep what lies between.

Backward of a composition: the chain rule, the operations in the opposite order.
"""

from __future__ import annotations

import numpy as np

from ...types import OFF
from ..settings import Window
from .activations import relu_backward, relu_forward
from .conv import conv_backward, conv_forward
from .dense import dense_backward, dense_forward
from .normalization import batch_norm_backward, batch_norm_forward
from .pool import max_pool_backward, max_pool_forward

Three = tuple[np.ndarray, np.ndarray, np.ndarray]  # dx, and the gradients of two parameters


def conv_relu_forward(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, window: Window) -> np.ndarray:
    """Compute y = ReLU(convolution(x) + bias)."""
    return relu_forward(conv_forward(x, kernel, bias, window))


def conv_relu_backward(x: np.ndarray, kernel: np.ndarray, y: np.ndarray, dy: np.ndarray, window: Window) -> Three:
    """Compute the gradients of ``conv_relu_forward``, whose output y says where the ReLU let something through."""
    return conv_backward(x, kernel, relu_backward(y, dy), window)


def dense_relu_forward(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """Compute y = ReLU(x W + b)."""
    return relu_forward(dense_forward(x, kernel, bias))


def dense_relu_backward(x: np.ndarray, kernel: np.ndarray, y: np.ndarray, dy: np.ndarray) -> Three:
    """Compute the gradients of ``dense_relu_forward``, whose output y says where the ReLU let something through."""
    return dense_backward(x, kernel, relu_backward(y, dy))


def conv_relu_pool_forward(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, window: Window, pool: Window
) -> tuple[np.ndarray, np.ndarray]:
    """Compute y = ReLU(max-pool(convolution(x) + bias)), which is max-pool(ReLU(...)) too, since ReLU keeps the order.

    Parameters
    ----------
    x : (N, H, W, C)
    window : Window
    pool : Window
        Its image is the convolution's output; its windows lie inside, and a remainder at the end is dropped.

    Returns
    -------
    y : (N, OH, OW, F)
    index : uint8, (N, OH, OW, F)
        The position of each window's first maximum, or 255 where ReLU made the result 0.
    """
    y, index = max_pool_forward(conv_forward(x, kernel, bias, window), pool)
    return relu_forward(y), np.where(y <= 0, np.uint8(OFF), index)


def conv_relu_pool_backward(
    x: np.ndarray, kernel: np.ndarray, dy: np.ndarray, index: np.ndarray, window: Window, pool: Window
) -> Three:
    """Compute the gradients of ``conv_relu_pool_forward`` from its ``index``: which pixel won, and if it passed."""
    passed = np.where(index == OFF, 0, dy)
    return conv_backward(x, kernel, max_pool_backward(passed, index, pool), window)


def batch_norm_relu_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Compute y = ReLU(batch normalisation of x), and the statistics of ``batch_norm_forward``."""
    y, mean, inverse_std, variance = batch_norm_forward(x, gamma, beta, epsilon)
    return relu_forward(y), mean, inverse_std, variance


def batch_norm_relu_backward(
    x: np.ndarray, gamma: np.ndarray, mean: np.ndarray, inverse_std: np.ndarray, y: np.ndarray, dy: np.ndarray
) -> Three:
    """Compute the gradients of ``batch_norm_relu_forward``; its output y says where the ReLU let something through."""
    return batch_norm_backward(x, gamma, mean, inverse_std, relu_backward(y, dy))


def fold_batch_norm(
    kernel: np.ndarray,
    bias: np.ndarray | None,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    variance: np.ndarray,
    epsilon: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the kernel and the bias of a convolution or dense layer that does what a normalisation does after it:

        gamma (W x + b - mean) s + beta  =  W' x + b'        W' = W gamma s        b' = (b - mean) gamma s + beta

    with s = 1 / sqrt(variance + epsilon), for each filter: at inference, mean and variance are known.
    """
    factor = gamma / np.sqrt(variance + epsilon)  # (F,)
    shift = -mean if bias is None else bias - mean
    return kernel * factor, shift * factor + beta
