"""How the time and the memory of training grow: with the batch, the images, the channels, threads, and the data set.

One thing changes at a time. Batch and threads: the network ``keras`` on images of 28 x 28, at batch 128 where that does
not change. Image height and width: ``vgg``, in mini-batches of the same number of pixels. Filters: two 3 x 3
convolutions ("same") of so many filters, each with a ReLU, on 32 images of 14 x 14. Images in the data set: ``keras``
trained by ``fit`` at batch 100 on a file that is mapped into memory; only ours.

GFLOP/s count three times the operations of the forward pass, as if nothing were skipped. Peak memory is that of a
process of its own, less that after its import; it holds the images (16 MB at most), compiled code, and all that a
library sets aside.

Why the time per operation changes where it does:

- Small batches: a step takes some time whatever its batch, which its images share: the calls from Python, the
  transforms of the kernels, the update of all parameters. On one thread it is that of two images of ``keras``.
- Few filters: what is done once a channel (the transforms of Winograd's algorithm, the ReLU, the average) grows with
  the filters, the multiplications with their square. From 64 filters on they take nearly all of the time.
- Large data sets: where the images of a batch lie far apart in a file that is not in the page cache, each of them makes
  the operating system read what lies around it, by its read-ahead setting up to some megabytes. It also maps the
  neighbouring pages, which count as this process's memory until somebody else needs it. ``MADV_RANDOM`` says that no
  neighbour will be needed (``x._mmap.madvise(mmap.MADV_RANDOM)``); then each image costs a page fault or two.

``fit`` itself reads 256 images before the first step, to see their range, and then those that it draws. For each image
it keeps 16 bytes: its number, in the order given and in that of the epoch, whose shuffling is most of the start.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from itertools import pairwise

import data_sets
import machine
import report
from compare import (
    CHECKED_BATCH,
    Comparison,
    Work,
    check,
    compare,
    losses_table,
    peak_memory,
    require_equal_losses,
)
from harness import Timing, Worker, files, workers
from matplotlib import pyplot as plt
from networks import CONVOLUTIONS, KERAS, VGG, vgg
from options import introduction, numbers, parse, parser, progress
from peers import OURS

DEFAULT_PEERS = ("scratchcnn", "torch-channels-last")
Key = tuple[str, int]  # what changes, and its value
BATCH, SIZE, FILTERS = "batch size", "image height and width", "filters"
THREADS, IMAGES = "threads", "images in the data set"
JUMP = 1.3  # between neighbours: what is more has to be explained
MEMORY_STEPS = 3
BATCH_SIZES = (1, 4, 16, 64, 256, 1024, 4096)
SIZES = (28, 56, 112, 224)
FILTER_COUNTS = (16, 32, 64, 128, 256, 512)
IMAGE_COUNTS = (1000, 10_000, 100_000, 1_000_000, 10_000_000)
FILTERS_BATCH = 32
THREADS_WORK = KERAS, 128


class WithThreads(Comparison[str]):
    """A comparison in which the same peer appears with several numbers of threads."""

    def label(self, worker: Worker) -> str:
        return f"{worker.peer.label}, {worker.threads}"


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__ or "", DEFAULT_PEERS)
    cpus = len(machine.available_cpus())
    counts = sorted({*(2**power for power in range(cpus.bit_length())), cpus})
    made.add_argument("--thread-counts", type=numbers, default=counts, help="(default: %(default)s)")
    options = parse(made, arguments)
    if max(options.thread_counts) > cpus:
        made.error(f"--thread-counts: this machine has {cpus} CPUs to use")
    return options


def workloads(quick: bool) -> dict[Key, Work]:
    """Return the workloads by what changes in them, but for threads and data sets."""
    step = 2 if quick else 1
    chosen: dict[Key, Work] = {(BATCH, size): (KERAS, size) for size in BATCH_SIZES[: -1 if quick else None : step]}
    chosen |= {(SIZE, size): vgg(size) for size in SIZES[: 2 if quick else None]}
    for count in FILTER_COUNTS[: -1 if quick else None : step]:
        chosen[FILTERS, count] = CONVOLUTIONS.scaled(channels=count / 16), FILTERS_BATCH
    return chosen


def over_threads(options: argparse.Namespace, missing: dict[str, str]) -> dict[Key, dict[str, Timing]]:
    """Return the microseconds per image by number of threads and by peer's label."""
    result = WithThreads(missing=missing)
    with files() as shared, ExitStack() as stack:
        ready: list[Worker] = []
        for count in options.thread_counts:
            ready += stack.enter_context(workers(options.peers, count, options.peer_python, missing))
        result.measure("threads", "training", THREADS_WORK, ready, shared, options)
    timings: dict[Key, dict[str, Timing]] = {(THREADS, count): {} for count in options.thread_counts}
    for worker in ready:
        if result.label(worker) in result.timings["threads"]:
            timings[THREADS, worker.threads][worker.peer.label] = result.timings["threads"][result.label(worker)]
    return timings


def memory_of(
    works: dict[Key, Work], options: argparse.Namespace, missing: dict[str, str]
) -> dict[Key, dict[str, int]]:
    """Return the peak resident bytes above those after the import, by workload and peer's label."""
    peaks: dict[Key, dict[str, int]] = {}
    for (changed, value), work in works.items():
        threads = value if changed == THREADS else options.threads
        for peer in options.peers:
            progress(f"memory {changed} {value}: {peer.label}")
            found = peak_memory(peer, work, options, missing, threads, MEMORY_STEPS)
            if found:
                peaks.setdefault((changed, value), {})[peer.label] = found[1] - found[0]
    return peaks


