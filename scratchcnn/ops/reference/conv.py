"""Convolution: every output pixel is a weighted sum of the input pixels under a sliding window.

Letters: N batch, H W height and width, C input channels, F filters, KH KW kernel, OH OW output height and width. As in
every framework, "convolution" is cross-correlation: the kernel is not flipped.
"""

from __future__ import annotations

import numpy as np

from ..settings import Window
from .windows import crop, pad, positions


def conv_forward(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, window: Window) -> np.ndarray:
    """Compute, with the stride S and the padded input xp,

        y[n, oy, ox, f] = bias[f] + sum over ky, kx, c of  xp[n, oy S + ky, ox S + kx, c] kernel[ky, kx, c, f]

    For one (ky, kx) the sum over c is a matrix product, the same for all pixels: (N OH OW, C) times (C, F). The
    convolution is the sum of KH KW such products, each of a shifted view of the input.

    Parameters
    ----------
    x : (N, H, W, C)
    kernel : (KH, KW, C, F)
        Or (KH, KW, C / G, F): the channels are in G groups, each seen by F / G of the filters alone. With G = C that is
        a depthwise convolution.
    bias : (F,) or None
    window : Window
        Dilated by d, its position (ky, kx) is on the pixel (oy S + ky d, ox S + kx d).

    Returns
    -------
    y : (N, OH, OW, F)
    """
    if (groups := groups_of(x, kernel)) > 1:
        parts = zip(*by_group(x, kernel), split_bias(bias, groups), strict=True)
        return np.concatenate([conv_forward(*part, window) for part in parts], axis=3)
    x_padded = pad(x, window)
    y = np.zeros((len(x), *window.output, kernel.shape[3]), x.dtype)
    if bias is not None:
        y += bias
    for ky, kx, rows, columns in positions(window):
        y += np.tensordot(x_padded[:, rows, columns], kernel[ky, kx], axes=1)  # (N, OH, OW, C) (C, F)
    return y


def conv_backward(
    x: np.ndarray, kernel: np.ndarray, dy: np.ndarray, window: Window
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the gradients from dy = dL/dy, of shape (N, OH, OW, F).

    The loss depends on a weight through every output that the weight helped to make, so the chain rule sums over them:

        dL/dkernel[ky, kx, c, f] = sum over n, oy, ox of  xp[n, oy S + ky, ox S + kx, c] dy[n, oy, ox, f]
        dL/dbias[f]              = sum over n, oy, ox of  dy[n, oy, ox, f]

    A pixel took part in one output for each position (ky, kx) of the window that met it. So the input's gradient is
    scattered along the same views that the forward pass gathered from, with the weights transposed:

        dL/dxp[n, oy S + ky, ox S + kx, c]  +=  sum over f of  dy[n, oy, ox, f] kernel[ky, kx, c, f]

    and the frame of zeros, which nobody asked for, is cut off.

    Returns
    -------
    dx : like x
    dkernel : like kernel
    dbias : (F,)
    """
    if (groups := groups_of(x, kernel)) > 1:
        parts = zip(*by_group(x, kernel), np.split(dy, groups, axis=3), strict=True)
        gradients = zip(*(conv_backward(*part, window) for part in parts), strict=True)
        dx, dkernel, dbias = (np.concatenate(parts, axis=-1) for parts in gradients)
        return dx, dkernel, dbias
    x_padded = pad(x, window)
    dx_padded, dkernel = np.zeros_like(x_padded), np.zeros_like(kernel)
    every_pixel = ([0, 1, 2], [0, 1, 2])
    for ky, kx, rows, columns in positions(window):
        dkernel[ky, kx] = np.tensordot(x_padded[:, rows, columns], dy, axes=every_pixel)  # (C, F)
        dx_padded[:, rows, columns] += np.tensordot(dy, kernel[ky, kx].T, axes=1)  # (N, OH, OW, F) (F, C)
    return crop(dx_padded, window), dkernel, dy.sum(axis=(0, 1, 2), dtype=np.float64)


def groups_of(x: np.ndarray, kernel: np.ndarray) -> int:
    """Return in how many groups the channels are: how often those of a filter fit into those of the images."""
    return x.shape[3] // kernel.shape[2]


def by_group(x: np.ndarray, kernel: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the channels of each group, and its filters: each group is a convolution of its own."""
    groups = groups_of(x, kernel)
    return np.split(x, groups, axis=3), np.split(kernel, groups, axis=3)


def split_bias(bias: np.ndarray | None, groups: int) -> list[np.ndarray] | list[None]:
    """Return the bias of each group's filters."""
    return [None] * groups if bias is None else np.split(bias, groups)
