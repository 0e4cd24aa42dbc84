"""Images and the answers that a model gives: any, or its worst mistakes. Letters: N images, K classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks.drawn import as_class_numbers, as_drawn, as_pictures
from ..checks.inputs import as_integer
from .canvas import ORANGE, figure, show_image, tiles

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def predictions(
    images: np.ndarray, probabilities: np.ndarray, labels: np.ndarray | None = None, columns: int = 8
) -> Figure:
    """Draw images, each under the most probable class; with labels, the wrong ones in orange with the right class.

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
    images, probabilities = _as_answers(images, probabilities)
    if labels is not None:
        labels = _as_right(labels, probabilities)
    drawing, places = tiles(images, columns)
    for place, (axes, image, probability) in enumerate(zip(places, images, probabilities, strict=True)):
        show_image(axes, image)
        axes.set_axis_off()
        best = int(probability.argmax())
        unknown = np.isnan(probability).any()  # and argmax would choose the first NaN
        right = not unknown and (labels is None or best == labels[place])
        title = "NaN" if unknown else f"{best} ({probability[best]:.0%})"
        title += "" if right or labels is None else f", is {labels[place]}"
        axes.set_title(title, fontsize=9, color="black" if right else ORANGE)
    return drawing


def worst_mistakes(
    images: np.ndarray, probabilities: np.ndarray, labels: np.ndarray, count: int = 16, columns: int = 8
) -> Figure:
    """Draw the images that are answered wrong and whose right class got the lowest probability, the worst first.

    Parameters
    ----------
    images, probabilities, labels
        As in ``predictions``: all that there are, such as a test set.
    count : int, default 16
        The most that are drawn.
    columns : int, default 8
        Images in a row.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> figure = sc.plots.worst_mistakes(x[:100], model.predict(x[:100]), y[:100], count=8)
    """
    images, probabilities = _as_answers(images, probabilities)
    labels, count = _as_right(labels, probabilities), as_integer("count", count, 1)
    as_integer("columns", columns, 1)
    of_label = probabilities[np.arange(len(labels)), labels]
    unknown = np.isnan(probabilities).any(axis=1)
    wrong = np.flatnonzero((probabilities.argmax(axis=1) != labels) | unknown)
    worst = wrong[np.argsort(np.where(unknown, -1.0, of_label)[wrong], kind="stable")][:count]
    if worst.size:
        return predictions(images[worst], probabilities[worst], labels[worst], columns)
    drawing = figure(4, 1)
    axes = drawing.add_subplot()
    axes.set_axis_off()
    axes.text(0.5, 0.5, f"no mistakes in {len(images):,} images", ha="center", va="center")
    return drawing


def _as_answers(images: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    images = as_pictures(images)
    probabilities = as_drawn("probabilities", probabilities, (2,), "rows (N, K), as model.predict returns them")
    if len(images) != len(probabilities):
        raise ValueError(f"as many images as rows of probabilities, please: got {len(images)} and {len(probabilities)}")
    if probabilities.shape[1] < 2:
        raise ValueError(
            "probabilities must be rows (N, K) with a number for each of two or more classes, got the shape "
            f"{probabilities.shape}; of a model that says yes or no pass np.hstack([1 - answers, answers])"
        )
    return images, probabilities


def _as_right(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the right classes (N,) of as many rows of probabilities (N, K); a ValueError else."""
    labels = as_class_numbers("labels", labels, probabilities.shape[1])
    if len(labels) != len(probabilities):
        raise ValueError(f"as many labels as images, please: got {len(labels)} and {len(probabilities)}")
    return labels
