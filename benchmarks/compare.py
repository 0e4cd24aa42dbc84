"""Comparing peers: the same networks on each of them, timed in rotation; and the proof that they compute the same."""

from __future__ import annotations

import argparse
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from harness import Files, PeerError, Timing, Worker, files, take_turns, workers
from networks import Network
from options import progress
from peers import OURS, Peer

Key = TypeVar("Key", bound=Hashable)


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
        work: tuple[Network, int],
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


def compare(task: str, workloads: dict[Key, tuple[Network, int]], options: argparse.Namespace) -> Comparison[Key]:
    """Time ``task`` ("training" or "inference") for networks and their batch sizes on the peers of the options."""
    result: Comparison[Key] = Comparison()
    with files() as shared, workers(options.peers, options.threads, options.peer_python, result.missing) as ready:
        done: dict[tuple[Network, int], Key] = {}
        for key, work in workloads.items():
            if work in done:  # the same workload under another name
                result.timings[key] = result.timings[done[work]]
            else:
                result.measure(key, task, work, ready, shared, options)
            done[work] = key
    return result


@dataclass(frozen=True)
class Agreement:
    """How far a peer's results are from ours on one network: those of its first step, and those of the second."""

    network: str
    label: str
    first: float
    second: float


def check(task: str, networks: list[Network], options: argparse.Namespace, missing: dict[str, str]) -> list[Agreement]:
    """Compare the results of all peers with ours, from the same weights on the same batches.

    Training: the losses of two steps, dropout left out; the second also proves that the gradients and the optimizer
    agree. Inference: the probabilities.
    """
    steps, batch_size = 2, 32
    found = []
    with files() as shared, workers(options.peers, options.threads, options.peer_python, missing) as ready:
        for network in networks:
            request = shared.request(network.without_dropout(), batch_size)
            values: dict[Peer, np.ndarray] = {}
            for worker in ready:
                progress(f"checking {task} {network.name}: {worker.peer.label}")
                try:
                    worker.ask("build", task=task, cold=True, **request)
                    values[worker.peer] = np.array(worker.ask("values", steps=steps)["values"])
                except PeerError as error:
                    missing[f"{worker.peer.label} on {network.name}"] = str(error)
            ours = values.pop(OURS, None)
            for peer, theirs in values.items():
                if ours is not None:
                    first, second = np.abs(theirs - ours).reshape(steps, -1).max(axis=1)
                    found.append(Agreement(network.name, peer.label, float(first), float(second)))
    return found
