"""Learning curves: the loss and the accuracy against the epoch, of one training or of several. Letters: K classes."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks.drawn import require_drawn
from ..checks.inputs import as_integer
from ..checks.messages import shown
from ..checks.settings import as_number
from ..history import History
from .canvas import BLUE, CYCLE, ORANGE, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXPECTED = "the History that model.fit(...) returns"
MOST_INSIDE, LONG = 7, 24  # names in a legend, and letters of a name: with more it stands below the curves
WIDEST = 76  # letters that fit below the curves, side by side
SPAN = 10.0  # from this ratio of the highest to the lowest on, a curve is drawn on a logarithmic axis


def learning_curves(
    history: History, label_smoothing: float = 0.0, classes: int = 10, log: bool | None = None
) -> Figure:
    """Draw loss, and accuracy if there is one, against the epoch; for the validation data dashed.

    The loss of each batch is there as well, in the background, so that a single epoch is a curve; its accuracy is
    written above. Means over an epoch stand at its end.

    Parameters
    ----------
    history : History
    label_smoothing : float, default 0
        That of the loss. Then the loss cannot fall below ``smoothing_floor``, which is drawn.
    classes : int, default 10
        Their number K, on which the floor depends.
    log : bool, optional
        Whether to draw the loss on a logarithmic axis, and in place of the accuracy the share of errors, on one, too.
        Without it, the loss is where it falls to a tenth.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> history = model.fit(x[:100], y[:100], epochs=2, verbose=0)
    >>> figure = sc.plots.learning_curves(history)  # figure.savefig("learning_curves.png") writes it
    """
    require_drawn("history", history, History, EXPECTED)
    log = _yes_no_or_none(log)
    floor = smoothing_floor(label_smoothing, classes)
    names = ["loss", "accuracy"]
    if history.history and not {"accuracy", "val_accuracy"} & set(history.history):
        names.remove("accuracy")
    by_batch = len(history.epoch) == 1 and bool(history.batch_losses)
    if by_batch:
        names = ["loss"]  # an accuracy would be a dot
    drawing = figure(4.5 * len(names) + 1.5 * by_batch, 3.5)
    for place, name in enumerate(names):
        axes = drawing.add_subplot(1, len(names), place + 1)
        errors = name == "accuracy" and bool(log)
        if name == "loss":
            _draw_batches(axes, history)
        for key, label, style, color in ((name, "training", "-", BLUE), (f"val_{name}", "validation", "--", ORANGE)):
            if key in history.history:
                epochs = [epoch + 1 for epoch in history.epoch]
                values = [1 - value for value in history.history[key]] if errors else history.history[key]
                axes.plot(epochs, values, style, marker=".", label=label, color=color)
        if name == "loss" and floor:
            axes.axhline(floor, color="0.4", linestyle=":", label=f"floor of label smoothing: {floor:.3f}")
        if log or (log is None and name == "loss" and _spans_much(axes)):
            axes.set_yscale("log")
        if by_batch:
            known = {key: history.history[key][0] for key in ("accuracy", "val_accuracy") if key in history.history}
            axes.set_title(", ".join(f"{key} {value:.4f}" for key, value in known.items()), fontsize=9)
            axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))  # with few batches, too, it is an epoch
        axes.set_xlabel("epoch")
        axes.set_ylabel("share of errors" if errors else name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3, which="both")
        if axes.lines:
            axes.legend(fontsize=8)
        else:
            axes.text(0.5, 0.5, "no epoch yet", ha="center", transform=axes.transAxes)
    return drawing


def smoothing_floor(label_smoothing: float, classes: int = 10) -> float:
    """Return the lowest cross-entropy that is possible with smoothed labels: the entropy of the smoothed target.

    The target asks for q = 1 - s + s / K at the right class and s / K at each of the K - 1 others. The cross-entropy
    of an answer p is - sum_k q[k] log p[k] = H(q) + KL(q, p): the entropy of q and a distance that is 0 only where
    p = q. So no answer costs less than

        H(q) = - (1 - s + s / K) log(1 - s + s / K) - (K - 1) (s / K) log(s / K)

    which is 0 without smoothing.

    Parameters
    ----------
    label_smoothing : float
        s, in [0, 1).
    classes : int, default 10
        K, at least 2.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> round(sc.plots.smoothing_floor(0.1), 4)
    0.5003
    """
    smoothing, classes = as_number("label_smoothing", label_smoothing), as_integer("classes", classes, 2)
    if not 0 <= smoothing < 1:
        raise ValueError(f"label_smoothing must be at least 0 and below 1, got {shown(label_smoothing)}")
    other = smoothing / classes
    right = 1 - smoothing + other
    return 0.0 if smoothing == 0 else -right * math.log(right) - (classes - 1) * other * math.log(other)


def histories(trainings: dict[str, History], measured: str = "val_loss", log: bool | None = None) -> Figure:
    """Draw one measure of several trainings in one picture.

    Parameters
    ----------
    trainings : dict of str to History
        A name for each, which the legend shows.
    measured : str, default "val_loss"
        What is drawn: a name in ``history.history``.
    log : bool, optional
        Whether on a logarithmic axis. Without it, where the values, other than accuracies, span more than a factor of
        ten.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> trainings = {}
    >>> for name in ("adam", "sgd"):
    ...     model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    ...     model.compile(name)
    ...     trainings[name] = model.fit(x[:100], y[:100], epochs=2, verbose=0)
    >>> figure = sc.plots.histories(trainings, "loss")
    """
    if not isinstance(trainings, dict) or not trainings:
        raise ValueError(f'trainings must be a dictionary such as {{"adam": history}}, got {shown(trainings, 100)}')
    log = _yes_no_or_none(log)
    for name, history in trainings.items():
        require_drawn(f"trainings[{shown(name)}]", history, History, EXPECTED)
        if measured not in history.history:
            known = ", ".join(history.history) or "nothing: it has no epoch"
            raise ValueError(f"the training {shown(name)} has not measured {shown(measured)}; there is {known}")
    names = [textwrap.fill(str(name), WIDEST) for name in trainings]
    longest = max(len(name) for name in names)
    crowded = len(trainings) > MOST_INSIDE or longest > LONG
    columns = max(1, min(4, WIDEST // (longest + 8)))  # the line beside a name is about as wide as 8 letters
    lines = math.ceil(sum(1 + name.count("\n") for name in names) / columns)
    drawing = figure(6, 4 + 0.2 * lines * crowded)
    axes = drawing.add_subplot()
    for place, (name, history) in enumerate(zip(names, trainings.values(), strict=True)):
        style = ("-", "--", "-.", ":")[place // len(CYCLE) % 4]
        epochs = [epoch + 1 for epoch in history.epoch]
        color, marker = CYCLE[place % len(CYCLE)], "osD^vPX"[(place + place // 28) % 7]
        axes.plot(epochs, history.history[measured], style, label=name, color=color, marker=marker, markersize=4)
    if log or (log is None and "accuracy" not in measured and _spans_much(axes)):
        axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel(measured)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3, which="both")
    if crowded:
        drawing.legend(loc="outside lower center", fontsize=8, ncols=columns)
    else:
        axes.legend(fontsize=8)
    return drawing


def _draw_batches(axes: Any, history: History) -> None:
    """Draw the loss of each batch where it was measured, between the ends of two epochs."""
    label = "each batch"
    for epoch, losses in history.batch_losses.items():
        places = epoch + (np.arange(len(losses)) + 0.5) / max(1, len(losses))
        alone = "." if len(losses) == 1 else ""  # one point makes no line
        axes.plot(places, losses, marker=alone, color="0.75", linewidth=0.7, label=label, zorder=1)
        label = "_nolegend_"


def _spans_much(axes: Any) -> bool:
    """Return whether the values drawn are positive, and the highest is many times the lowest."""
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines] or [np.empty(0)])
    values = values[np.isfinite(values)]
    return values.size > 0 and values.min() > 0 and bool(values.max() >= SPAN * values.min())


def _yes_no_or_none(log: Any) -> bool | None:
    if log is not None and not isinstance(log, bool | np.bool_):
        raise ValueError(f"log must be True, False or None, got {shown(log)}")
    return None if log is None else bool(log)


History.picture = learning_curves  # what a notebook shows of it
