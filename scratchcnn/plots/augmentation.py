"""Images beside their distorted versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks.drawn import as_pictures, require_drawn
from ..checks.inputs import as_integer
from ..data import Annealed, Augmentation
from .canvas import figure, show_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def augmented(augmentation: Augmentation | Annealed, images: np.ndarray, copies: int = 8, seed: int = 0) -> Figure:
    """Draw images, each at the left of a row of its distorted versions: can you still read them?

    Parameters
    ----------
    augmentation : Augmentation or Annealed
        What is to be looked at; of one that weakens, what a training begins with.
    images : ndarray, shape (N, H, W) or (N, H, W, 1) or (N, H, W, 3)
        As many as the picture is to have rows.
    copies : int, default 8
        Distorted versions of each.
    seed : int, default 0
        Of the distortions.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> figure = sc.plots.augmented(sc.data.Augmentation(rotation=20), x[:2], copies=2)
    """
    images, copies = as_pictures(images), as_integer("copies", copies, 1)
    expected = "an Augmentation or an Annealed, such as sc.data.Augmentation(rotation=10)"
    require_drawn("augmentation", augmentation, (Augmentation, Annealed), expected)
    versions = augmentation.at(0)(np.repeat(images, copies, axis=0), seed)
    drawing = figure(copies + 1.5, len(images) + 0.3)
    grid = drawing.add_gridspec(len(images), copies + 2, width_ratios=[1, 0.2, *copies * [1]])
    for row, image in enumerate(images):
        for column, version in enumerate([image, *versions[row * copies : (row + 1) * copies]]):
            axes = drawing.add_subplot(grid[row, column + (column > 0)])
            show_image(axes, version, vmin=images.min(), vmax=images.max())
            if row == 0 and column < 2:
                axes.set_title(("original", "augmented")[column], fontsize=9, loc="left")
    return drawing
