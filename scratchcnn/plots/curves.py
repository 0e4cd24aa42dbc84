"""How a training went: loss and accuracy by epoch, and what a search for the learning rate saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..checks.drawn import require_drawn
from ..history import History
from ..training.learning_rate_search import LearningRateSearch
from .drawing import new_figure

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
    figure = new_figure(4.5 * len(names), 3.5)
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
    figure = new_figure(6, 4)
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


History.picture, LearningRateSearch.picture = learning_curves, learning_rate_search  # what a notebook shows of them
