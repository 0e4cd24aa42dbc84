"""The filters of a convolution. Letters: KH KW kernel, C channels, F filters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..checks.drawn import as_drawn
from ..checks.inputs import as_integer
from .drawing import new_figure

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
    filters = kernel.mean(axis=2).transpose(2, 0, 1)  # (F, KH, KW)
    limit = float(np.abs(filters).max()) or 1.0
    columns = min(as_integer("columns", columns, 1), len(filters))
    rows = math.ceil(len(filters) / columns)
    figure = new_figure(columns, rows)
    for place, image in enumerate(filters):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.imshow(image, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_axis_off()
    return figure
