"""The accuracy that each recipe reaches on the 10,000 test images of MNIST and Fashion-MNIST, over several seeds.

The recipes were chosen on training images alone ("How the recipes were chosen" says how, and the one thing that the
test images have decided), and are the same for both. Each row is over trainings on all 60,000 images, each measured
once on the test images; "5 x" is the average of the probabilities of that many models, and "9 shifts" says that each
model looked at each image shifted by up to a pixel, nine times, too. `benchmarks/accuracy.csv` has every seed with the
checksum of its weights, and `python examples/train_recipe.py --data DATA --recipe NAME --seed SEED` prints the same
one, on any number of threads (on a CPU with the same vector width: others add up in another order). Seconds are those
of `fit`, with the kernels compiled before, of the trainings with the most threads; of an average, the sum. Trainings
with one thread ran two at a time, each on a core of its own.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import statistics
import time
from pathlib import Path

import machine
import numba
import numpy as np
import report
from harness import HERE
from options import choice, progress
from run_all import HEAD

import scratchcnn as sc
from scratchcnn import commands
from scratchcnn.recipes import RECIPES, checksum

DATA = ("mnist", "fashion_mnist")
SEEDS = {("mnist", "fast"): 20}  # listed: the first so many, of the others
OTHER_SEEDS = {"mnist": 5, "fashion_mnist": 3}
COLUMNS = ("data", "recipe", "seed", "epochs", "seconds", "threads", "accuracy", "parameters", "checksum")
SHIFTED = ", 9 shifts"  # behind the seeds of an average over shifted images
Row = dict[str, str]
Split = tuple[np.ndarray, np.ndarray]
Data = tuple[Split, Split]


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--data", choices=DATA, default="mnist", help="(default: %(default)s)")
    made.add_argument("--recipes", type=choice(RECIPES), default=",".join(RECIPES), help="(default: %(default)s)")
    made.add_argument("--seeds", type=commands.count, help="train with so many (default: as many as are listed)")
    made.add_argument("--first-seed", type=commands.seed, default=0, help="from this one on (default: %(default)s)")
    made.add_argument("--ensemble", action="store_true", help="also list what the models of these seeds know together")
    made.add_argument(
        "--shifts", action="store_true", help="with --ensemble: list that over nine shifts of each image, too"
    )
    made.add_argument("--resume", action="store_true", help="do not train again what is listed and saved")
    made.add_argument(
        "--threads", type=commands.count, default=min(2, len(machine.available_cpus())), help="(default: all, or 2)"
    )
    made.add_argument("--data-dir", help="folder with the files of the data (default: $SCRATCHCNN_DATA, or downloaded)")
    made.add_argument("--output", type=commands.folder, default=HERE, help="folder of accuracy.csv and RESULTS.md")
    made.add_argument(
        "--models", type=commands.folder, default=HERE / "output", help="of the trained models (default: %(default)s)"
    )
    options = commands.parse(made, arguments)
    if options.shifts and not options.ensemble:
        made.error("--shifts would be ignored without --ensemble: add it, or leave --shifts out")
    return options


def train(data_name: str, name: str, seed: int, data: Data, threads: int) -> tuple[sc.Sequential, Row]:
    """Train by a recipe; return the model and what is listed of it."""
    (x_train, y_train), (x_test, y_test) = data
    recipe = RECIPES[name]
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1), seed=seed)
    start = time.perf_counter()
    recipe.train(model, x_train, y_train, verbose=0)
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(x_test, y_test)
    values = (
        data_name, name, seed, recipe.epochs, f"{seconds:.2f}", threads, f"{accuracy:.4f}", model.parameters.size,
        checksum(model),
    )  # fmt: skip
    return model, dict(zip(COLUMNS, map(str, values), strict=True))


def together(rows: list[Row], models: list[sc.Sequential], test: Split, shifts: bool = False) -> Row:
    """Return what is listed of the average of some models, each of which has its row, perhaps over shifted images."""
    answers = [sc.ShiftAverage(model) for model in models] if shifts else models
    _, accuracy = sc.Ensemble(answers).evaluate(*test)
    first, last = rows[0], rows[-1]
    return first | {
        "seed": f"{first['seed']}-{last['seed']}{SHIFTED if shifts else ''}",
        "seconds": f"{sum(float(row['seconds']) for row in rows):.2f}",
        "accuracy": f"{accuracy:.4f}",
        "parameters": str(sum(int(row["parameters"]) for row in rows)),
        "checksum": checksum(*models),
    }


def compile_kernels(name: str, data: Data) -> None:
    """Take a few steps, the last with the smaller batch that ends an epoch, so that nothing is compiled later."""
    (x_train, y_train), _ = data
    recipe = RECIPES[name]
    few = 2 * recipe.batch_size + len(x_train) % recipe.batch_size
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1))
    dataclasses.replace(recipe, epochs=1).train(model, x_train[:few], y_train[:few], verbose=0)


def read(path: Path) -> list[Row]:
    """Return the rows of an earlier run, none where there was none."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def key(row: Row) -> tuple[str, str, str]:
    return row["data"], row["recipe"], row["seed"]


