"""How the time of a training step grows: with the batch, the channels, the size of the images, and with threads.

The network is ``keras`` (32 and 64 filters) at batch 128 on images of 28 x 28, and one of these changes at a time.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack

import machine
import report
from compare import Comparison, compare
from harness import Timing, Worker, files, workers
from matplotlib import pyplot as plt
from networks import KERAS, Network
from options import introduction, numbers, parse, parser
from peers import OURS

DEFAULT_PEERS = ("scratchcnn", "torch-channels-last", "keras-tensorflow")
Key = tuple[str, float]  # what changes, and its value
BATCH, CHANNELS, SIZE = "batch size", "filters of the first layer", "image height and width"


class WithThreads(Comparison[str]):
    """A comparison in which the same peer appears with several numbers of threads."""

    def label(self, worker: Worker) -> str:
        return f"{worker.peer.label}, {worker.threads}"


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__ or "", DEFAULT_PEERS)
    cpus = len(machine.available_cpus())
    made.add_argument("--thread-counts", type=numbers, default=[1, 2][:cpus], help="(default: %(default)s)")
    options = parse(made, arguments)
    if max(options.thread_counts) > cpus:
        made.error(f"--thread-counts: this machine has {cpus} CPUs to use")
    return options


def workloads(quick: bool) -> dict[Key, tuple[Network, int]]:
    """Return the workloads by what changes in them."""
    chosen: dict[Key, tuple[Network, int]] = {}
    for batch_size in (8, 128, 512) if quick else (1, 8, 32, 128, 512):
        chosen[BATCH, batch_size] = KERAS, batch_size
    for factor in (0.5, 1, 2) if quick else (0.25, 0.5, 1, 2):
        chosen[CHANNELS, 32 * factor] = KERAS.scaled(channels=factor), 128
    for size in (14, 28, 56) if quick else (14, 28, 56, 112):
        chosen[SIZE, size] = KERAS.scaled(image_size=size), 128
    return chosen


def over_threads(options: argparse.Namespace) -> dict[str, dict[int, Timing]]:
    """Return, for each peer's label, the microseconds per image of ``keras`` at batch 128 by number of threads."""
    result = WithThreads()
    with files() as shared, ExitStack() as stack:
        ready: list[Worker] = []
        for count in options.thread_counts:
            ready += stack.enter_context(workers(options.peers, count, options.peer_python, result.missing))
        result.measure("threads", "training", (KERAS, 128), ready, shared, options)
    measured = result.timings["threads"]
    by_peer: dict[str, dict[int, Timing]] = {}
    for worker in ready:
        if result.label(worker) in measured:
            by_peer.setdefault(worker.peer.label, {})[worker.threads] = measured[result.label(worker)]
    return by_peer


def render_threads(by_peer: dict[str, dict[int, Timing]], options: argparse.Namespace) -> str:
    """Return the table over threads: times, and the speed-up of the most threads over the fewest."""
    few, many = min(options.thread_counts), max(options.thread_counts)
    rows = []
    for label, timings in by_peer.items():
        cells = [report.with_spread(timings[n]) if n in timings else "-" for n in options.thread_counts]
        both = few in timings and many in timings
        rows.append([label, *cells, f"**{timings[few].median / timings[many].median:.2f}x**" if both else "-"])
    header = ["us/image by threads", *(str(n) for n in options.thread_counts), f"{many} over {few}"]
    return report.table(header, rows)


def render(result: Comparison[Key], options: argparse.Namespace) -> str:
    """Return the tables, and the picture where pictures are wanted, as Markdown."""
    parts = []
    for changed in (BATCH, CHANNELS, SIZE):
        columns = {f"{value:g}": timings for (what, value), timings in result.timings.items() if what == changed}
        parts.append(report.comparison(columns, f"us/image by {changed}", OURS.label))
    if options.plots:
        figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
        for axis, changed in zip(axes, (BATCH, CHANNELS, SIZE), strict=True):
            curves: dict[str, dict[float, Timing]] = {}
            for (what, value), timings in result.timings.items():
                for label, timing in timings.items() if what == changed else ():
                    curves.setdefault(label, {})[value] = timing
            report.lines(axis, curves, changed, "microseconds per image")
        axes[0].legend(frameon=False, fontsize=9)
        figure.suptitle(f"Training step of the network keras, {options.threads} threads", fontsize=11)
        parts.append(report.save(figure, options.plots, "scaling"))
    return "\n\n".join(parts)


def main(arguments: list[str] | None = None) -> str:
    """Run the benchmark, print its report and return it."""
    options = options_of(arguments)
    result = compare("training", workloads(options.quick), options)
    by_peer = over_threads(options) if len(options.thread_counts) > 1 else {}
    parts = [introduction(options, result.versions, result.missing), render(result, options)]
    if by_peer:
        parts.append(render_threads(by_peer, options))
    text = "\n\n".join(parts)
    print(text)
    return text


if __name__ == "__main__":
    main()
