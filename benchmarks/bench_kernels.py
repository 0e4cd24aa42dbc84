"""How close each kernel comes to what the machine can do at all.

The limits are measured in the same run, in rotation with the kernels: multiply-adds in a loop that touches nothing but
registers, and arrays read, copied and updated in the last cache and in memory; the best that the machine did counts.
GFLOP/s count the operations that the result needs; a backward pass that skips zeros gets no credit for them, and what
the same time means for the full sum stands beside. Winograd's algorithm does one multiplication for 2.25, F(2x2, 3x3),
or 4, F(4x4, 3x3), of those counted: its share of the limit is that of the multiplications it does.

A kernel that passes a limit proves that the limit is wrong. Then the program fails, when it has printed what it found.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

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

FORWARD, BACKWARD = "#2c6fbb", "#c0392b"
DRAWN = ("conv_relu_pool_forward", "conv_relu_pool_backward", "conv_backward", "dense_forward")  # of these layers:
DRAWN_LAYERS = ("keras, second", "lenet5, second", "pytorch, second", "pytorch, dense")


class Limits(NamedTuple):
    """The best the machine did: GFLOP/s in registers, GB/s in the last cache and in memory; its clock in GHz."""

    registers: float
    last_cache: float
    memory: float
    clock: float


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


def measure(cases: list[Case], options: argparse.Namespace) -> tuple[Limits, list[Timing]]:
    """Return the limits and a timing for each case."""
    probes = {
        "registers": roofline.multiply_adds(options.threads),
        "last_cache": roofline.moving(options.threads, roofline.CACHE_BYTES),
        "memory": roofline.moving(options.threads, roofline.MEMORY_BYTES),
        "clock": {"": roofline.clock()},
    }
    runs = {f"{limit} {form}": probe.run for limit, forms in probes.items() for form, probe in forms.items()}
    for number, case in enumerate(cases):
        progress(f"kernels: {case.operation}, {case.shape}")
        case.call()
        runs[str(number)] = timed(case.call)
    timings = take_turns(runs, options.repeats, options.turn)
    # The limit is the best the machine did, not its median.
    best = {
        limit: max(probe.amount / min(timings[f"{limit} {form}"].samples) for form, probe in forms.items())
        for limit, forms in probes.items()
    }
    return Limits(**best), [timings[str(number)] for number in range(len(cases))]


def share_of_limit(case: Case, timing: Timing, limits: Limits) -> float:
    """Return how close a kernel comes to its limit: that of multiplications, or that of moving numbers."""
    if case.flops:
        return case.flops / case.saving / timing.median / 1e9 / limits.registers
    return case.bytes / timing.median / 1e9 / limits.last_cache


def require_limits(limits: Limits, cases: list[Case], timings: list[Timing]) -> None:
    """Exit with a message if a kernel is faster than a limit allows.

    Raises
    ------
    SystemExit
        With the names of those kernels.
    """
    shares = [share_of_limit(case, timing, limits) for case, timing in zip(cases, timings, strict=True)]
    passed = [
        f"{case.operation} of {case.shape}: {share:.0%}"
        for case, share in zip(cases, shares, strict=True)
        if share > 1.0
    ]
    if passed:
        raise SystemExit(f"a limit that is passed is wrong; these shares cannot be: {'; '.join(passed)}")


def render(limits: Limits, cases: list[Case], timings: list[Timing], options: argparse.Namespace) -> str:
    """Return the tables, and the picture where pictures are wanted, as Markdown."""
    _, lanes = machine.vector_width()
    each_cycle = limits.registers / options.threads / (2 * lanes) / limits.clock
    computing, moving = [], []
    for case, timing in zip(cases, timings, strict=True):
        share = f"{share_of_limit(case, timing, limits):.0%}"
        if case.flops:
            times = report.with_spread(timing.scaled(1e6 / options.batch_size))
            reached, dense = (report.number(flops / timing.median / 1e9) for flops in (case.flops, case.dense_flops))
            computing.append([case.operation, case.shape, case.algorithm or "-", times, reached, share, dense])
        else:
            reached = report.number(case.bytes / timing.median / 1e9)
            moving.append([case.operation, case.shape, report.with_spread(timing.scaled(1e6)), reached, share])
    parts = [
        f"Limits, measured in this run: **{limits.registers:.0f} GFLOP/s** of float32 multiply-adds in registers (at "
        f"{limits.clock:.2f} GHz that is {each_cycle:.2f} vectors of {lanes} in a cycle of each thread), "
        f"{limits.last_cache:.0f} GB/s in arrays of {roofline.CACHE_BYTES >> 20} MiB (last cache), "
        f"{limits.memory:.0f} GB/s in arrays of {roofline.MEMORY_BYTES >> 20} MiB (memory). "
        f"Batch {options.batch_size}.",
        report.table(
            ["operation", "on", "algorithm", "us/image (quartiles)", "GFLOP/s", "of the limit", "nothing skipped"],
            computing,
        ),
        "Kernels that move more than they compute:",
        report.table(["operation", "on", "us (quartiles)", "GB/s", "of the last cache's"], moving),
    ]
    if options.plots:
        parts.append(report.save(roofline_plot(limits, cases, timings), options.plots, "roofline"))
    return "\n\n".join(parts)


def roofline_plot(limits: Limits, cases: list[Case], timings: list[Timing]) -> Any:
    """Return the figure: GFLOP/s against operations per byte of the largest kernels, and the roofs above them."""
    drawn = [
        (case, case.flops / case.bytes, case.flops / timing.median / 1e9)
        for case, timing in zip(cases, timings, strict=True)
        if case.operation in DRAWN and case.where in DRAWN_LAYERS
    ]
    figure, axis = plt.subplots(figsize=(9, 5.5), layout="constrained")
    peak = limits.registers
    corner = peak / limits.memory
    left, right = min((corner, *(x for _, x, _ in drawn))) / 3, max((x for _, x, _ in drawn), default=1) * 6
    axis.plot([left, corner, right], [left * limits.memory, peak, peak], color="#222222", lw=2)
    roofs = {saving: "2x2" if saving < 3 else "4x4" for saving in {case.saving for case, _, _ in drawn} if saving > 1}
    for saving, tile in sorted(roofs.items()):
        axis.plot([corner, right], [saving * peak] * 2, color="#222222", lw=1.2, ls="--")
        text = f"Winograd's roof, F({tile}, 3x3): {saving:.2g} times as high"
        axis.annotate(text, (right, saving * peak), (-4, 4), textcoords="offset points", ha="right", fontsize=9)
    text = f"multiply-adds in registers: {peak:.0f} GFLOP/s"
    axis.annotate(text, (right, peak), (-4, 4), textcoords="offset points", ha="right", fontsize=9)
    text = f"memory: {limits.memory:.0f} GB/s"
    axis.annotate(text, (1.5 * left, 1.5 * left * limits.memory), (10, -4), textcoords="offset points", fontsize=9)
    for case, x, y in drawn:
        color = FORWARD if "forward" in case.operation else BACKWARD
        marker = "D" if case.saving > 1 else "o"
        axis.plot(x, y, marker, ms=9, color=color, mec="white", mew=0.8)
    for label, marker, color in (
        ("forward", "o", FORWARD),
        ("gradients; zeros skipped are not counted", "o", BACKWARD),
        ("by Winograd's algorithm", "D", "#999999"),
    ):
        axis.plot([], [], marker, ms=8, color=color, label=label)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlim(left, right)
    axis.set_xlabel("operations that the result needs, for each byte that has to be moved")
    axis.set_ylabel("GFLOP/s")
    axis.grid(alpha=0.25)
    axis.legend(loc="lower right", fontsize=9)
    axis.set_title("How close the kernels come to what the machine can do", loc="left", fontsize=11)
    report.name_points(axis, [(_name(case), x, y) for case, x, y in drawn])
    return figure


def _name(case: Case) -> str:
    """Return what the figure calls a kernel."""
    name = case.where.replace("pytorch, dense", "dense 9216 to 128")
    return f"{name}, no pool" if case.operation == "conv_backward" else name


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
    require_limits(limits, cases, timings)
    return text


if __name__ == "__main__":
    main()
