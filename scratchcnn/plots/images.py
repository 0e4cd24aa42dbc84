"""Images: under what a model says of them, and distorted. Letters: N images, H W height and width, K classes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..checks.drawn import as_drawn, as_pictures, require_drawn
from ..checks.inputs import as_integer, as_labels
from ..data import Annealed, Augmentation
from .drawing import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def predictions(
    images: np.ndarray, probabilities: np.ndarray, labels: np.ndarray | None = None, columns: int = 8
) -> Figure:
    """Draw images, each under the most probable class; with labels, the wrong ones in red with the right class.

    Parameters
    ----------
    images : ndarray, shape (N, H, W) or (N, H, W, 1) or (N, H, W, 3)
        As many as the picture is to have.
    probabilities : ndarray, shape (N, K)
        From ``model.predict``.
    labels : ndarray of int, shape (N,), optional
        The right classes.
    columns : int, default 8
        Images in a row.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> figure = sc.plots.predictions(x[:4], model.predict(x[:4]), y[:4])
    """
    images = as_pictures(images)
    probabilities = as_drawn("probabilities", probabilities, (2,), "rows (N, K), as model.predict returns them")
    if len(images) != len(probabilities):
        raise ValueError(f"as many images as rows of probabilities, please: got {len(images)} and {len(probabilities)}")
    if labels is not None:
        labels = as_labels(labels, *probabilities.shape)
    columns = min(as_integer("columns", columns, 1), len(images))
    rows = math.ceil(len(images) / columns)
    figure = new_figure(1.4 * columns, 1.7 * rows)
    for place, (image, probability) in enumerate(zip(images, probabilities, strict=True)):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.imshow(image, cmap="gray_r")
        axes.set_axis_off()
        best = int(probability.argmax())
        unknown = np.isnan(probability).any()  # and argmax would choose the first NaN
        right = not unknown and (labels is None or best == labels[place])
        title = "NaN" if unknown else f"{best} ({probability[best]:.0%})"
        title += "" if right or labels is None else f", is {labels[place]}"
        axes.set_title(title, fontsize=9, color="black" if right else "red")
    return figure


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
    figure = new_figure(copies + 1.2, len(images))
    grid = figure.add_gridspec(len(images), copies + 1, width_ratios=[1.2] + copies * [1])
    for row, image in enumerate(images):
        for column, shown in enumerate([image, *versions[row * copies : (row + 1) * copies]]):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(shown, cmap="gray_r", vmin=images.min(), vmax=images.max())
            axes.set_xticks([])
            axes.set_yticks([])
            if row == 0 and column < 2:
                axes.set_title(("original", "augmented")[column], fontsize=9, loc="left")
    return figure
