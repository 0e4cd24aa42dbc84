"""Which classes are taken for which others: as numbers, as a picture, as text. Letters: N images, K classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks.drawn import as_class_numbers
from ..checks.inputs import as_integer
from .canvas import BLUE, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CLASSES = 10_000  # of a table: 800 MB
MOST_DRAWN = 200  # of a picture: 100 inches


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int | None = None) -> Figure:
    """Draw how often each class (rows) was taken for each other (columns), and how many of each were right.

    The errors are shaded by their share of the row, the worst one darkest; the diagonal, which is right, is left out
    of the scale, because it would drown them.

    Parameters
    ----------
    labels, predicted : ndarray of int, shape (N,)
        The right classes and the answers, ``model.predict(x).argmax(axis=1)``.
    classes : int, optional
        Number of classes; by default as many as appear.

    Raises
    ------
    ValueError
        If labels and answers are not as many, or not class numbers, or there are more than MOST_DRAWN classes.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> figure = sc.plots.confusion_matrix([0, 0, 1], [0, 1, 1])
    """
    counts = confusion_counts(labels, predicted, classes)
    size, rows = len(counts), counts.sum(axis=1)
    if size > MOST_DRAWN:
        raise ValueError(
            f"a picture of {size:,} classes is too large, at most {MOST_DRAWN} fit; "
            "sc.plots.confusion_counts(labels, predicted) returns the table as numbers"
        )
    errors = counts / np.maximum(rows, 1)[:, np.newaxis]
    np.fill_diagonal(errors, 0)
    top = errors.max(initial=0) or 1.0
    drawing = figure(0.5 * size + 4, max(0.5 * size + 1.5, 3.2))
    grid = drawing.add_gridspec(1, 3, width_ratios=[0.2, 0.5 * size + 0.5, 1.8])
    axes = drawing.add_subplot(grid[1])
    shading = axes.imshow(errors, cmap="Oranges", vmin=0, vmax=top, aspect="auto")
    font = 8 if counts.max(initial=0) < 1000 else 7
    for (row, column), count in np.ndenumerate(counts):
        if row == column:
            axes.fill_between([row - 0.5, row + 0.5], row - 0.5, row + 0.5, color="0.9", zorder=1)
        if count:
            color = "white" if errors[row, column] > 0.6 * top else "0.35" if row == column else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=color, fontsize=font, zorder=2)
    axes.set_xticks(range(size))
    axes.set_yticks(range(size))
    axes.set_xlabel("answer")
    axes.set_ylabel("label")
    bar = drawing.colorbar(shading, cax=drawing.add_subplot(grid[0]), location="left")
    bar.set_label("share of the row's images, errors alone")
    bar.formatter = _percent
    bar.update_ticks()
    _draw_accuracies(drawing.add_subplot(grid[2]), counts.diagonal(), rows)
    return drawing


def _draw_accuracies(axes: Any, right: np.ndarray, rows: np.ndarray) -> None:
    """Draw the accuracy of each class, in the rows of the matrix: as dots, for the axis does not begin at 0."""
    known = rows > 0
    share = np.where(known, right / np.maximum(rows, 1), 0.0)
    low = max(0.0, np.floor(20 * share[known].min(initial=1.0) - 1) / 20)
    axes.hlines(range(len(rows)), low, 1, color="0.85", linewidth=1)
    axes.plot(share[known], np.flatnonzero(known), "o", color=BLUE)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(low - 0.08 * (1 - low), 1 + 0.08 * (1 - low))
    names = [f"{value:.1%}" if there else "none" for value, there in zip(share, known, strict=True)]
    axes.yaxis.tick_right()
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    axes.set_xticks([low, 1], [f"{low:.0%}", "100%"], fontsize=8)
    axes.set_xlabel("right, of the class")


def _percent(value: float, place: int | None = None) -> str:
    return f"{100 * value:.3g}%"


def most_confused(labels: np.ndarray, predicted: np.ndarray, classes: int | None = None, count: int = 5) -> str:
    """Return the most frequent mistakes as text, a line for each pair of classes.

    Parameters
    ----------
    labels, predicted, classes
        As in ``confusion_matrix``.
    count : int, default 5
        The most lines.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> print(sc.plots.most_confused([4, 4, 4, 9, 1], [4, 9, 9, 4, 1]))
    4 taken for 9:  2 of 3, 66.7%
    9 taken for 4:  1 of 1, 100.0%
    """
    count = as_integer("count", count, 1)
    counts = confusion_counts(labels, predicted, classes)
    rows, errors = counts.sum(axis=1), counts.copy()
    np.fill_diagonal(errors, 0)
    order = np.argsort(-errors, axis=None, kind="stable")[:count]
    pairs = [divmod(int(place), len(counts)) for place in order if errors.flat[place]]
    wide, most = len(str(len(counts) - 1)), len(str(errors.max(initial=0)))
    lines = [
        f"{label:{wide}} taken for {answer:{wide}}: {errors[label, answer]:{most + 1}} of {rows[label]:,}, "
        f"{errors[label, answer] / rows[label]:.1%}"
        for label, answer in pairs
    ]
    return "\n".join(lines) or "no mistakes"


def confusion_counts(labels: np.ndarray, predicted: np.ndarray, classes: int | None = None) -> np.ndarray:
    """Return the table (K, K) of how often class i was taken for class j.

    Raises
    ------
    ValueError
        If labels and answers are not as many, or not class numbers, or the table would be larger than MOST_CLASSES.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> sc.plots.confusion_counts([0, 0, 1], [0, 1, 1]).tolist()  # of two images of class 0, one was taken for class 1
    [[1, 1], [0, 1]]
    """
    labels, predicted = as_class_numbers("labels", labels), as_class_numbers("predicted", predicted)
    if len(labels) != len(predicted):
        raise ValueError(f"labels and predicted must be of one length, got {len(labels)} and {len(predicted)}")
    highest = int(max(labels.max(initial=0), predicted.max(initial=0)))
    classes = 1 + highest if classes is None else as_integer("classes", classes, 1)
    if highest >= classes:
        raise ValueError(f"labels and predicted must lie between 0 and {classes - 1}, got {highest}; see classes")
    if classes > MOST_CLASSES:
        raise ValueError(
            f"a table of {classes:,} classes is too large, at most {MOST_CLASSES:,} fit; "
            "number those that appear from 0: np.unique(labels, return_inverse=True)"
        )
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts
