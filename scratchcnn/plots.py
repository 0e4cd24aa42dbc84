"""Pictures of a training and of what it has learnt.

Each function returns a matplotlib ``Figure``: ``figure.savefig("curves.png")`` writes it, a notebook shows it. No
window is opened and no global state of matplotlib is touched, so all of this works without a display. matplotlib is
imported when the first picture is drawn.

Letters: N images, H W height and width, C channels, F filters, K classes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .checks.drawn import as_drawn, as_pictures, require_drawn
from .checks.inputs import as_integer, as_labels
from .data import Annealed, Augmentation
from .history import History
from .terminal import ascii_digit as ascii_digit
from .training.learning_rate_search import LearningRateSearch

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def learning_curves(history: History) -> Figure:
    """Draw loss, and accuracy if there is one, against the epoch; for the validation data dashed.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> history = model.fit(x[:100], y[:100], epochs=2, verbose=0)
    >>> figure = sc.plots.learning_curves(history)  # figure.savefig("learning_curves.png") writes it
    """
    require_drawn("history", history, History, "the History that model.fit(...) returns")
    names = ["loss", "accuracy"]
    if history.history and not {"accuracy", "val_accuracy"} & set(history.history):
        names.remove("accuracy")
    figure = _figure(4.5 * len(names), 3.5)
    for place, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), place + 1)
        for key, label, style in ((name, "training", "-"), (f"val_{name}", "validation", "--")):
            if key in history.history:
                epochs = [epoch + 1 for epoch in history.epoch]
                axes.plot(epochs, history.history[key], style, marker=".", label=label)
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        if history.history:
            axes.legend()
    return figure


def learning_rate_search(search: LearningRateSearch) -> Figure:
    """Draw the loss against the learning rate, as ``lr_find`` saw it, and the rate that it suggests.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.SGD(0.01))
    >>> figure = sc.plots.learning_rate_search(sc.lr_find(model, x[:200], y[:200], steps=30, verbose=0))
    """
    require_drawn("search", search, LearningRateSearch, "what sc.lr_find(model, x, y) returns")
    figure = _figure(6, 4)
    axes = figure.add_subplot()
    axes.plot(search.learning_rates, search.losses, ".", color="0.7", label="loss of a batch")
    axes.plot(search.learning_rates, search.smoothed_losses, label="smoothed")
    axes.axvline(search.suggestion, color="tab:red", linestyle="--", label=f"suggestion: {search.suggestion:.2g}")
    axes.set_xscale("log")
    top = 1.2 * max(search.losses[0], search.smoothed_losses[0])
    axes.set_ylim(0.9 * min(search.losses), top)  # how far it shoots up tells nothing
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure


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
    figure = _figure(1.4 * columns, 1.7 * rows)
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
    figure = _figure(copies + 1.2, len(images))
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
    figure = _figure(0.5 * size + 2, 0.5 * size + 1.5)
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


def kernels(kernel: np.ndarray, columns: int = 8) -> Figure:
    """Draw the filters of a convolution: blue is negative, red positive, and the colours are the same in all.

    Parameters
    ----------
    kernel : ndarray, shape (KH, KW, C, F)
        ``layer.params["kernel"]``. With several input channels, each filter is drawn as its mean over them.
    columns : int, default 8
        Filters in a row.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Conv2D(4, 3)], input_shape=(28, 28, 1))
    >>> figure = sc.plots.kernels(model.layers[0].params["kernel"])
    """
    expected = 'the kernel (KH, KW, C, F) of a convolution, layer.params["kernel"]'
    kernel = as_drawn("kernel", kernel, (4,), expected)
    filters = kernel.mean(axis=2).transpose(2, 0, 1)  # (F, KH, KW)
    limit = float(np.abs(filters).max()) or 1.0
    columns = min(as_integer("columns", columns, 1), len(filters))
    rows = math.ceil(len(filters) / columns)
    figure = _figure(columns, rows)
    for place, image in enumerate(filters):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.imshow(image, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_axis_off()
    return figure


def _figure(width: float, height: float) -> Any:
    from .figure import NotebookFigure

    return NotebookFigure(figsize=(width, height), layout="constrained")


History.picture, LearningRateSearch.picture = learning_curves, learning_rate_search  # what a notebook shows of them
