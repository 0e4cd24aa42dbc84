"""Which class is taken for which. Letters: N images, K classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..checks.drawn import as_drawn
from ..checks.inputs import as_integer, as_labels
from .drawing import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int | None = None) -> Figure:
    """Draw how often each class (rows) was taken for each other (columns); the diagonal is right.

    Parameters
    ----------
    labels, predicted : ndarray of int, shape (N,)
        The right classes and the answers, ``model.predict(x).argmax(axis=1)``.
    classes : int, optional
        Number of classes; by default as many as appear.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> figure = sc.plots.confusion_matrix([0, 0, 1], [0, 1, 1])
    """
    counts = confusion_counts(labels, predicted, classes)
    size = len(counts)
    figure = new_figure(0.5 * size + 2, 0.5 * size + 1.5)
    axes = figure.add_subplot()
    rows = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(counts / rows, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if count > rows[row, 0] / 2 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=color, fontsize=8)
    axes.set_xticks(range(size))
    axes.set_yticks(range(size))
    axes.set_xlabel("answer")
    axes.set_ylabel("label")
    return figure


def confusion_counts(labels: np.ndarray, predicted: np.ndarray, classes: int | None = None) -> np.ndarray:
    """Return the table (K, K) of how often class i was taken for class j.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> sc.plots.confusion_counts([0, 0, 1], [0, 1, 1]).tolist()  # of two images of class 0, one was taken for class 1
    [[1, 1], [0, 1]]
    """
    expected = "class numbers (N,); np.unique(names, return_inverse=True)[1] makes them of names"
    labels = as_drawn("labels", labels, (1, 2), expected)
    predicted = as_drawn("predicted", predicted, (1, 2), expected)
    if classes is not None:
        classes = as_integer("classes", classes, 1)
    else:
        classes = 1 + int(max(labels.max(initial=0), predicted.max(initial=0)))
    labels, predicted = as_labels(labels, len(labels), classes), as_labels(predicted, len(labels), classes)
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts
