"""Convolution: every output pixel is a weighted sum of the input pixels under a sliding window.

Letters: N batch, H W height and width, C input channels, F filters, KH KW kernel, OH OW output height and width.
``padding`` is the (top, left) number of rows and columns of zeros before the image; what is needed after it follows
from the output's shape. As in every framework, "convolution" is cross-correlation: the kernel is not flipped.
"""

from __future__ import annotations

import numpy as np

from .windows import Pair, crop, pad, positions


def conv_forward(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None, strides: Pair, padding: Pair, y: np.ndarray
) -> None:
    """Compute, with the stride S and the padded input xp,

        y[n, oy, ox, f] = bias[f] + sum over ky, kx, c of  xp[n, oy S + ky, ox S + kx, c] kernel[ky, kx, c, f]

    For one (ky, kx) the sum over c is a matrix product, the same for all pixels: (N OH OW, C) times (C, F). The
    convolution is the sum of KH KW such products, each of a shifted view of the input.

    Parameters
    ----------
    x : (N, H, W, C)
    kernel : (KH, KW, C, F)
    bias : (F,) or None
    y : (N, OH, OW, F), written
    """
    window, stops = kernel.shape[:2], y.shape[1:3]
    x_padded = pad(x, window, strides, padding, stops)
    y[...] = 0 if bias is None else bias
    for ky, kx, rows, columns in positions(window, strides, stops):
        y += np.tensordot(x_padded[:, rows, columns], kernel[ky, kx], axes=1)  # (N, OH, OW, C) (C, F)


def conv_backward(
    x: np.ndarray,
    kernel: np.ndarray,
    dy: np.ndarray,
    strides: Pair,
    padding: Pair,
    dx: np.ndarray | None,
    dkernel: np.ndarray,
    dbias: np.ndarray | None,
) -> None:
    """Compute the gradients from dy = dL/dy, of shape (N, OH, OW, F).

    The loss depends on a weight through every output that the weight helped to make, so the chain rule sums over them:

        dL/dkernel[ky, kx, c, f] = sum over n, oy, ox of  xp[n, oy S + ky, ox S + kx, c] dy[n, oy, ox, f]
        dL/dbias[f]              = sum over n, oy, ox of  dy[n, oy, ox, f]

    A pixel took part in one output for each position (ky, kx) of the window that met it. So the input's gradient is
    scattered along the same views that the forward pass gathered from, with the weights transposed:

        dL/dxp[n, oy S + ky, ox S + kx, c]  +=  sum over f of  dy[n, oy, ox, f] kernel[ky, kx, c, f]

    and the frame of zeros, which nobody asked for, is cut off.

    Parameters
    ----------
    dx : like x, or None where it is not wanted; written
    dkernel : like kernel, written
    dbias : (F,), or None where there is no bias; written
    """
    window, stops = kernel.shape[:2], dy.shape[1:3]
    x_padded = pad(x, window, strides, padding, stops)
    dx_padded = np.zeros_like(x_padded)
    every_pixel = ([0, 1, 2], [0, 1, 2])
    for ky, kx, rows, columns in positions(window, strides, stops):
        dkernel[ky, kx] = np.tensordot(x_padded[:, rows, columns], dy, axes=every_pixel)  # (C, F)
        if dx is not None:
            dx_padded[:, rows, columns] += np.tensordot(dy, kernel[ky, kx].T, axes=1)  # (N, OH, OW, F) (F, C)
    if dx is not None:
        dx[...] = crop(dx_padded, padding, x.shape)
    if dbias is not None:
        dbias[...] = dy.sum(axis=(0, 1, 2), dtype=np.float64)
