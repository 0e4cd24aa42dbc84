"""How close each kernel comes to what the machine can do at all.

The limits are measured in the same run, in rotation with the kernels: multiply-adds in a loop that touches nothing but
registers, and reading from the last cache and from memory. GFLOP/s count the operations that the result needs; a
backward pass that skips zeros gets no credit for them, and what the same time means for the full sum stands beside.
Convolutions by 3 x 3 kernels on many channels take 16 multiplications for 36 of those counted, or 36 for 144
(Winograd's algorithm), so they can pass the limit.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from time import perf_counter
from typing import Any

import kernel_cases
import machine
import numba
import report
import roofline
from harness import Timing, take_turns
from kernel_cases import Case
from matplotlib import pyplot as plt
from options import introduction, parse, parser, progress

from scratchcnn import commands

COLORS = [f"C{number}" for number in range(10)]
MARKERS = ("o", "s", "^", "v", "D", "P", "X", "*", "<", ">", "h", "d")


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__ or "")
    made.add_argument("--batch-size", type=commands.count, default=128, help="images in a batch (default: %(default)s)")
    return parse(made, arguments)


def timed(call: Callable[[], Any]) -> Callable[[int], float]:
    """Return ``run(steps)``: the seconds of one call, of so many."""

    def run(steps: int) -> float:
        start = perf_counter()
        for _ in range(steps):
            call()
        return (perf_counter() - start) / steps

    return run


def measure(cases: list[Case], options: argparse.Namespace) -> tuple[dict[str, float], list[Timing]]:
    """Return the limits (GFLOP/s in registers, GB/s from last cache and memory) and a timing for each case."""
    limits = {
        "registers": roofline.multiply_adds(options.threads),
        "last cache": roofline.reading(options.threads, roofline.CACHE_BYTES),
        "memory": roofline.reading(options.threads, roofline.MEMORY_BYTES),
    }
    runs: dict[str, Callable[[int], float]] = {name: run for name, (run, _) in limits.items()}
    for number, case in enumerate(cases):
        progress(f"kernels: {case.operation}, {case.shape}")
        case.call()
        runs[str(number)] = timed(case.call)
    timings = take_turns(runs, options.repeats, options.turn)
    # The limit is the best the machine did, not its median: a limit that can be passed is none.
    reached = {name: amount / min(timings[name].samples) for name, (_, amount) in limits.items()}
    return reached, [timings[str(number)] for number in range(len(cases))]


def render(limits: dict[str, float], cases: list[Case], timings: list[Timing], options: argparse.Namespace) -> str:
    """Return the tables, and the picture where pictures are wanted, as Markdown."""
    peak = limits["registers"]
    computing, moving = [], []
    for case, timing in zip(cases, timings, strict=True):
        microseconds = timing.scaled(1e6 / options.batch_size)
        if case.flops:
            reached = case.flops / timing.median / 1e9
            dense = case.dense_flops / timing.median / 1e9
            cells = [report.number(reached), f"{reached / peak:.0%}", report.number(dense)]
            computing.append([case.operation, case.shape, report.with_spread(microseconds), *cells])
        else:
            reached = case.bytes / timing.median / 1e9
            cells = [report.number(reached), f"{reached / limits['last cache']:.0%}"]
            moving.append([case.operation, case.shape, report.with_spread(timing.scaled(1e6)), *cells])
    parts = [
        f"Limits, measured in this run: **{peak:.0f} GFLOP/s** of float32 multiply-adds in registers, "
        f"{limits['last cache']:.0f} GB/s read from an array of {roofline.CACHE_BYTES >> 20} MiB (last cache), "
        f"{limits['memory']:.0f} GB/s from one of {roofline.MEMORY_BYTES >> 20} MiB (memory). "
        f"Batch {options.batch_size}.",
        report.table(
            ["operation", "on", "us/image (quartiles)", "GFLOP/s", "of the limit", "as if nothing were skipped"],
            computing,
        ),
        "Kernels that move more than they compute:",
        report.table(["operation", "on", "us (quartiles)", "GB/s", "of the last cache's"], moving),
    ]
    if options.plots:
        parts.append(report.save(roofline_plot(limits, cases, timings), options.plots, "roofline"))
    return "\n\n".join(parts)


def roofline_plot(limits: dict[str, float], cases: list[Case], timings: list[Timing]) -> Any:
    """Return the figure: GFLOP/s against operations per byte, under the roofs that the limits make."""
    figure, axis = plt.subplots(figsize=(11, 5.5), layout="constrained")
    peak = limits["registers"]
    intensities = [case.flops / case.bytes for case in cases if case.flops]
    left, right = min(1.0, *intensities) / 2, max(intensities) * 2
    for name, style in (("last cache", "--"), ("memory", "-")):
        corner = peak / limits[name]
        label = f"{name}: {limits[name]:.0f} GB/s"
        axis.plot([left, corner], [left * limits[name], peak], style, color="#555555", lw=1.2, label=label)
    corner = min(peak / limits["last cache"], peak / limits["memory"])
    axis.plot([corner, right], [peak, peak], color="#222222", lw=1.6, label=f"multiply-adds: {peak:.0f} GFLOP/s")
    computing = [(case, timing) for case, timing in zip(cases, timings, strict=True) if case.flops]
    colors = dict(zip(dict.fromkeys(case.operation for case, _ in computing), COLORS, strict=False))
    markers = dict(zip(dict.fromkeys(case.shape for case, _ in computing), MARKERS, strict=False))
    for case, timing in computing:
        point = case.flops / case.bytes, case.flops / timing.median / 1e9
        axis.plot(*point, markers[case.shape], ms=8, color=colors[case.operation], mec="white", mew=0.6)
    for name, color in colors.items():
        axis.plot([], [], "s", ms=9, color=color, label=name)
    for shape, marker in markers.items():
        axis.plot([], [], marker, ms=8, color="#999999", label=shape)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlim(left, right)
    axis.set_xlabel("operations that the result needs, per byte that has to be moved")
    axis.set_ylabel("GFLOP/s")
    axis.grid(alpha=0.25)
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8, frameon=False)
    axis.set_title("Roofline", loc="left", fontsize=11)
    return figure


def main(arguments: list[str] | None = None) -> str:
    """Run the benchmark, print its report and return it."""
    options = options_of(arguments)
    about = introduction(options, machine.versions("numpy", "numba", "llvmlite"), {})
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, machine.available_cpus()[: options.threads])
    numba.set_num_threads(options.threads)
    cases = list(kernel_cases.cases(options.batch_size, options.quick))
    limits, timings = measure(cases, options)
    text = about + "\n\n" + render(limits, cases, timings, options)
    print(text)
    return text


if __name__ == "__main__":
    main()
