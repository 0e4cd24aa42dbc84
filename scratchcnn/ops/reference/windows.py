"""Sliding windows: which pixels meet which position of a window. Shared by convolution and pooling.

A window of KH x KW positions slides over an image in steps of its ``strides``, and produces OH x OW outputs. Two loops
are possible: over the outputs (many, a few pixels each) or over the positions inside the window (few, OH x OW pixels
each). With NumPy the second is the fast one, and it needs only slices: while the window slides, its position (ky, kx)
visits the pixels (ky, kx), (ky, kx + stride), (ky, kx + 2 stride), ..., a regular grid; in a dilated window, whose
neighbours are ``dilation`` pixels apart, it begins at (ky dilation, kx dilation). (The other usual way, im2col, copies
every window into a row of a matrix, KH x KW times the memory of the image.)

Letters: N batch, H W height and width, C channels, OH OW output height and width, KH KW window height and width.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..settings import Window


def pad(images: np.ndarray, window: Window) -> np.ndarray:
    """Return a copy of the images (N, H, W, C) inside a frame of zeros that reaches as far as the windows do.

    ``window.padding`` is the frame's (top, left); how much is needed below and on the right follows from the last one.
    """
    count, height, width, channels = images.shape
    (top, left), (seen_height, seen_width) = window.padding, window.seen
    shape = count, max(top + height, seen_height), max(left + width, seen_width), channels
    padded = np.zeros(shape, images.dtype)
    crop(padded, window)[...] = images
    return padded


def crop(padded: np.ndarray, window: Window) -> np.ndarray:
    """Return the view of the padded images that holds the images themselves, (N, H, W, C)."""
    (top, left), (height, width) = window.padding, window.image
    return padded[:, top : top + height, left : left + width]


def positions(window: Window) -> Iterator[tuple[int, int, slice, slice]]:
    """Yield each position (ky, kx) of the window, and the rows and columns of the padded image that it visits.

    ``padded[:, rows, columns]`` is a view of shape (N, OH, OW, C).
    """
    (KH, KW), (down, across), (OH, OW) = window.size, window.strides, window.output
    for ky in range(KH):
        first = ky * window.dilation[0]
        rows = slice(first, first + (OH - 1) * down + 1, down)
        for kx in range(KW):
            first = kx * window.dilation[1]
            columns = slice(first, first + (OW - 1) * across + 1, across)
            yield ky, kx, rows, columns
