"""Augmentation: images turned, resized, slanted, moved and bent a little, each at random.

An image is drawn anew pixel by pixel. For each pixel of the result we ask where in the source image it *comes from*, a
place that usually lies between four pixels, and mix these four by their distances (bilinear sampling). Asked the other
way round, where each source pixel goes to, some pixels of the result would be hit twice and others never.

Random number j of image i is output i * (numbers for an image) + j of the splitmix64 generator (see random.py), so the
result depends on the seed alone: not on who computes an image, or when. Whether an image is mirrored is decided by a
number after all of these, so that it changes none of them.

Letters: N images, H W height and width, C channels, GH GW points of the grid of an elastic distortion.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from ..settings import Distortion
from .random import uniform

MOVES = 5  # random numbers for what happens to an image as a whole: angle, size, slant, and two shifts


def augment(images: np.ndarray, indices: np.ndarray, seed: int, distortion: Distortion) -> np.ndarray:
    """Compute out[i] = images[indices[i]], distorted at random. Where nothing comes from inside the image, it is 0.

    Parameters
    ----------
    images : (M, H, W, C), uint8 or floating point
    indices : (N,), int64
    seed : int
        0 <= seed < 2**64.
    distortion : Distortion
        The limits of what is done.

    Returns
    -------
    out : (N, H, W, C), of the images' dtype
        uint8 is rounded to the nearest.
    """
    (_, H, W, _), N = images.shape, len(indices)
    alpha, sigma = distortion.elastic
    down, across = bumps(H, sigma), bumps(W, sigma)  # (H, GH) and (W, GW)
    GH, GW = down.shape[1], across.shape[1]
    draws_each = MOVES + 2 * GH * GW
    everything = 2 * uniform(seed, N * draws_each + N) - 1  # in [-1, 1)
    draws, coins = everything[: N * draws_each].reshape(N, draws_each), everything[N * draws_each :]
    angle, slant = math.radians(distortion.rotation), math.radians(distortion.shear)
    limits = [angle, distortion.zoom, slant, distortion.shift, distortion.shift]
    noise = draws[:, MOVES:].reshape(N, 2, GH, GW)
    displacement = alpha * (down @ noise @ across.T)  # (N, 2, H, W)
    sources = moved(draws[:, :MOVES] * limits, H, W) + displacement
    values = sample(images[indices], sources)  # (N, H, W, C)
    if distortion.flip:
        values[coins >= 0] = values[coins >= 0, :, ::-1]
    return (np.floor(values + 0.5) if images.dtype == np.uint8 else values).astype(images.dtype)


def moved(moves: np.ndarray, H: int, W: int) -> np.ndarray:
    """Return the row and the column (N, 2, H, W) that each pixel comes from when whole images are moved.

    An image is slanted to the right by an angle ``s``, made ``1 + z`` times larger, turned counterclockwise by ``t``,
    all about its centre, and then shifted. So a pixel goes back through the same in reverse. With x to the right and y
    *down* from the centre:

        unturned and resized     x' = (x cos t - y sin t) / (1 + z)      y' = (y cos t + x sin t) / (1 + z)
        slanted back             x'' = x' + y' tan s                     y'' = y'

    Parameters
    ----------
    moves : (N, 5)
        For each image t, z, s, and its shifts down and to the right.
    """
    t, z, s, shift_down, shift_right = moves.T[:, :, np.newaxis, np.newaxis]  # each (N, 1, 1)
    middle_y, middle_x = (H - 1) / 2, (W - 1) / 2
    y = np.arange(H)[:, np.newaxis] - middle_y - shift_down  # (N, H, 1)
    x = np.arange(W) - middle_x - shift_right  # (N, 1, W)
    unturned_y = (y * np.cos(t) + x * np.sin(t)) / (1 + z)  # (N, H, W)
    unturned_x = (x * np.cos(t) - y * np.sin(t)) / (1 + z)
    return np.stack([unturned_y + middle_y, unturned_x + unturned_y * np.tan(s) + middle_x], axis=1)


@cache
def bumps(extent: int, sigma: float) -> np.ndarray:
    """Return what smooths the noise of an elastic distortion along one axis: (extent, G), a Gaussian in each column.

    Simard et al. (2003, "Best practices for convolutional neural networks applied to visual document analysis") give
    each pixel a random displacement in [-1, 1), smooth these with a Gaussian of standard deviation sigma and multiply
    by alpha. A Gaussian leaves nothing of what is finer than sigma, so noise at every sigma-th pixel will do: the sum
    of Gaussians sigma apart is flat to a few parts in 100,000, and sigma**2 times fewer random numbers are needed. Each
    then stands for sigma pixels along an axis, whose sum varies sqrt(sigma) times as much as one.

    With ``displacement = alpha * bumps(H, sigma) @ noise @ bumps(W, sigma).T`` each component of the displacement has
    the standard deviation alpha / (sigma sqrt(12 pi)), in pixels. No bumps, G = 0, for sigma = 0.
    """
    if sigma == 0:
        return np.zeros((extent, 0))
    spacing = max(1.0, sigma)
    reach = math.ceil(3 * sigma / spacing)  # points beyond the edge: the next one's Gaussian has faded to 1 %
    points = np.arange(-reach, math.ceil((extent - 1) / spacing) + reach + 1) * spacing  # (G,)
    distances = (np.arange(extent)[:, np.newaxis] - points) / sigma
    return np.exp(-(distances**2) / 2) * math.sqrt(spacing) / (math.sqrt(2 * math.pi) * sigma)


def sample(images: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Return the values of images (N, H, W, C) at any places (N, 2, H, W), rows and columns; all around is 0.

    The value at (top + v, left + u), where 0 <= v, u < 1, is first mixed along the two rows, then between them:

        a = (1 - u) image[top, left]      + u image[top, left + 1]
        b = (1 - u) image[top + 1, left]  + u image[top + 1, left + 1]        value = (1 - v) a + v b
    """
    N, H, W, _ = images.shape
    framed = np.pad(images.astype(np.float64), ((0, 0), (1, 2), (1, 2), (0, 0)))  # so that all four neighbours exist
    y = np.clip(sources[:, 0] + 1, 0, H + 1)[..., np.newaxis]  # (N, H, W, 1), counted within the frame
    x = np.clip(sources[:, 1] + 1, 0, W + 1)[..., np.newaxis]
    top, left = y.astype(np.int64), x.astype(np.int64)
    v, u = y - top, x - left
    n, top, left = np.arange(N)[:, np.newaxis, np.newaxis], top[..., 0], left[..., 0]
    a = (1 - u) * framed[n, top, left] + u * framed[n, top, left + 1]  # (N, H, W, C)
    b = (1 - u) * framed[n, top + 1, left] + u * framed[n, top + 1, left + 1]
    return (1 - v) * a + v * b
