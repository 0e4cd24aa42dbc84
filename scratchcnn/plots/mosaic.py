"""Many maps as one image, side by side: what a layer says of a digit, channel by channel.

Letters: H W height and width of a map, C channels, D features.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .canvas import SIGNED, figure, limit_of

BLANK = 0.12  # of a map's width lies between two


def distinct(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return arrays (1, ...) without those that hold the numbers of the one before, as after Flatten and Dropout."""
    kept: dict[str, np.ndarray] = {}
    latest: np.ndarray | None = None
    for name, array in arrays.items():
        if latest is None or not np.array_equal(latest.ravel(), array.ravel()):
            kept[name] = array[0]
        latest = array
    return kept


def draw_rows(rows: dict[str, np.ndarray], most: int, cmap: str, signed: bool, what: str) -> Any:
    """Return a figure with a row for each array: maps (H, W, C) side by side, numbers (D,) as a strip.

    Each row has colours of its own, whose range stands at its right.
    """
    heights = [1.0 if array.ndim == 3 else 0.55 for array in rows.values()]
    widest = max([1, *(min(most, array.shape[2]) for array in rows.values() if array.ndim == 3)])
    drawing = figure(1.1 * widest + 2.6, 1.25 * sum(heights) + 0.6)
    grid = drawing.add_gridspec(len(rows), 1, height_ratios=heights)
    for place, (name, array) in enumerate(rows.items()):
        axes = drawing.add_subplot(grid[place])
        image = side_by_side(array, widest) if array.ndim == 3 else array.reshape(1, -1)
        limit = limit_of(image)
        low = -limit if signed or float(np.nanmin(image)) < 0 else 0.0
        colors = cmap if low == 0 or signed else SIGNED
        maps = array.ndim == 3
        shown = axes.imshow(
            image, cmap=colors, vmin=low, vmax=limit, aspect="equal" if maps else "auto", interpolation="nearest"
        )
        axes.set_xticks([])
        axes.set_yticks([])
        if not maps and array.size <= 20:
            axes.set_xticks(range(array.size))
            axes.tick_params(labelsize=7)
        for spine in axes.spines.values():
            spine.set_visible(not maps)
        shape = " x ".join(map(str, array.shape))
        first = f", first {widest}" if maps and array.shape[2] > widest else ""
        axes.set_title(f"{name}: {shape}{first}", fontsize=8, loc="left", pad=3)
        bar = drawing.colorbar(shown, ax=axes, fraction=0.04, pad=0.01, aspect=10 if maps else 4)
        axes.set_anchor("W")  # which the colour bar has set
        bar.ax.tick_params(labelsize=8)
        bar.set_ticks([low, limit], labels=[f"{low:.2g}", f"{limit:.2g}"])
    drawing.supxlabel(what, fontsize=9)
    return drawing


def side_by_side(maps: np.ndarray, places: int) -> np.ndarray:
    """Return the first maps of (H, W, C) in one image, NaN between them and where there are fewer than places."""
    height, width, channels = maps.shape
    gap = max(1, round(BLANK * width))
    image = np.full((height, places * (width + gap) - gap), np.nan)
    for place in range(min(places, channels)):
        start = place * (width + gap)
        image[:, start : start + width] = maps[:, :, place]
    return image
