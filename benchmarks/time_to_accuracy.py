"""The ladder: for each accuracy on MNIST the recipe that gets there soonest, and PyTorch following the same recipes.

The same networks, initial weights, mini-batches, distorted images, learning rates, optimizer, loss and average of the
weights, step for step. Each training runs in a process of its own, alone, the contestants in turns; malloc keeps freed
memory for both. The seconds run from the first batch to the end of the last update, with all data in memory; what is
compiled or set up at the first steps comes before and is listed beside. The accuracy is that on the 10,000 test images,
measured while the clock stands still. scratchcnn distorts the images while its clock runs; PyTorch finds them
distorted, as floats, in its own layout: its seconds are without that. Two things differ in it: a dropout draws others,
and the velocity of its momentum is made of gradients, not of steps, which is the same where the learning rate is.

Of a recipe that takes long, PyTorch is timed over some steps, and its seconds are of as many as the recipe has: then
it has no accuracy of its own here.
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
from options import choice, progress
from race_job import write_job
from run_all import HEAD

from scratchcnn import commands
from scratchcnn.recipes import LADDER, RECIPES

CONTESTANTS = {
    "scratchcnn": "scratchcnn",
    "torch": "PyTorch",
    "torch-channels-last": "PyTorch channels-last",
}
OURS = "scratchcnn"
Runs = list[dict[str, Any]]  # what each seed's race told
Results = dict[str, dict[str, Runs]]  # by recipe, by contestant


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    made = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    made.add_argument("--recipes", type=choice(RECIPES), default=",".join(LADDER), help="(default: %(default)s)")
    made.add_argument("--seeds", type=commands.count, default=3, help="of each recipe (default: %(default)s)")
    made.add_argument("--points", type=commands.count, default=12, help="of each curve (default: %(default)s)")
    made.add_argument(
        "--whole", type=commands.count, default=2500, metavar="STEPS",
        help="PyTorch trains to the end of recipes of at most STEPS steps (default: %(default)s)",
    )  # fmt: skip
    made.add_argument(
        "--timed", type=commands.count, default=200, metavar="STEPS", help="of the others (default: %(default)s)"
    )
    made.add_argument(
        "--threads", type=commands.count, default=min(2, len(machine.available_cpus())), help="of each contestant"
    )
    made.add_argument("--peer-python", default=sys.executable, help="interpreter that has PyTorch (default: this)")
    made.add_argument("--data-dir", help="folder with the files of MNIST (default: $SCRATCHCNN_DATA, or downloaded)")
    made.add_argument("--output", type=commands.folder, default=HERE, help="folder of RESULTS.md and plots")
    return commands.parse(made, arguments)


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
    """Let every contestant follow every recipe from every seed; where PyTorch is only timed, from the first alone."""
    results: Results = {recipe: {name: [] for name in CONTESTANTS} for recipe in options.recipes}
    for recipe, runs in results.items():
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory(prefix="scratchcnn-race-") as folder:
                write_job(Path(folder), options, recipe, seed)
                names = list(CONTESTANTS)
                for name in names[seed % len(names) :] + names[: seed % len(names)]:
                    if name != OURS and runs[name] and not reached(runs[name]):
                        continue
                    result = race(name, Path(folder), options)
                    result["whole"] = is_whole(Path(folder)) or name == OURS
                    runs[name].append(result)
                    progress(f"{recipe}, seed {seed}: {CONTESTANTS[name]:22s} {result['seconds']:.2f} s")
    return results


def is_whole(folder: Path) -> bool:
    """Return whether PyTorch takes all steps of a job."""
    settings = json.loads((folder / "job.json").read_text())
    return settings["steps"] == len(settings["learning_rates"])


def reached(runs: Runs) -> list[float]:
    """Return the accuracies that trainings ended with, those that came to their end."""
    return [run["points"][-1][2] for run in runs if run["whole"]]


def seconds_of(runs: Runs) -> float:
    """Return the median of the seconds that a training took."""
    return statistics.median(run["seconds"] for run in runs)


def render(results: Results, options: argparse.Namespace) -> str:
    """Return the section."""
    rows = []
    for recipe, contestants in results.items():
        for name, runs in contestants.items():
            seconds, accuracies = [run["seconds"] for run in runs], reached(runs)
            rows.append([
                recipe if name == OURS else "", CONTESTANTS[name], f"{seconds_of(runs):.2f}",
                f"{min(seconds):.2f}-{max(seconds):.2f}" if len(runs) > 1 else "-",
                f"{100 * statistics.mean(accuracies):.3f}" if accuracies else "(timed)", str(len(runs)),
                f"{statistics.median(run['warm_up'] for run in runs):.1f}",
                f"{seconds_of(runs) / seconds_of(contestants[OURS]):.2f}x",
            ])  # fmt: skip
    header = (
        "recipe", "contestant", "seconds (median)", "lowest-highest", "mean accuracy %", "seeds", "first steps, s",
        "time / ours",
    )  # fmt: skip
    every = [run for contestants in results.values() for runs in contestants.values() for run in runs]
    versions = {key: value for run in every for key, value in run["versions"].items()}
    about = [
        time.strftime("%Y-%m-%d"),
        *machine.describe(),
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"{options.threads} thread(s) each",
    ]
    figure = report.save(draw(results, options), options.output, "time_to_accuracy")
    lines = "\n".join(f"- {line}" for line in about)
    head = f"## Time to accuracy, {report.instructions()}"
    return "\n\n".join([head, (__doc__ or "").strip(), lines, report.table(header, rows), figure])


def draw(results: Results, options: argparse.Namespace) -> Any:
    """Return the figure: error against seconds, a rung for each recipe, thin lines on the way there."""
    figure, axis = plt.subplots(figsize=(8.5, 5), layout="constrained")
    ladders: dict[str, list[tuple[float, float, bool]]] = {"scratchcnn": [], "PyTorch, its better layout": []}
    for contestants in results.values():
        theirs = min((name for name in contestants if name != OURS), key=lambda name: seconds_of(contestants[name]))
        for rungs, name, color in zip(ladders.values(), (OURS, theirs), report.LINE_COLORS, strict=False):
            runs = contestants[name]
            for one in runs:
                if one["whole"]:
                    _, seconds, accuracy = np.array(one["points"]).T
                    axis.plot(seconds, 100 * (1 - accuracy), color=color, lw=0.6, alpha=0.35)
            accuracies = reached(runs)
            end = statistics.mean(accuracies or reached(contestants[OURS]))
            rungs.append((seconds_of(runs), 100 * (1 - end), bool(accuracies)))
    for (label, rungs), color in zip(ladders.items(), report.LINE_COLORS, strict=False):
        seconds, errors, _ = zip(*rungs, strict=True)
        axis.plot(seconds, errors, color=color, lw=2, label=label)
        for second, error, is_reached in rungs:
            axis.plot(second, error, "o", ms=7, color=color, mfc=color if is_reached else "white", zorder=3)
    for recipe, (seconds, error, _) in zip(results, ladders["scratchcnn"], strict=True):
        axis.annotate(
            recipe, (seconds, error), (-5, 4), textcoords="offset points", ha="right", va="bottom", fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8}, zorder=4,
        )  # fmt: skip
    axis.set_xscale("log")
    axis.set_yscale("log")
    ticks = [0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 2, 5, 10]
    axis.set_yticks(ticks, [f"{100 - tick:g} %" for tick in ticks])
    axis.minorticks_off()
    axis.set_ylim(10, 0.2)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_xlabel(f"seconds of training, {options.threads} threads")
    axis.set_ylabel("accuracy on the test images")
    axis.set_title("Thin: on the way. Hollow: timed over some steps, accuracy not its own.", fontsize=9, loc="left")
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, loc="lower right")
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
