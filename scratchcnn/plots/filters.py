"""What a network has learnt, as numbers in its kernels: the filters of a convolution, weights at start and end.

Letters: KH KW height and width of a kernel, C channels, F filters.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks.drawn import as_drawn
from ..checks.inputs import as_integer
from ..checks.messages import shown
from ..network.network import Network
from .canvas import BLUE, ORANGE, SIGNED, figure, limit_of, refuse_average

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    if kernel.size == 0:
        raise ValueError(f"kernel must be {expected}, got the shape {kernel.shape}")
    filters = kernel.mean(axis=2).transpose(2, 0, 1)  # (F, KH, KW)
    limit = limit_of(filters)
    columns = min(as_integer("columns", columns, 1), len(filters))
    rows = math.ceil(len(filters) / columns)
    drawing = figure(columns + 1.3, 1.15 * rows + 0.5)
    every = []
    for place, image in enumerate(filters):
        axes = drawing.add_subplot(rows, columns, place + 1)
        shading = axes.imshow(image, cmap=SIGNED, vmin=-limit, vmax=limit)
        axes.set_title(str(place), fontsize=8, pad=2)
        axes.set_xticks(range(image.shape[1]))
        axes.set_yticks(range(image.shape[0]))
        last = place + columns >= len(filters)
        axes.tick_params(labelsize=6, length=2, labelleft=place % columns == 0, labelbottom=last)
        every.append(axes)
    bar = drawing.colorbar(shading, ax=every, fraction=0.05, pad=0.2 / (columns + 1.3))
    one = kernel.shape[2] == 1
    bar.set_label("weight" if one else f"weight,\nmean over\n{kernel.shape[2]} channels", fontsize=9)  # fits one row
    drawing.supxlabel("column of the filter", fontsize=9)
    drawing.supylabel("row of the filter", fontsize=9)
    return drawing


def weights(start: Any, end: Any) -> Figure:
    """Draw how the weights of each kernel are distributed, at the start and at the end of a training.

    Parameters
    ----------
    start, end : Sequential, or dict of str to ndarray
        Two models of the same layers, or what ``model.named_parameters()`` returned, copied. A fresh model of the
        same seed, which has the initial weights, is ``sc.model_from_json(model.to_json())``.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile()
    >>> history = model.fit(x[:100], y[:100], verbose=0)
    >>> figure = sc.plots.weights(sc.model_from_json(model.to_json()), model)
    """
    first, last = _named("start", start), _named("end", end)
    if {name: array.shape for name, array in first.items()} != {name: array.shape for name, array in last.items()}:
        raise ValueError(
            f"start and end must have the same parameters, got {shown(sorted(first))} and {shown(sorted(last))}"
        )
    names = [name for name in first if first[name].ndim > 1] or list(first)
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    drawing = figure(3.3 * columns, 2.6 * rows)
    for place, name in enumerate(names):
        axes = drawing.add_subplot(rows, columns, place + 1)
        both = np.concatenate([first[name].ravel(), last[name].ravel()])
        bins = (
            np.linspace(both.min(), both.max(), 61) if np.ptp(both) > 0 else np.linspace(both[0] - 1, both[0] + 1, 61)
        )
        axes.hist(first[name].ravel(), bins, color=BLUE, histtype="step", linewidth=1.5, label="start")
        axes.hist(last[name].ravel(), bins, color=ORANGE, alpha=0.5, label="end")
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("weight")
        axes.set_ylabel("how many")
        axes.tick_params(labelsize=7)
        axes.legend(fontsize=7)
    return drawing


def _named(argument: str, value: Any) -> dict[str, np.ndarray]:
    """Return parameters by name: those of a model, or as they are given."""
    refuse_average(argument, value)
    parameters = value.named_parameters() if isinstance(value, Network) else value
    if not isinstance(parameters, dict) or not parameters:
        raise ValueError(
            f"{argument} must be a model with parameters, or a dictionary as model.named_parameters() returns it, "
            f"got {shown(value, 100)}"
        )
    named = {}
    for name, array in parameters.items():
        array = as_drawn(f"{argument}[{shown(name)}]", array, tuple(range(1, 9)), "an array of weights")
        if array.size == 0 or not np.isfinite(array).all():
            raise ValueError(f"{argument}[{shown(name)}] must be finite weights, got {shown(array, 100)}")
        named[str(name)] = array
    return named
