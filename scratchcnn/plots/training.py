"""Activations, gradients and updates over a training, layer by layer. Letters: B bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..callbacks.histograms import KINDS, HistogramRecorder
from ..checks.drawn import require_drawn
from .canvas import ORANGE, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = ("activations", "gradients", "updates / weights")
RARE = 0.005  # sizes that no look has more than this share of are left out at both ends
HEALTHY = -3.0  # log10 of an update against the weights, the usual rule of thumb


def training_histograms(recorder: HistogramRecorder) -> Figure:
    """Draw what a ``HistogramRecorder`` has seen: a row for each layer, time to the right, sizes as powers of ten.

    The darker, the more values have this size at this time. In the last column a dashed line marks 1e-3, about where
    a training is neither wild nor asleep. Above each panel stands the share of exact zeros at the last look.

    Parameters
    ----------
    recorder : HistogramRecorder
        After ``fit``.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile()
    >>> recorder = sc.callbacks.HistogramRecorder(x[:50], every=2)
    >>> history = model.fit(x[:200], y[:200], callbacks=[recorder], verbose=0)
    >>> figure = sc.plots.training_histograms(recorder)
    """
    expected = "the HistogramRecorder that was among the callbacks of fit"
    require_drawn("recorder", recorder, HistogramRecorder, expected)
    names = list(recorder.counts["updates"])
    if not names:
        raise ValueError(f"recorder must be {expected}, it has recorded nothing yet")
    drawing = figure(10, 1.9 * len(names) + 0.5)
    for row, name in enumerate(names):
        for column, (kind, title) in enumerate(zip(KINDS, TITLES, strict=True)):
            axes = drawing.add_subplot(len(names), 3, 3 * row + column + 1)
            _draw(axes, recorder, kind, name)
            zeros = recorder.zeros[kind][name][-1]
            axes.set_title(f"{name}: {title}" + (f", {zeros:.0%} are 0" if zeros >= 0.005 else ""), fontsize=8)
            if column == 0:
                axes.set_ylabel("size, power of ten", fontsize=8)
            if row == len(names) - 1:
                axes.set_xlabel("epoch", fontsize=8)
            if kind == "updates":
                axes.axhline(HEALTHY, color=ORANGE, linestyle="--", linewidth=1.8)
    return drawing


def _draw(axes: Any, recorder: HistogramRecorder, kind: str, name: str) -> None:
    counts = np.array(recorder.counts[kind][name], np.float64)  # (looks, B)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    looks = np.array(recorder.looks[-len(counts) :])
    times = np.append(looks, looks[-1] + (looks[-1] - looks[-2] if len(looks) > 1 else 1.0))
    axes.pcolormesh(
        times, recorder.edges, shares.T, cmap="Blues", vmin=0, vmax=float(np.quantile(shares.max(axis=1), 0.5)) or 1.0
    )
    seen = np.flatnonzero(shares.max(axis=0) >= RARE)
    if seen.size:
        axes.set_ylim(recorder.edges[max(0, seen[0] - 1)], recorder.edges[min(len(recorder.edges) - 1, seen[-1] + 2)])
    axes.tick_params(labelsize=7)
