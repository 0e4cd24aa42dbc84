"""Writing results down: tables in Markdown, bars and lines as pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import machine
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from harness import Timing
from matplotlib.ticker import LogLocator
from matplotlib.transforms import Bbox

OURS_COLOR, PEER_COLOR = "#c0392b", "#7f8c9b"
SIDES = (  # of a point, where its name may stand: place in points, and how it is aligned there
    ((8, 0), "left", "center"),
    ((-8, 0), "right", "center"),
    ((0, 7), "center", "bottom"),
    ((0, -7), "center", "top"),
)
LINE_COLORS = (OURS_COLOR, "#2c6fbb", "#e08a1e", "#3a8f5c", "#7b5ea7", "#555555")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, its columns aligned so that it also reads well in a terminal; numbers to the right."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "| " + " | ".join(_padded(cell, widths[column], column) for column, cell in enumerate(row)) + " |"
        for row in cells
    ]
    rule = (
        "|" + "|".join("-" * (width + 1) + ("-" if column == 0 else ":") for column, width in enumerate(widths)) + "|"
    )
    return "\n".join([lines[0], rule, *lines[1:]])


def _padded(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)


def number(value: float) -> str:
    """Return a number with three significant digits, or with none after the point from 100 on."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def with_spread(timing: Timing) -> str:
    """Return the median and, in brackets, the quartiles."""
    low, high = timing.quartiles
    return f"{number(timing.median)} ({number(low)}-{number(high)})"


def comparison(
    timings: dict[str, dict[str, Timing]], corner: str, ours: str, below: Iterable[Sequence[str]] = ()
) -> str:
    """Return a table of peers (rows) by workloads (columns), and below it how many times faster ours is.

    Parameters
    ----------
    timings : dict of workload to dict of peer's label to Timing
    corner : str
        Head of the first column: what is listed, and the unit.
    ours : str
        Label of the peer that the others are compared with.
    below : rows of text
        What else there is to say of the workloads.
    """
    labels = list(dict.fromkeys(label for peers in timings.values() for label in peers))
    rows = [[label, *(_cell(peers.get(label)) for peers in timings.values())] for label in labels]
    ratios, fastest = [], []
    for peers in timings.values():
        others = {label: timing.median for label, timing in peers.items() if label != ours}
        best = min(others, key=others.__getitem__, default="")
        comparable = best and ours in peers
        ratios.append(f"**{others[best] / peers[ours].median:.2f}x**" if comparable else "-")
        fastest.append(best or "-")
    rows += [["fastest peer", *fastest], ["**its time / ours**", *ratios]]
    return table([corner, *timings], [*rows, *below])


def _cell(timing: Timing | None) -> str:
    return "-" if timing is None else with_spread(timing)


def save(figure: Any, folder: Path, name: str) -> str:
    """Write a figure to ``folder/plots``, named after this CPU's vectors; return the line of Markdown that shows it."""
    plots = folder / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    file = f"{name}-{instructions().lower().replace(' ', '-')}.png"
    figure.savefig(plots / file, dpi=130, bbox_inches="tight")
    plt.close(figure)
    return f"![{name.replace('_', ' ')}, {instructions()}](plots/{file})"


def instructions() -> str:
    """Return the name of this CPU's vector instructions: results of different ones stand side by side."""
    return machine.vector_width()[0]


