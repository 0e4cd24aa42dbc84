"""The process in which one peer runs: it reads requests, one JSON object a line, and answers each with one line.

    {"do": "build", "task": "training", "network": ..., ...}   build a workload    -> {"seconds": ...}
    {"do": "run", "steps": 20}                                 take steps          -> {"seconds": ...}
    {"do": "values", "steps": 3}                               their results       -> {"values": [...]}
    {"do": "memory"}                                           peak resident size  -> {"peak_bytes": ...}
    {"do": "fit", "images": "PATH", "count": 1000, ...}        train from a file   -> {"start": ..., "step": ...}

The first line it writes is a greeting with the versions, or the reason why this peer cannot run. Started by
``harness.py``; its arguments are the peer's module, its variant, the number of threads, and the CPUs to run on.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

LONG = 0.5  # seconds of a step beside which the waking of threads is nothing


def peak_bytes() -> int:
    """Return the most memory that this process ever had resident.

    Not ``getrusage`` where it can be avoided: on Linux its maximum is inherited from the process that started us.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Worker:
    """Holds the workload that was built last."""

    def __init__(self, module: str, variant: str, threads: int) -> None:
        self.peer = importlib.import_module(f"peers.{module}")
        self.versions = self.peer.configure(threads, variant)
        self.waits_every_step = False
        self.seconds_per_step = 0.0

    def build(self, request: dict[str, Any]) -> dict[str, Any]:
        """Build the workload and take its first step, which is where compilers compile."""
        from peers.job import Job

        start = time.perf_counter()
        self.step = self.value = None  # let go of the previous workload before there is another
        self.step, self.value = getattr(self.peer, request["task"])(Job.from_request(request))
        # Whoever asks for a classification waits for it; training may run ahead of the loss that is shown.
        self.waits_every_step = request["task"] == "inference"
        self.seconds_per_step = 0.0
        if not request.get("cold"):
            self.value(self.step())
        return {"seconds": time.perf_counter() - start}

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        step, value, waits = self.step, self.value, self.waits_every_step
        if self.seconds_per_step < LONG:
            value(step())  # not measured: wakes the threads up
        start = time.perf_counter()
        for _ in range(request["steps"]):
            result = step()
            if waits:
                value(result)
        value(result)
        seconds = time.perf_counter() - start
        self.seconds_per_step = seconds / request["steps"]
        return {"seconds": seconds}

    def values(self, request: dict[str, Any]) -> dict[str, Any]:
        results = [self.value(self.step()) for _ in range(request["steps"])]
        return {"values": [result if isinstance(result, float) else result.tolist() for result in results]}

    def memory(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"peak_bytes": peak_bytes()}

    def fit(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.peer.fit(request)


def main() -> None:
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a framework prints goes to the log, not between our answers
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    module, variant, threads, cpus = sys.argv[1:5]
    if hasattr(os, "sched_setaffinity") and cpus:
        os.sched_setaffinity(0, {int(cpu) for cpu in cpus.split(",")})
    try:
        worker = Worker(module, variant, int(threads))
        answer: dict[str, Any] = {"versions": worker.versions}
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=channel)
        return
    print(json.dumps(answer), file=channel)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request["do"])(request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=channel)


if __name__ == "__main__":
    main()
