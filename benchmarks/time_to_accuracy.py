"""Seconds to an accuracy on MNIST: the recipe `fast` trained by us and, step for step the same, by PyTorch.

The same network, initial weights, mini-batches, learning rates, Adam and loss. Each training runs in a process of its
own, alone, the contestants in turns; malloc keeps freed memory for both. The seconds run from the first batch to the
end of the last update, with all data in memory (PyTorch's already as floats in its own layout); what is compiled or set
up at the first steps comes before and is listed beside. The accuracy is that on the 10,000 test images, measured while
the clock stands still.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import machine
import numpy as np
import report
from harness import HERE, KEEP_MEMORY
from matplotlib import pyplot as plt
from options import progress
from run_all import HEAD

import scratchcnn as sc
from scratchcnn import commands
from scratchcnn.recipes import RECIPES

CONTESTANTS = {
    "scratchcnn": "scratchcnn",
    "torch": "PyTorch",
    "torch-channels-last": "PyTorch channels-last",
}
OURS = "scratchcnn"
Results = dict[str, list[dict[str, Any]]]  # by contestant: what each seed's race told


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument(
        "--seeds", type=commands.count, default=5, help="trainings of each contestant (default: %(default)s)"
    )
    made.add_argument("--points", type=commands.count, default=12, help="of each curve (default: %(default)s)")
    made.add_argument(
        "--threads", type=commands.count, default=min(2, len(machine.available_cpus())), help="of each contestant"
    )
    made.add_argument("--peer-python", default=sys.executable, help="interpreter that has PyTorch (default: this)")
    made.add_argument("--data-dir", help="folder with the files of MNIST (default: $SCRATCHCNN_DATA, or downloaded)")
    made.add_argument("--output", type=commands.folder, default=HERE, help="folder of RESULTS.md and plots")
    return commands.parse(made, arguments)


def plain_layers(model: sc.Sequential) -> list[tuple]:
    """Return a network as the plain data of ``networks.py``."""
    layers: list[tuple] = []
    for layer in model.layers:
        match layer:
            case sc.Conv2D():
                layers.append(("conv", layer.filters, layer.kernel_size[0], layer.padding))
            case sc.ReLU():
                layers.append(("relu",))
            case sc.MaxPool2D():
                layers.append(("pool", layer.pool_size[0]))
            case sc.Flatten():
                layers.append(("flatten",))
            case sc.Dense():
                layers.append(("dense", layer.units))
            case sc.Rescaling():
                pass  # the contestants do it, each in its own way
            case _:
                raise ValueError(f"the PyTorch version has no {type(layer).__name__}")
    return layers


def write_job(folder: Path, options: argparse.Namespace, seed: int) -> None:
    """Write what the contestants are given."""
    (images, labels), (test_images, test_labels) = sc.data.load_data("mnist", options.data_dir)
    recipe = RECIPES["fast"]
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1), seed=seed)
    recipe.compile(model, len(images))
    adam = model.optimizer
    assert isinstance(adam, sc.Adam)
    steps = recipe.epochs * -(-len(images) // recipe.batch_size)
    weights = model.get_weights()
    settings = {
        "layers": plain_layers(model),
        "weights": len(weights),
        "batch_size": recipe.batch_size,
        "adam": {"beta_1": adam.beta_1, "beta_2": adam.beta_2, "epsilon": adam.epsilon},
        "learning_rates": [recipe.schedule(steps)(step) for step in range(steps)],
        "label_smoothing": recipe.label_smoothing,
        "points": options.points,
    }
    (folder / "job.json").write_text(json.dumps(settings))
    np.savez(
        folder / "job.npz",
        images=images[..., None],
        labels=labels.astype(np.int64),
        test_images=test_images[..., None],
        test_labels=test_labels.astype(np.int64),
        order=np.stack([model.rng.permutation(len(images)) for _ in range(recipe.epochs)]),
        **{f"weights_{number:02d}": array for number, array in enumerate(weights)},
    )


def race(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Let one contestant train."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), str(options.threads))
    environment = os.environ | KEEP_MEMORY | threads | {"PYTHONPATH": str(HERE.parent)}
    cpus = ",".join(str(cpu) for cpu in machine.available_cpus()[: options.threads])
    python = sys.executable if name == OURS else options.peer_python
    command = [python, str(HERE / "peers" / "race.py"), name, str(folder), str(options.threads), cpus]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{CONTESTANTS[name]} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def run(options: argparse.Namespace) -> Results:
    """Train every contestant from every seed."""
    results: Results = {name: [] for name in CONTESTANTS}
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory(prefix="scratchcnn-race-") as folder:
            write_job(Path(folder), options, seed)
            names = list(CONTESTANTS)
            for name in names[seed % len(names) :] + names[: seed % len(names)]:
                result = race(name, Path(folder), options)
                results[name].append(result)
                seconds, accuracy = result["points"][-1]
                progress(f"seed {seed}: {CONTESTANTS[name]:22s} {accuracy:.2%} in {seconds:.2f} s")
    return results


def seconds_of(runs: list[dict[str, Any]]) -> float:
    """Return the median of the seconds that a training took."""
    return statistics.median(run["points"][-1][0] for run in runs)


def render(results: Results, options: argparse.Namespace) -> str:
    """Return the section."""
    rows = []
    for name, runs in results.items():
        seconds = [run["points"][-1][0] for run in runs]
        rows.append([
            CONTESTANTS[name], f"{seconds_of(runs):.2f}", f"{min(seconds):.2f}-{max(seconds):.2f}",
            f"{100 * statistics.mean(run['points'][-1][1] for run in runs):.3f}",
            f"{statistics.median(run['warm_up'] for run in runs):.1f}",
            f"{seconds_of(runs) / seconds_of(results[OURS]):.2f}x",
        ])  # fmt: skip
    header = ("contestant", "seconds (median)", "lowest-highest", "mean accuracy %", "first steps, s", "time / ours")
    versions = {key: value for runs in results.values() for key, value in runs[0]["versions"].items()}
    about = [
        time.strftime("%Y-%m-%d"),
        *machine.describe(),
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"{options.seeds} seeds, {options.threads} thread(s) each",
    ]
    figure = report.save(draw(results, options), options.output, "time_to_accuracy")
    lines = "\n".join(f"- {line}" for line in about)
    return f"## Time to accuracy\n\n{(__doc__ or '').strip()}\n\n{lines}\n\n{report.table(header, rows)}\n\n{figure}"


def draw(results: Results, options: argparse.Namespace) -> Any:
    """Return the figure: a thin line for each training, a thick one for the median of a contestant."""
    figure, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for (name, runs), color in zip(results.items(), report.LINE_COLORS, strict=False):
        curves = np.array([run["points"] for run in runs])  # (seeds, points, 2)
        for curve in curves:
            axis.plot(curve[:, 0], 100 * (1 - curve[:, 1]), color=color, lw=0.6, alpha=0.4)
        middle = np.median(curves, axis=0)
        axis.plot(middle[:, 0], 100 * (1 - middle[:, 1]), color=color, lw=2, marker="o", ms=4, label=CONTESTANTS[name])
    axis.set_yscale("log")
    ticks = [1, 2, 5, 10, 20, 50]
    axis.set_yticks(ticks, [f"{100 - tick} %" for tick in ticks])
    axis.invert_yaxis()
    axis.axhline(1, color="0.5", lw=1, ls="--")
    axis.set_xlim(left=0)
    axis.set_xlabel("seconds of training")
    axis.set_ylabel("accuracy on the test images")
    axis.set_title(f"Recipe fast, {options.threads} threads", fontsize=11, loc="left")
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    return figure


def main(arguments: list[str] | None = None) -> None:
    """Race, and write the section of RESULTS.md."""
    options = options_of(arguments)
    section = render(run(options), options)
    results = options.output / "RESULTS.md"
    text = results.read_text(encoding="utf-8") if results.exists() else HEAD
    results.write_text(
        report.replace_section(text, f"time to accuracy {report.instructions()}", section), encoding="utf-8"
    )
    print(section)


if __name__ == "__main__":
    main()
