"""The picture of a search for a learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..checks.drawn import require_drawn
from ..training.learning_rate_search import LearningRateSearch
from .canvas import BLUE, ORANGE, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    drawing = figure(6, 4)
    axes = drawing.add_subplot()
    axes.plot(search.learning_rates, search.losses, ".", color="0.7", label="loss of a batch")
    axes.plot(search.learning_rates, search.smoothed_losses, color=BLUE, label="smoothed")
    axes.axvline(search.suggestion, color=ORANGE, linestyle="--", label=f"suggestion: {search.suggestion:.2g}")
    axes.set_xscale("log")
    top = 1.2 * max(search.losses[0], search.smoothed_losses[0])
    axes.set_ylim(0.9 * min(search.losses), top)  # how far it shoots up tells nothing
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    axes.legend()
    return drawing


LearningRateSearch.picture = learning_rate_search  # what a notebook shows of it
