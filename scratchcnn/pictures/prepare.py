"""From the ink of one digit to 28 x 28 pixels, as the makers of MNIST did it.

They scaled each digit, keeping its aspect, to fit a box of 20 x 20 pixels; the interpolation made grey levels of what
had been black or white. Then they moved it until its centre of mass was the middle of 28 x 28 pixels (LeCun, Bottou,
Bengio and Haffner 1998, "Gradient-based learning applied to document recognition", section III.A).

Their pens were alike, those of users are not, and a network has never seen another stroke: one that is far thinner or
thicker than MNIST's is grown or thinned first.
"""

from __future__ import annotations

import numpy as np

from .morphology import grown

BOX, SIDE = 20, 28  # pixels
FINE = 5  # pixels in the place of one, until the end
THIN, THICK = 2.6, 3.6  # of MNIST's strokes, in pixels of its own: their median, and nine of ten are thinner than that


def as_mnist(ink: np.ndarray) -> np.ndarray:
    """Return a digit as uint8 (28, 28), ink 255, from how much ink there is, float (H, W), 0 for none to 1."""
    fine = _sharpened(_fitted(ink))
    width = thickness(fine > 0.5) / FINE
    amount = round((THIN - width if width < THIN else min(0.0, THICK - width)) * FINE / 2)
    if amount:
        fine = _fitted(cropped(grown(np.pad(fine, max(amount, 0)), amount)))
    image = _centred(fine).reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))
    return np.rint(image * (255 / max(float(image.max()), 1e-6))).astype(np.uint8)


def thickness(mask: np.ndarray) -> float:
    """Return how thick the strokes of a mask are, in pixels: twice its area by its perimeter."""
    padded = np.pad(mask, 1)
    edges = sum(
        np.count_nonzero(padded.take(range(1, n), axis) != padded.take(range(n - 1), axis))
        for axis, n in enumerate(padded.shape)
    )
    return 2 * np.count_nonzero(mask) / max(1.0, edges * np.pi / 4)  # a slanted edge has more pixels than length


def _sharpened(ink: np.ndarray) -> np.ndarray:
    """Return ink as 0 or 1 but for a soft edge, as in a scan."""
    return ((ink - 0.25) / 0.4).clip(0, 1)


def _fitted(ink: np.ndarray) -> np.ndarray:
    """Return ink enlarged or reduced until its longer side fits the box, in fine pixels."""
    from PIL import Image

    scale = BOX * FINE / max(ink.shape)
    height, width = (max(1, round(scale * extent)) for extent in ink.shape)
    picture = Image.fromarray(np.ascontiguousarray(ink, np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))


def cropped(ink: np.ndarray) -> np.ndarray:
    """Return the smallest part that has all that is more than half ink; all of it where there is none."""
    rows, columns = (np.flatnonzero((ink > 0.5).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return ink
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _centred(ink: np.ndarray) -> np.ndarray:
    """Return ink on a canvas of SIDE, in fine pixels, its centre of mass in the middle, or as near as it fits."""
    canvas = np.zeros((SIDE * FINE, SIDE * FINE), np.float32)
    starts = []
    for axis, extent in enumerate(ink.shape):
        mass = ink.sum(axis=1 - axis)
        centre = float(np.average(np.arange(extent) + 0.5, weights=mass + 1e-9))
        starts.append(min(max(0, round(SIDE * FINE / 2 - centre)), SIDE * FINE - extent))
    top, left = starts
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return canvas
