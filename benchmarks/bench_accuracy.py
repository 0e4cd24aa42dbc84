"""The accuracy that each recipe reaches on MNIST's 10,000 test images, over many seeds.

The recipes were chosen on the training images alone; each row is one training on all 60,000 of them, measured once on
the test images. `benchmarks/accuracy.csv` has every seed with the checksum of its weights, and
`python examples/train_mnist.py --recipe NAME --seed SEED` prints the same one (on a CPU with the same vector width:
others add up in another order). Seconds are those of `fit`, with the kernels compiled before.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from pathlib import Path

import machine
import numpy as np
import report
from harness import HERE
from options import choice, progress
from run_all import HEAD

import scratchcnn as sc
from scratchcnn.recipes import RECIPES, checksum

SEEDS = {"fast": 20, "keras": 5}  # listed: the first so many
COLUMNS = ("recipe", "seed", "epochs", "seconds", "accuracy", "parameters", "checksum")
Row = dict[str, str]
Split = tuple[np.ndarray, np.ndarray]
Data = tuple[Split, Split]


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--recipes", type=choice(RECIPES), default=",".join(RECIPES), help="(default: %(default)s)")
    made.add_argument("--seeds", type=int, help="train with the first so many (default: as many as are listed)")
    made.add_argument("--data-dir", help="folder with the files of MNIST (default: $SCRATCHCNN_DATA, or downloaded)")
    made.add_argument("--output", type=Path, default=HERE, help="folder of accuracy.csv and RESULTS.md")
    return made.parse_args(arguments)


def measure(name: str, seed: int, data: Data) -> Row:
    """Train by a recipe and return what is listed of it."""
    (x_train, y_train), (x_test, y_test) = data
    recipe = RECIPES[name]
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1), seed=seed)
    recipe.compile(model, samples=len(x_train))
    start = time.perf_counter()
    model.fit(x_train, y_train, epochs=recipe.epochs, batch_size=recipe.batch_size, verbose=0)
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(x_test, y_test)
    values = (name, seed, recipe.epochs, f"{seconds:.2f}", f"{accuracy:.4f}", model.parameters.size, checksum(model))
    return dict(zip(COLUMNS, map(str, values), strict=True))


def compile_kernels(name: str, data: Data) -> None:
    """Take a few steps, the last with the smaller batch that ends an epoch, so that nothing is compiled later."""
    (x_train, y_train), _ = data
    recipe = RECIPES[name]
    few = 2 * recipe.batch_size + len(x_train) % recipe.batch_size
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1))
    recipe.compile(model, few)
    model.fit(x_train[:few], y_train[:few], batch_size=recipe.batch_size, verbose=0)


def read(path: Path) -> list[Row]:
    """Return the rows of an earlier run, none where there was none."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[Row]) -> None:
    """Write all rows, in the order of recipes and seeds."""
    order = list(RECIPES)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: (order.index(row["recipe"]), int(row["seed"]))))


def render(rows: list[Row]) -> str:
    """Return the table: a line for each recipe, over all its seeds."""
    lines = []
    for name in RECIPES:
        chosen = [row for row in rows if row["recipe"] == name]
        if not chosen:
            continue
        accuracies = [100 * float(row["accuracy"]) for row in chosen]
        spread = f"{statistics.stdev(accuracies):.3f}" if len(accuracies) > 1 else "-"
        lines.append([
            name, f"{int(chosen[0]['parameters']):,}", chosen[0]["epochs"],
            f"{statistics.median(float(row['seconds']) for row in chosen):.2f}",
            f"**{statistics.mean(accuracies):.3f}**", spread, f"{min(accuracies):.2f}", f"{max(accuracies):.2f}",
            str(len(chosen)), f"`python benchmarks/bench_accuracy.py --recipes {name} --seeds {len(chosen)}`",
        ])  # fmt: skip
    header = (
        "recipe", "parameters", "epochs", "seconds (median)", "mean %", "standard deviation", "lowest", "highest",
        "seeds", "command",
    )  # fmt: skip
    return report.table(header, lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the recipes, and write the rows after each training, the section at the end."""
    options = options_of(arguments)
    data = sc.data.load_data("mnist", options.data_dir)
    path = options.output / "accuracy.csv"
    for name in options.recipes:
        compile_kernels(name, data)
        for seed in range(options.seeds or SEEDS.get(name, 5)):
            row = measure(name, seed, data)
            others = [old for old in read(path) if (old["recipe"], old["seed"]) != (name, str(seed))]
            write(path, [*others, row])
            progress(f"{name}, seed {seed}: {float(row['accuracy']):.2%} in {row['seconds']} s")
    table = render(read(path))
    about = "\n".join(f"- {line}" for line in [time.strftime("%Y-%m-%d"), *machine.describe()])
    section = f"## Accuracy\n\n{(__doc__ or '').strip()}\n\n{about}\n\n{table}"
    results = options.output / "RESULTS.md"
    text = results.read_text(encoding="utf-8") if results.exists() else HEAD
    results.write_text(report.replace_section(text, "accuracy", section), encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
