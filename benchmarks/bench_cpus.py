"""A training step compiled for other CPUs than this one: what the library does with narrower and fewer registers.

The network is ``keras`` at batch 128. ``haswell`` is what an x86 CPU with AVX2 runs (16 registers of 8 float32),
``generic`` one with nothing newer than SSE2 (16 of 4, and no fused multiply-add), on this machine's clock and caches.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import report
from compare import Comparison
from harness import PeerError, Worker, files
from networks import KERAS
from options import introduction, parse, parser
from peers import OURS

CPUS = ("this CPU", "haswell", "generic")


class ByCPU(Comparison[str]):
    """A comparison of our own library, compiled for several CPUs."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[int, str] = {}

    def label(self, worker: Worker) -> str:
        return self.names[id(worker)]


@contextmanager
def compiling_for(cpu: str) -> Iterator[None]:
    """Let programs that are started inside a ``with`` block compile for a CPU by LLVM's name of it."""
    before = os.environ.pop("NUMBA_CPU_NAME", None)
    if cpu != CPUS[0]:
        os.environ["NUMBA_CPU_NAME"] = cpu
    try:
        yield
    finally:
        os.environ.pop("NUMBA_CPU_NAME", None)
        if before is not None:
            os.environ["NUMBA_CPU_NAME"] = before


def measure(options: argparse.Namespace) -> ByCPU:
    """Return the microseconds per image of a training step by CPU."""
    result = ByCPU()
    with files() as shared, ExitStack() as stack:
        ready = []
        for cpu in CPUS:
            with compiling_for(cpu):
                worker = Worker(OURS, options.threads, sys.executable)
            stack.callback(worker.close)
            result.names[id(worker)] = cpu
            try:
                worker.greet()
                ready.append(worker)
            except PeerError as error:
                result.missing[cpu] = str(error)
        result.measure("keras", "training", (KERAS, 128), ready, shared, options)
    return result


def main(arguments: list[str] | None = None) -> str:
    """Run the benchmark, print its report and return it."""
    options = parse(parser(__doc__ or ""), arguments)
    result = measure(options)
    timings = result.timings["keras"]
    fastest = timings.get(CPUS[0])
    rows = [
        [cpu, report.with_spread(timing), f"{timing.median / fastest.median:.2f}x" if fastest else "-"]
        for cpu, timing in timings.items()
    ]
    header = ["compiled for", "us/image (quartiles)", "time / this CPU's"]
    text = "\n\n".join([introduction(options, result.versions, result.missing), report.table(header, rows)])
    print(text)
    return text


if __name__ == "__main__":
    main()
