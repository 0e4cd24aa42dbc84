"""Comparing peers: the same networks on each of them, timed in rotation; and the proof that they compute the same."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import report
from harness import Files, PeerError, Timing, Worker, files, take_turns, workers
from networks import Network
from options import progress
from peers import OURS, Peer

Key = TypeVar("Key", bound=Hashable)
Work = tuple[Network, int]  # and the batch size
CHECKED_BATCH = 32  # images in the mini-batches whose results are compared
LOSS_TOLERANCE = 1e-4  # how far apart their losses may be
MOVED_TOLERANCE = 1e-3  # or, after an update, this part of what it changed of our loss: see ``require_equal_losses``


@dataclass
class Comparison(Generic[Key]):
    """What was measured, what with, and who is missing.

    Attributes
    ----------
    timings : dict of workload to dict of peer's label to Timing
        Microseconds per image.
    """

    timings: dict[Key, dict[str, Timing]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def measure(
        self,
        key: Key,
        task: str,
        work: Work,
        ready: list[Worker],
        shared: Files,
        options: argparse.Namespace,
    ) -> None:
        """Build ``work`` on all workers that can, and time them in rotation."""
        network, batch_size = work
        runs = {}
        for worker in ready:
            self.versions |= worker.versions
            label = self.label(worker)
            try:
                seconds = worker.ask("build", task=task, **shared.request(network, batch_size))["seconds"]
                worker.seconds_per_step(1)
                runs[label] = worker.seconds_per_step
                progress(f"{task} {key}: {label} built in {seconds:.1f} s")
            except PeerError as error:
                self.missing[f"{label} on {network.name}"] = str(error)
        timings = take_turns(runs, options.repeats, options.turn)
        self.timings[key] = {label: timing.scaled(1e6 / batch_size) for label, timing in timings.items()}

    def label(self, worker: Worker) -> str:
        """Return what a worker is called in the tables."""
        return worker.peer.label


def compare(
    task: str, workloads: dict[Key, Work], options: argparse.Namespace, peers: list[Peer] | None = None
) -> Comparison[Key]:
    """Time ``task`` ("training" or "inference") on the peers of the options, or on these of them."""
    result: Comparison[Key] = Comparison()
    peers = options.peers if peers is None else peers
    with files() as shared, workers(peers, options.threads, options.peer_python, result.missing) as ready:
        done: dict[Work, Key] = {}
        for key, work in workloads.items():
            if work in done:  # the same workload under another name
                result.timings[key] = result.timings[done[work]]
            else:
                result.measure(key, task, work, ready, shared, options)
            done[work] = key
    return result


def peak_memory(
    peer: Peer,
    work: Work,
    options: argparse.Namespace,
    missing: dict[str, str],
    threads: int,
    steps: int,
    images: int | None = None,
) -> tuple[int, int] | None:
    """Return the peak resident bytes after the import of a peer, and after some steps of training; None: it cannot.

    A new process each time, malloc as it comes: nobody's memory is kept for the sake of speed here.
    """
    network, batch_size = work
    with files() as shared, workers([peer], threads, options.peer_python, missing, keep_memory=False) as ready:
        for worker in ready:
            try:
                imported = worker.ask("memory")["peak_bytes"]
                worker.ask("build", task="training_from_pixels", **shared.request(network, batch_size, images))
                worker.ask("run", steps=steps)
                return imported, worker.ask("memory")["peak_bytes"]
            except PeerError as error:
                missing[f"memory of {peer.label} on {network.name}"] = str(error)
    return None


@dataclass(frozen=True)
class Agreement:
    """How far a peer's results are from ours on one network: those of its first step, and those of the second.

    ``moved`` is how much ours changed from one to the other.
    """

    network: str
    label: str
    first: float
    second: float
    moved: float = 0.0


def check(
    task: str, workloads: dict[str, Work], options: argparse.Namespace, missing: dict[str, str]
) -> list[Agreement]:
    """Compare the results of all peers with ours, from the same weights on the same batches.

    Training: the losses of two steps, dropout left out; the second also proves that the gradients and the optimizer
    agree. Inference: the probabilities.
    """
    steps = 2
    found = []
    with files() as shared, workers(options.peers, options.threads, options.peer_python, missing) as ready:
        for name, (network, batch_size) in workloads.items():
            request = shared.request(network.without_dropout(), batch_size)
            values: dict[Peer, np.ndarray] = {}
            for worker in ready:
                progress(f"checking {task} {name}: {worker.peer.label}")
                try:
                    worker.ask("build", task=task, cold=True, **request)
                    values[worker.peer] = np.array(worker.ask("values", steps=steps)["values"])
                except PeerError as error:
                    missing[f"{worker.peer.label} on {name}"] = str(error)
            ours = values.pop(OURS, None)
            for peer, theirs in values.items():
                if ours is not None:
                    first, second = np.abs(theirs - ours).reshape(steps, -1).max(axis=1)
                    moved = np.abs(ours[1] - ours[0]).max()
                    found.append(Agreement(name, peer.label, float(first), float(second), float(moved)))
    return found


def losses_table(found: list[Agreement]) -> str:
    """Return how far the losses of a training are from ours, as Markdown."""
    rows = [[one.network, one.label, f"{one.first:.1e}", f"{one.second:.1e}"] for one in found]
    return "Largest difference to our loss, from the same weights, without dropout.\n\n" + report.table(
        ["network", "peer", "at first", "after one update"], rows
    )


def require_equal_losses(found: list[Agreement]) -> None:
    """Exit with an error where losses differ, or there are none.

    Adam's first update changes each parameter by the learning rate, whichever way its gradient points; where that is
    nearly zero rounding decides it. In a deep network this is seen: the two layouts of PyTorch differ as much.
    """

    def agrees(one: Agreement) -> bool:
        return one.first <= LOSS_TOLERANCE and one.second <= max(LOSS_TOLERANCE, MOVED_TOLERANCE * one.moved)

    apart = [one for one in found if not agrees(one)]
    if apart or not found:
        names = ", ".join(f"{one.label} on {one.network}" for one in apart) or "nothing to compare"
        allowed = f"{LOSS_TOLERANCE:g}, and {MOVED_TOLERANCE:g} of what the update changed"
        sys.exit(f"losses differ by more than {allowed}: {names}")
