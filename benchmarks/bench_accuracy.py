"""The accuracy that each recipe reaches on the 10,000 test images of MNIST and Fashion-MNIST, over several seeds.

The recipes were chosen on training images alone ("How the recipes were chosen" says how). Each row is over trainings on
all 60,000 images, measured on the test images; "5 x" is the average of the probabilities of that many models,
"9 shifts" says that each model looked at each image shifted by up to a pixel, nine times, and "mirrored" that it looked
at each image and its mirror image.
`benchmarks/accuracy.csv` has every seed with the checksum of its weights, and
`python examples/train_recipe.py --data DATA --recipe NAME --seed SEED` prints the same one, on any number of threads
(on a CPU with the same vector width: others add up in another order). Seconds are those of `fit`, with the kernels
compiled before, of the trainings with the most threads; of an average, the sum. Trainings with one thread ran two at a
time, and their seconds are those of the CPU.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import time

import machine
import numba
import numpy as np
import report
from accuracy_rows import COLUMNS, DATA, MIRRORED, PLUS, SHIFTED, Row, add, is_one_answer, key, read, render
from harness import HERE
from options import choice, progress
from run_all import HEAD

import scratchcnn as sc
from scratchcnn import commands
from scratchcnn.recipes import RECIPES, checksum

SEEDS = {"mnist": 5, "fashion_mnist": 3}  # of recipes that are not listed yet
Split = tuple[np.ndarray, np.ndarray]
Data = tuple[Split, Split]


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--data", choices=DATA, default="mnist", help="(default: %(default)s)")
    made.add_argument("--recipes", type=choice(RECIPES), help="(default: all)")
    made.add_argument("--seeds", type=commands.count, help="train with so many (default: as many as are listed)")
    made.add_argument("--first-seed", type=commands.seed, default=0, help="from this one on (default: %(default)s)")
    made.add_argument("--ensemble", action="store_true", help="also list what the models of these seeds know together")
    made.add_argument(
        "--together", type=members, metavar="RECIPE:SEEDS,...",
        help="list what models of several recipes know together, such as best:0-2,99.6:0-1, and nothing else",
    )  # fmt: skip
    made.add_argument("--shifts", action="store_true", help="also list answers over nine shifts of each image")
    made.add_argument(
        "--flips",
        action="store_true",
        help="also list answers over mirror images; with --shifts, over nine shifts of both",
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
    for name in ("recipes", "seeds", "first_seed", "ensemble", "shifts", "flips"):
        if options.together and getattr(options, name):
            made.error(f"--{name.replace('_', '-')} would be ignored beside --together: leave one of them out")
    return options


def members(text: str) -> dict[str, range]:
    """Return the seeds of each recipe that a text such as ``best:0-2,99.6:0`` names."""
    found = {}
    for part in text.split(","):
        match = re.fullmatch(r"(.+):(\d+)(?:-(\d+))?", part)
        if not match or match[1] not in RECIPES:
            raise argparse.ArgumentTypeError(f"{part!r} is no RECIPE:SEED or RECIPE:FIRST-LAST of {', '.join(RECIPES)}")
        found[match[1]] = range(int(match[2]), int(match[3] or match[2]) + 1)
    return found


def train(data_name: str, name: str, seed: int, data: Data, threads: int) -> tuple[sc.Sequential, Row]:
    """Train by a recipe; return the model and what is listed of it."""
    (x_train, y_train), (x_test, y_test) = data
    recipe = RECIPES[name]
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1), seed=seed)
    clock = time.process_time if threads == 1 else time.perf_counter  # what else runs takes time from one thread, too
    start = clock()
    recipe.train(model, x_train, y_train, verbose=0)
    seconds = clock() - start
    _, accuracy = model.evaluate(x_test, y_test)
    values = (
        data_name, name, seed, recipe.epochs, f"{seconds:.2f}", threads, f"{accuracy:.4f}", model.parameters.size,
        checksum(model),
    )  # fmt: skip
    return model, dict(zip(COLUMNS, map(str, values), strict=True))


def looking_at(model: sc.Sequential, view: str) -> sc.Sequential | sc.ShiftAverage:
    """Return what answers for a model that looks at shifted or at mirrored images, too."""
    return sc.ShiftAverage(model, reach=int(SHIFTED in view), horizontal_flip=MIRRORED in view) if view else model


def together(rows: list[Row], models: list[sc.Sequential], test: Split, view: str = "") -> Row:
    """Return what is listed of the average of some models, each of which has its row, maybe with other images, too."""
    _, accuracy = sc.Ensemble([looking_at(model, view) for model in models]).evaluate(*test)
    kinds = list(dict.fromkeys(row["recipe"] for row in rows))
    seeds = [[row["seed"] for row in rows if row["recipe"] == kind] for kind in kinds]
    return rows[0] | {
        "recipe": PLUS.join(kinds),
        "seed": PLUS.join(f"{each[0]}-{each[-1]}" for each in seeds) + view,
        "epochs": PLUS.join(dict.fromkeys(row["epochs"] for row in rows)),
        "seconds": f"{sum(float(row['seconds']) for row in rows):.2f}",
        "accuracy": f"{accuracy:.4f}",
        "parameters": str(sum(int(row["parameters"]) for row in rows)),
        "checksum": checksum(*models),
    }


def row_of_view(row: Row, model: sc.Sequential, test: Split, view: str) -> Row:
    """Return what is listed of a model, which has its row, that looks at other images, too."""
    _, accuracy = looking_at(model, view).evaluate(*test)
    return row | {"seed": row["seed"] + view, "accuracy": f"{accuracy:.4f}"}


def compile_kernels(name: str, data: Data) -> None:
    """Take a few steps, the last with the smaller batch that ends an epoch, so that nothing is compiled later."""
    (x_train, y_train), _ = data
    recipe = RECIPES[name]
    few = 2 * recipe.batch_size + len(x_train) % recipe.batch_size
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1))
    dataclasses.replace(recipe, epochs=1).train(model, x_train[:few], y_train[:few], verbose=0)


def trained(name: str, seeds: range, data: Data, options: argparse.Namespace) -> tuple[list[Row], list[sc.Sequential]]:
    """Return the rows and the models of some seeds of a recipe; those that are not there are trained, and added."""
    path, rows, models = options.output / "accuracy.csv", [], []
    compile_kernels(name, data)
    for seed in seeds:
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
    return rows, models


def list_row(new: Row, options: argparse.Namespace) -> None:
    """Add the row of answers by models that have rows already."""
    add(options.output / "accuracy.csv", new)
    progress(f"{options.data}, {new['recipe']}, seeds {new['seed']}: {float(new['accuracy']):.2%}")


def run_together(data: Data, options: argparse.Namespace) -> None:
    """Add the row of an average over models of several recipes."""
    parts = [trained(name, seeds, data, options) for name, seeds in options.together.items()]
    new = together(
        [row for rows, _ in parts for row in rows], [model for _, models in parts for model in models], data[1]
    )
    list_row(new, options)


def run(name: str, data: Data, options: argparse.Namespace) -> None:
    """Train from all seeds of a recipe, and add a row after each."""
    path = options.output / "accuracy.csv"
    listed = [row for row in read(path) if (row["data"], row["recipe"]) == (options.data, name) and is_one_answer(row)]
    count = options.seeds or len(listed) or SEEDS[options.data]
    seeds = range(options.first_seed, options.first_seed + count)
    rows, models = trained(name, seeds, data, options)
    view = SHIFTED * options.shifts + MIRRORED * options.flips
    for row, model in zip(rows, models, strict=True) if view else ():
        list_row(row_of_view(row, model, data[1], view), options)
    for each in dict.fromkeys(("", view)) if options.ensemble else ():
        list_row(together(rows, models, data[1], each), options)


def main(arguments: list[str] | None = None) -> None:
    """Run the recipes, and write the rows after each training, the section at the end."""
    options = options_of(arguments)
    numba.set_num_threads(options.threads)
    data = sc.data.load_data(options.data, options.data_dir)
    options.models.mkdir(parents=True, exist_ok=True)
    if options.together:
        run_together(data, options)
    else:
        for name in options.recipes or RECIPES:
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
