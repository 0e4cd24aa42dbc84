"""Pooling: each window of an image becomes one number, its maximum or its average, channel by channel.

Letters: N batch, H W height and width, C channels, OH OW output height and width, PH PW the window.
Pixels outside the image never win a maximum and do not count in an average.
"""

from __future__ import annotations

import numpy as np

from ...types import Pair
from ..settings import Window
from .windows import crop, pad, positions


def max_pool_forward(x: np.ndarray, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Compute the maximum of each window, and where it was found: position ``ky * PW + kx`` of the window.

    Among equal values the first one, row by row, is *the* maximum. The positions are therefore visited from the last to
    the first, and whoever is at least as large as the best so far takes over. As in ``np.max`` a NaN wins over every
    number: an error must not vanish in a pool.

    Parameters
    ----------
    x : (N, H, W, C)
    window : Window
        Of at most 255 pixels.

    Returns
    -------
    y : (N, OH, OW, C)
    index : uint8, (N, OH, OW, C)
        All that the backward pass needs.
    """
    x_padded = pad(x, window)
    inside = pad(np.ones((1, *window.image, 1), bool), window)
    y = np.full((len(x), *window.output, x.shape[3]), -np.inf, x.dtype)
    index = np.zeros(y.shape, np.uint8)
    for ky, kx, rows, columns in reversed(list(positions(window))):
        value = x_padded[:, rows, columns]  # (N, OH, OW, C)
        wins = inside[:, rows, columns] & ((value >= y) | np.isnan(value))
        np.copyto(y, value, where=wins)
        np.copyto(index, np.uint8(ky * window.size[1] + kx), where=wins)
    return y, index


def max_pool_backward(dy: np.ndarray, index: np.ndarray, window: Window) -> np.ndarray:
    """Hand each output's gradient to the one pixel that was its window's maximum; all others had no influence.

    Windows may overlap: a pixel that won several of them receives the sum.

    Parameters
    ----------
    dy, index : (N, OH, OW, C)
    window : Window

    Returns
    -------
    dx : (N, H, W, C)
    """
    dx_padded = pad(np.zeros((len(dy), *window.image, dy.shape[3]), dy.dtype), window)
    for ky, kx, rows, columns in positions(window):
        was_maximum = index == ky * window.size[1] + kx
        dx_padded[:, rows, columns] += np.where(was_maximum, dy, 0)
    return crop(dx_padded, window)


def average_pool_forward(x: np.ndarray, window: Window) -> np.ndarray:
    """Compute the average of the image's pixels in each window, (N, H, W, C) -> (N, OH, OW, C).

    y[n, oy, ox, c] = (sum of the window's pixels inside the image) / (how many there are)
    """
    x_padded = pad(x, window)
    y = np.zeros((len(x), *window.output, x.shape[3]), x.dtype)
    for _, _, rows, columns in positions(window):
        y += x_padded[:, rows, columns]
    return y / _pixels_of_each(window).astype(x.dtype)


def average_pool_backward(dy: np.ndarray, window: Window) -> np.ndarray:
    """Share each output's gradient equally between the pixels of its window, (N, OH, OW, C) -> (N, H, W, C)."""
    share = dy / _pixels_of_each(window).astype(dy.dtype)
    dx_padded = pad(np.zeros((len(dy), *window.image, dy.shape[3]), dy.dtype), window)
    for _, _, rows, columns in positions(window):
        dx_padded[:, rows, columns] += share
    return crop(dx_padded, window)


def _pixels_of_each(window: Window) -> np.ndarray:
    """Return how many pixels of an image each window holds, (1, OH, OW, 1); fewer than PH PW at a padded edge."""
    inside = pad(np.ones((1, *window.image, 1), np.int64), window)
    return np.sum([inside[:, rows, columns] for _, _, rows, columns in positions(window)], axis=0)


def global_average_pool_forward(x: np.ndarray) -> np.ndarray:
    """Compute the average over all pixels: y[n, c] = (sum over h, w of x[n, h, w, c]) / (H W)."""
    return x.mean(axis=(1, 2), dtype=np.float64)


def global_average_pool_backward(dy: np.ndarray, image: Pair) -> np.ndarray:
    """Share each output's gradient between all pixels of an image of (H, W): dx[n, h, w, c] = dy[n, c] / (H W)."""
    (count, channels), (height, width) = dy.shape, image
    return np.broadcast_to(dy[:, np.newaxis, np.newaxis, :] / (height * width), (count, height, width, channels))
