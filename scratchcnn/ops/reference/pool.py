"""Pooling: each window of an image becomes one number, its maximum or its average, channel by channel.

Letters: N batch, H W height and width, C channels, OH OW output height and width, PH PW the window (``pool_size``).
``padding`` is the (top, left) distance by which the first window sticks out of the image. Pixels outside the image
never win a maximum and do not count in an average.
"""

from __future__ import annotations

import numpy as np

from .windows import Pair, crop, pad, positions


def max_pool_forward(
    x: np.ndarray, pool_size: Pair, strides: Pair, padding: Pair, y: np.ndarray, index: np.ndarray
) -> None:
    """Compute the maximum of each window, and where it was found: position ``ky * PW + kx`` of the window.

    Among equal values the first one, row by row, is *the* maximum. The positions are therefore visited from the last to
    the first, and whoever is at least as large as the best so far takes over. As in ``np.max`` a NaN wins over every
    number: an error must not vanish in a pool.

    Parameters
    ----------
    x : (N, H, W, C)
    y : (N, OH, OW, C), written
    index : uint8, (N, OH, OW, C), written; all that the backward pass needs
    """
    stops = y.shape[1:3]
    x_padded = pad(x, pool_size, strides, padding, stops)
    inside = pad(np.ones((1, *x.shape[1:3], 1), bool), pool_size, strides, padding, stops)
    y[...] = -np.inf
    index[...] = 0
    for ky, kx, rows, columns in reversed(list(positions(pool_size, strides, stops))):
        value = x_padded[:, rows, columns]  # (N, OH, OW, C)
        wins = inside[:, rows, columns] & ((value >= y) | np.isnan(value))
        np.copyto(y, value, where=wins)
        np.copyto(index, np.uint8(ky * pool_size[1] + kx), where=wins)


def max_pool_backward(
    dy: np.ndarray, index: np.ndarray, pool_size: Pair, strides: Pair, padding: Pair, dx: np.ndarray
) -> None:
    """Hand each output's gradient to the one pixel that was its window's maximum; all others had no influence.

    Windows may overlap: a pixel that won several of them receives the sum.

    Parameters
    ----------
    dy, index : (N, OH, OW, C)
    dx : (N, H, W, C), written
    """
    stops = dy.shape[1:3]
    dx_padded = pad(np.zeros_like(dx), pool_size, strides, padding, stops)
    for ky, kx, rows, columns in positions(pool_size, strides, stops):
        was_maximum = index == ky * pool_size[1] + kx
        dx_padded[:, rows, columns] += np.where(was_maximum, dy, 0)
    dx[...] = crop(dx_padded, padding, dx.shape)


def average_pool_forward(x: np.ndarray, pool_size: Pair, strides: Pair, padding: Pair, y: np.ndarray) -> None:
    """Compute the average of the image's pixels in each window, (N, H, W, C) -> (N, OH, OW, C).

    y[n, oy, ox, c] = (sum of the window's pixels inside the image) / (how many there are)
    """
    stops = y.shape[1:3]
    x_padded = pad(x, pool_size, strides, padding, stops)
    y[...] = 0
    for _, _, rows, columns in positions(pool_size, strides, stops):
        y += x_padded[:, rows, columns]
    y /= _pixels_per_window(x.shape, pool_size, strides, padding, stops).astype(y.dtype)


def average_pool_backward(dy: np.ndarray, pool_size: Pair, strides: Pair, padding: Pair, dx: np.ndarray) -> None:
    """Share each output's gradient equally between the pixels of its window, (N, OH, OW, C) -> (N, H, W, C)."""
    stops = dy.shape[1:3]
    share = dy / _pixels_per_window(dx.shape, pool_size, strides, padding, stops).astype(dy.dtype)
    dx_padded = pad(np.zeros_like(dx), pool_size, strides, padding, stops)
    for _, _, rows, columns in positions(pool_size, strides, stops):
        dx_padded[:, rows, columns] += share
    dx[...] = crop(dx_padded, padding, dx.shape)


def _pixels_per_window(
    shape: tuple[int, ...], pool_size: Pair, strides: Pair, padding: Pair, stops: Pair
) -> np.ndarray:
    """Return how many pixels of an image each window holds, (1, OH, OW, 1); fewer than PH PW at a padded edge."""
    inside = pad(np.ones((1, *shape[1:3], 1), np.int64), pool_size, strides, padding, stops)
    return np.sum([inside[:, rows, columns] for _, _, rows, columns in positions(pool_size, strides, stops)], axis=0)


def global_average_pool_forward(x: np.ndarray, y: np.ndarray) -> None:
    """Compute the average over all pixels: y[n, c] = (sum over h, w of x[n, h, w, c]) / (H W)."""
    y[...] = x.mean(axis=(1, 2), dtype=np.float64)


def global_average_pool_backward(dy: np.ndarray, dx: np.ndarray) -> None:
    """Share each output's gradient between all pixels: dx[n, h, w, c] = dy[n, c] / (H W)."""
    _, height, width, _ = dx.shape
    dx[...] = dy[:, np.newaxis, np.newaxis, :] / (height * width)
