"""The rows of ``accuracy.csv``, one for each training and each average of models, and the table of the results."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterable
from pathlib import Path

import report

from scratchcnn.recipes import RECIPES

DATA = ("mnist", "fashion_mnist")
COLUMNS = ("data", "recipe", "seed", "epochs", "seconds", "threads", "accuracy", "parameters", "checksum")
SHIFTED, MIRRORED = ", 9 shifts", ", mirrored"  # after the seeds of answers over such images, too
VIEWS = {"": "", SHIFTED: " --shifts", MIRRORED: " --flips", SHIFTED + MIRRORED: " --shifts --flips"}
PLUS = " + "  # between the recipes of an average, and between their seeds
Row = dict[str, str]


def read(path: Path) -> list[Row]:
    """Return the rows of an earlier run, none where there was none."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def key(row: Row) -> tuple[str, str, str]:
    return row["data"], row["recipe"], row["seed"]


def add(path: Path, new: Row) -> None:
    """Add a row to those in the file, or put it in its predecessor's place; in the order of data, recipes and seeds.

    Where the row of a model is replaced by that of other weights, all answers that the old one had a part in go.
    """
    old = read(path)
    has_changed = any(key(row) == key(new) and row["checksum"] != new["checksum"] for row in old)
    rows = [row for row in old if key(row) != key(new) and not _is_outdated(row, new, has_changed)] + [new]
    places = {recipe: place for place, recipe in enumerate(RECIPES)}  # averages over several recipes at the end
    rows.sort(key=lambda row: (DATA.index(row["data"]), places.get(row["recipe"], len(places)), _place(row["seed"])))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _is_outdated(row: Row, new: Row, has_changed: bool) -> bool:
    """Return whether the model of a new row had a part in a row's answers, with other weights than it has now."""
    if not _has_part_in(new, row):
        return False
    return has_changed if "-" in row["seed"] else row["checksum"] != new["checksum"]


def _has_part_in(model: Row, row: Row) -> bool:
    """Return whether the model of a row has a part in the answers of another one: alone or among others."""
    if row["data"] != model["data"] or not is_one_answer(model):
        return False
    return any(kind == model["recipe"] and int(model["seed"]) in seeds for kind, seeds in _members(row))


def _members(row: Row) -> list[tuple[str, range]]:
    """Return the recipes and the seeds of the models whose answers a row lists."""
    kinds, seeds = row["recipe"].split(PLUS), row["seed"].removesuffix(view_of(row)).split(PLUS)
    ends = [[int(end) for end in each.split("-")] for each in seeds]
    return [(kind, range(end[0], end[-1] + 1)) for kind, end in zip(kinds, ends, strict=True)]


def _place(seed: str) -> tuple[bool, str, int]:
    """Return where a row stands among those of its recipe: averages such as 0-4 at the end, then by views and seeds."""
    seeds, _, view = seed.partition(",")
    return "-" in seeds, view, int(seeds.split("-")[0])


def is_one_answer(row: Row) -> bool:
    """Return whether a row is what one model has answered once about each image."""
    return "-" not in row["seed"] and not view_of(row)


def view_of(row: Row) -> str:
    """Return which images the models of a row have looked at beside the images themselves, as ``VIEWS`` has it."""
    _, comma, view = row["seed"].partition(",")
    return comma + view


def render(rows: list[Row]) -> str:
    """Return the table: for each data set and recipe a line over all its seeds, and one for each average of models."""
    lines = []
    for data, name in dict.fromkeys((row["data"], row["recipe"]) for row in rows):
        chosen = [row for row in rows if (row["data"], row["recipe"]) == (data, name)]
        command = f"python benchmarks/bench_accuracy.py --data {data} --recipes {name} --seeds"
        for view, option in VIEWS.items():
            alone = [row for row in chosen if "-" not in row["seed"] and view == view_of(row)]
            if alone:
                neighbours = _neighbours(int(row["seed"].removesuffix(view)) for row in alone)
                what = "`, `".join(f"{command} {len(seeds)}{_start(seeds[0])}{option}" for seeds in neighbours)
                lines.append(_line(data, name + view, alone, what))
        for average in chosen:
            if PLUS in average["recipe"]:
                lines.append(_of_several(data, average))
            elif "-" in average["seed"]:
                view, [(_, seeds)] = view_of(average), _members(average)
                what = f"{command} {len(seeds)}{_start(seeds[0])} --ensemble{VIEWS[view]}"
                row = average | {"seed": average["seed"].removesuffix(view)}
                lines.append(_line(data, f"{len(seeds)} x {name}{view}", [row], what))
    header = (
        "data", "recipe", "parameters", "epochs", "seconds (median)", "threads", "mean %", "standard deviation",
        "lowest", "highest", "seeds", "command",
    )  # fmt: skip
    return report.table(header, lines)


def _neighbours(seeds: Iterable[int]) -> list[range]:
    """Return numbers as ranges, as few as there can be."""
    found: list[range] = []
    for seed in sorted(seeds):
        if found and seed == found[-1].stop:
            found[-1] = range(found[-1].start, seed + 1)
        else:
            found.append(range(seed, seed + 1))
    return found


def _start(seed: int) -> str:
    """Return the option that begins with a seed."""
    return f" --first-seed {seed}" if seed else ""


def _of_several(data: str, average: Row) -> list[str]:
    """Return the line of an average over models of several recipes."""
    label = PLUS.join(f"{len(seeds)} x {kind}" for kind, seeds in _members(average))
    named = ",".join(f"{kind}:{seeds[0]}-{seeds[-1]}" for kind, seeds in _members(average))
    return _line(data, label, [average], f"python benchmarks/bench_accuracy.py --data {data} --together {named}")


def _line(data: str, label: str, rows: list[Row], command: str) -> list[str]:
    accuracies = [100 * float(row["accuracy"]) for row in rows]
    threads = max(int(row["threads"]) for row in rows)
    seconds = [float(row["seconds"]) for row in rows if int(row["threads"]) == threads]
    return [
        data, label, f"{int(rows[0]['parameters']):,}", rows[0]["epochs"],
        report.number(statistics.median(seconds)), str(threads), f"**{statistics.mean(accuracies):.3f}**",
        f"{statistics.stdev(accuracies):.3f}" if len(rows) > 1 else "-", f"{min(accuracies):.2f}",
        f"{max(accuracies):.2f}", str(len(rows)) if "-" not in rows[0]["seed"] else rows[0]["seed"], f"`{command}`",
    ]  # fmt: skip