def billions(key: Key, timings: dict[Key, dict[str, Timing]], works: dict[Key, Work]) -> float | None:
    """Return the GFLOP/s of our training step: a multiply-add is two operations, backward takes twice forward's."""
    ours = timings[key].get(OURS.label)
    return None if ours is None else 6 * works[key][0].multiply_adds() / (1e3 * ours.median)


def jumps(curve: dict[int, float]) -> list[str]:
    """Return where a value that should not change changes by more than ``JUMP`` between neighbours, and how much."""
    found = []
    places = sorted(curve)
    for low, high in pairwise(places):
        factor = curve[high] / curve[low]
        if max(factor, 1 / factor) > JUMP:
            found.append(f"{low:,} to {high:,}: {factor:.2f}x")
    return found


def render_jumps(timings: dict[Key, dict[str, Timing]], works: dict[Key, Work], growth: data_sets.Growth) -> str:
    """Return, for each thing that changes, where our time per operation changes by more than ``JUMP``."""
    curves: dict[str, dict[int, float]] = {}
    for key in timings:
        rate = billions(key, timings, works)
        if rate is not None:
            changed, value = key
            curves.setdefault(changed, {})[value] = (value if changed == THREADS else 1) / rate
    for way, steps in growth.step.items():
        curves[f"{IMAGES} ({way})"] = {int(count): step.median for count, step in steps.items()}
    rows = [f"- {changed}: {', '.join(jumps(curve)) or 'nowhere'}" for changed, curve in curves.items()]
    caption = f"Where our time per operation (and thread) changes by more than {JUMP:g} times between neighbours:"
    return "\n".join([caption, "", *rows])


def render(
    timings: dict[Key, dict[str, Timing]], peaks: dict[Key, dict[str, int]], works: dict[Key, Work]
) -> list[str]:
    """Return the tables of times and of memory as Markdown."""
    parts = []
    for changed in (BATCH, SIZE, FILTERS, THREADS):
        keys = [key for key in timings if key[0] == changed]
        columns = {f"{value:g}": timings[changed, value] for _, value in keys}
        rates = [billions(key, timings, works) for key in keys]
        cells = ["-" if rate is None else report.number(rate) for rate in rates]
        below = [[f"{OURS.label}, GFLOP/s", *cells]]
        labels = dict.fromkeys(label for key in keys for label in peaks.get(key, ()))
        for label in labels:
            found = [peaks.get(key, {}).get(label) for key in keys]
            below.append([f"{label}, peak MiB", *("-" if peak is None else f"{peak / 2**20:.0f}" for peak in found)])
        parts.append(report.comparison(columns, f"us/image by {changed}", OURS.label, below))
    return parts


def draw(
    timings: dict[Key, dict[str, Timing]], peaks: dict[Key, dict[str, int]], growth: data_sets.Growth, threads: int
) -> plt.Figure:
    """Return the figure: a column for each thing that changes, time above memory."""
    figure, axes = plt.subplots(2, 5, figsize=(16, 6.4), layout="constrained")
    for column, changed in zip(axes.T, (BATCH, SIZE, FILTERS, THREADS), strict=False):
        times: dict[str, dict[float, Timing]] = {}
        memory: dict[str, dict[float, Timing]] = {}
        for (what, value), peers in timings.items():
            for label, timing in peers.items() if what == changed else ():
                times.setdefault(label, {})[value] = timing
        for (what, value), found in peaks.items():
            for label, peak in found.items() if what == changed else ():
                memory.setdefault(label, {})[value] = Timing((peak / 2**20,))
        report.lines(column[0], times, changed, "microseconds per image")
        report.lines(column[1], memory, changed, "peak memory, MiB")
    memory = {
        way: {count: Timing((peak / 2**20,)) for count, peak in by_count.items()}
        for way, by_count in growth.memory.items()
    }
    report.lines(axes[0, 4], growth.step, IMAGES, "microseconds per image", ways=True)
    report.lines(axes[1, 4], memory, IMAGES, "peak memory, MiB", ways=True)
    for axis in (axes[1, 0], axes[1, 4]):
        axis.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, -0.2))
    for axis, name in zip(axes[0], ("keras", "vgg", "two convolutions", "keras", "keras, fit"), strict=True):
        axis.set_title(name, fontsize=10, loc="left")
    figure.suptitle(f"Training, {threads} threads where these do not change", fontsize=11)
    return figure


def main(arguments: list[str] | None = None) -> str:
    """Run the benchmark, print its report and return it."""
    options = options_of(arguments)
    works = workloads(options.quick)
    missing: dict[str, str] = {}
    checked = {network.name: (network, CHECKED_BATCH) for network in (KERAS, VGG, CONVOLUTIONS)}
    found = check("training", checked, options, missing)
    if found:
        require_equal_losses(found)
    result = compare("training", works, options)
    missing |= result.missing
    works |= {(THREADS, count): THREADS_WORK for count in options.thread_counts}
    timings = result.timings | over_threads(options, missing)
    peaks = memory_of(works, options, missing)
    growth = data_sets.Growth()
    if OURS in options.peers:
        growth = data_sets.grow(list(IMAGE_COUNTS[: 3 if options.quick else None]), options, missing)
    parts = [introduction(options, result.versions, missing), *([losses_table(found)] if found else [])]
    parts += [*render(timings, peaks, works), data_sets.render(growth), render_jumps(timings, works, growth)]
    if options.plots:
        parts.append(report.save(draw(timings, peaks, growth, options.threads), options.plots, "growth"))
    text = "\n\n".join(parts)
    print(text)
    return text


if __name__ == "__main__":
    main()