def bars(panels: dict[str, dict[str, Timing]], unit: str, title: str, ours: str) -> Any:
    """Return a figure with one panel of horizontal bars for each workload, the fastest on top; whiskers: quartiles."""
    columns = 2 if len(panels) > 1 else 1
    count = -(-len(panels) // columns)
    most = max((len(peers) for peers in panels.values()), default=1)
    size = (6 * columns, count * (0.34 * most + 0.9))
    figure, axes = plt.subplots(count, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (name, peers) in zip(axes.flat, panels.items(), strict=False):
        ranked = sorted(peers.items(), key=lambda item: -item[1].median)
        for place, (label, timing) in enumerate(ranked):
            low, high = timing.quartiles
            color = OURS_COLOR if label == ours else PEER_COLOR
            spread = [[timing.median - min(low, timing.median)], [max(high, timing.median) - timing.median]]
            axis.barh(place, timing.median, color=color, xerr=spread, error_kw={"lw": 1, "ecolor": "#333333"})
            axis.annotate(
                number(timing.median), (max(high, timing.median), place), (5, 0),
                textcoords="offset points", va="center", fontsize=9,
            )  # fmt: skip
        axis.set_yticks(range(len(ranked)), [label for label, _ in ranked], fontsize=9)
        axis.set_title(name, fontsize=10, loc="left")
        axis.margins(x=0.14)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlim(left=0)
        axis.set_xlabel(unit, fontsize=9)
    figure.suptitle(title, fontsize=11)
    return figure


def lines(axis: Any, curves: dict[str, dict[float, Timing]], xlabel: str, ylabel: str, ways: bool = False) -> None:
    """Draw one line for each peer, both axes logarithmic, the quartiles as a band; or for several ``ways`` of ours."""
    ticks = sorted({x for points in curves.values() for x in points})
    for place, ((label, points), color) in enumerate(zip(curves.items(), LINE_COLORS, strict=False)):
        xs = sorted(points)
        color, style = (OURS_COLOR, ("-", "--", ":")[place]) if ways else (color, "-")
        axis.plot(xs, [points[x].median for x in xs], style, marker="o", ms=4, color=color, label=label)
        low, high = zip(*(points[x].quartiles for x in xs), strict=True)
        axis.fill_between(xs, low, high, color=color, alpha=0.15, lw=0)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    if high < 10 * low:  # what hardly changes is to look like it
        middle = (low * high) ** 0.5
        axis.set_ylim(middle / 10**0.5, middle * 10**0.5)
    axis.set_xticks(ticks, [_short(tick) for tick in ticks])
    axis.minorticks_off()
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(lambda value, _: _short(value))
    axis.tick_params(labelsize=8)
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)


def name_points(axis: Any, points: Iterable[tuple[str, float, float]]) -> None:
    """Write a name beside each point, on a side where it covers no point and nothing that is written already.

    Where no side is free, it stands on the last of ``SIDES``. The axis keeps its limits: set them before.
    """
    figure, points = axis.figure, list(points)
    figure.draw_without_rendering()  # which lays it out
    renderer, half = figure.canvas.get_renderer(), 6 * figure.dpi / 72  # of a mark, in pixels
    centers = [axis.transData.transform((x, y)) for _, x, y in points]
    taken = [Bbox.from_bounds(x - half, y - half, 2 * half, 2 * half) for x, y in centers]
    written = [*axis.texts, *filter(None, [axis.get_legend()])]
    taken += [each.get_window_extent(renderer) for each in written]
    for name, x, y in points:
        note = axis.annotate(name, (x, y), (0, 0), textcoords="offset points", fontsize=8.5)
        for place, side, line in SIDES:
            note.set(position=place, ha=side, va=line)
            box = note.get_window_extent(renderer)
            is_inside = all(map(axis.bbox.contains, (box.x0, box.x1), (box.y0, box.y1)))
            if is_inside and not any(map(box.overlaps, taken)):
                break
        taken.append(box)


def _short(value: float) -> str:
    """Return a number in few letters: 4096, 10k, 1M."""
    return f"{value:g}" if value < 10_000 else f"{value / 1e3:g}k" if value < 1e6 else f"{value / 1e6:g}M"


def replace_section(text: str, name: str, body: str) -> str:
    """Return a document with a section replaced, the one between the markers of ``name``, or with it where it is new.

    A new one follows the one of the same name on other vector instructions, or the last.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = f"{begin}\n{body.strip()}\n{end}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if pattern.search(text):
        return pattern.sub(lambda _: section, text)
    like = re.compile(re.escape(f"<!-- {name.rpartition(' ')[0]} ") + r"[^ ]+: end -->")
    others = list(like.finditer(text))
    place = others[-1].end() if others else len(text.rstrip())
    return "\n\n".join(part for part in (text[:place], section, text[place:].strip()) if part) + "\n"
