"""Sliding windows: which pixels meet which position of a window. Shared by convolution and pooling.

A window of KH x KW positions slides over an image in steps of ``strides``, and stops OH x OW times. Two loops are
possible: over the stops (many, a few pixels each) or over the positions inside the window (few, OH x OW pixels each).
With NumPy the second is the fast one, and it needs only slices: while the window visits its stops, its position
(ky, kx) visits the pixels (ky, kx), (ky, kx + stride), (ky, kx + 2 stride), ..., a regular grid.

Letters: N batch, H W height and width, C channels, OH OW output height and width, KH KW window height and width.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...types import Pair


def pad(images: np.ndarray, window: Pair, strides: Pair, padding: Pair, stops: Pair) -> np.ndarray:
    """Return a copy of the images (N, H, W, C) inside a frame of zeros that reaches as far as the windows do.

    ``padding`` is the frame's (top, left); how much is needed below and on the right follows from the last stop.
    """
    top, left = padding
    count, height, width, channels = images.shape
    padded_height = max(top + height, (stops[0] - 1) * strides[0] + window[0])
    padded_width = max(left + width, (stops[1] - 1) * strides[1] + window[1])
    padded = np.zeros((count, padded_height, padded_width, channels), images.dtype)
    crop(padded, padding, images.shape)[...] = images
    return padded


def crop(padded: np.ndarray, padding: Pair, shape: tuple[int, ...]) -> np.ndarray:
    """Return the view of the padded images that holds the images themselves, of the given ``shape`` (N, H, W, C)."""
    (top, left), (_, height, width, _) = padding, shape
    return padded[:, top : top + height, left : left + width]


def positions(window: Pair, strides: Pair, stops: Pair) -> Iterator[tuple[int, int, slice, slice]]:
    """Yield each position (ky, kx) of the window, and the rows and columns of the padded image that it visits.

    ``padded[:, rows, columns]`` is a view of shape (N, OH, OW, C).
    """
    for ky in range(window[0]):
        rows = slice(ky, ky + (stops[0] - 1) * strides[0] + 1, strides[0])
        for kx in range(window[1]):
            columns = slice(kx, kx + (stops[1] - 1) * strides[1] + 1, strides[1])
            yield ky, kx, rows, columns