def add(path: Path, new: Row) -> None:
    """Add a row to those in the file, or put it in its predecessor's place; in the order of data, recipes and seeds."""
    rows = [row for row in read(path) if key(row) != key(new)] + [new]
    recipes = list(RECIPES)
    rows.sort(key=lambda row: (DATA.index(row["data"]), recipes.index(row["recipe"]), _place(row["seed"])))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _place(seed: str) -> tuple[bool, int]:
    """Return where a row stands among those of its recipe: averages of several seeds, such as 0-4, at the end."""
    return "-" in seed, int(seed.split("-")[0])


def render(rows: list[Row]) -> str:
    """Return the table: for each data set and recipe a line over all its seeds, and one for each average of models."""
    lines = []
    for data, name in dict.fromkeys((row["data"], row["recipe"]) for row in rows):
        chosen = [row for row in rows if (row["data"], row["recipe"]) == (data, name)]
        seeds = [row for row in chosen if "-" not in row["seed"]]
        command = f"python benchmarks/bench_accuracy.py --data {data} --recipes {name} --seeds"
        if seeds:
            lines.append(_line(data, name, seeds, f"{command} {len(seeds)}"))
        for average in chosen:
            if "-" in average["seed"]:
                first, last = map(int, average["seed"].removesuffix(SHIFTED).split("-"))
                count = last - first + 1
                start = f" --first-seed {first}" if first else ""
                shifts = " --shifts" if average["seed"].endswith(SHIFTED) else ""
                what = f"{command} {count}{start} --ensemble{shifts}"
                lines.append(_line(data, f"{count} x {name}", [average], what))
    header = (
        "data", "recipe", "parameters", "epochs", "seconds (median)", "threads", "mean %", "standard deviation",
        "lowest", "highest", "seeds", "command",
    )  # fmt: skip
    return report.table(header, lines)


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


def run(name: str, data: Data, options: argparse.Namespace) -> None:
    """Train from all seeds of a recipe, and add a row after each."""
    path = options.output / "accuracy.csv"
    count = options.seeds or SEEDS.get((options.data, name), OTHER_SEEDS[options.data])
    rows, models = [], []
    compile_kernels(name, data)
    for seed in range(options.first_seed, options.first_seed + count):
        file = options.models / f"{options.data}-{name}-{seed}.npz"
        old = [row for row in read(path) if key(row) == (options.data, name, str(seed))]
        if options.resume and old and file.exists() and checksum(sc.load_model(file)) == old[0]["checksum"]:
            model, new = sc.load_model(file), old[0]
        else:
            model, new = train(options.data, name, seed, data, options.threads)
            add(path, new)
            model.save(file)
        progress(f"{options.data}, {name}, seed {seed}: {float(new['accuracy']):.2%} in {new['seconds']} s")
        rows.append(new)
        models.append(model)
    if options.ensemble:
        for shifts in (False, True) if options.shifts else (False,):
            new = together(rows, models, data[1], shifts)
            add(path, new)
            progress(f"{options.data}, {name}, seeds {new['seed']} together: {float(new['accuracy']):.2%}")


def main(arguments: list[str] | None = None) -> None:
    """Run the recipes, and write the rows after each training, the section at the end."""
    options = options_of(arguments)
    numba.set_num_threads(options.threads)
    data = sc.data.load_data(options.data, options.data_dir)
    options.models.mkdir(parents=True, exist_ok=True)
    for name in options.recipes:
        run(name, data, options)
    table = render(read(options.output / "accuracy.csv"))
    about = "\n".join(f"- {line}" for line in [time.strftime("%Y-%m-%d"), *machine.describe()])
    section = f"## Accuracy\n\n{(__doc__ or '').strip()}\n\n{about}\n\n{table}"
    results = options.output / "RESULTS.md"
    text = results.read_text(encoding="utf-8") if results.exists() else HEAD
    results.write_text(report.replace_section(text, "accuracy", section), encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
