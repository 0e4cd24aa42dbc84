"""Fair timing of several frameworks on one machine: a process for each, short turns in rotation, medians.

Every peer lives in a process of its own (``peers/worker.py``) with the same number of threads on the same CPUs. The
peers take turns of a fraction of a second, each in its place in the rotation, so that a change of the machine's speed
meets all of them. Between its turns a worker is *stopped* (SIGSTOP): threads that spin while they wait for work, as
most frameworks' do, take nothing from the one that is measured.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import machine
import numpy as np
from networks import Network
from peers import OURS, Peer

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # the library that is measured is the one beside this folder, installed or not

# Let malloc keep the memory that is freed: frameworks that allocate their activations anew in every step otherwise get
# fresh pages from the kernel each time, and run at half their speed or less. All peers get this; it works with glibc.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000"}


DIGITS = 4000  # bundled training digits
MOST_VALUES = 2**24  # pixels times channels of all images: 16 MB as bytes, and 64 MB where a peer prepares float32


class PeerError(Exception):
    """A peer that cannot do what it was asked to; it is left out and the reason is reported."""


class Worker:
    """A peer in its own process. Use ``workers`` to start several."""

    def __init__(self, peer: Peer, threads: int, python: str, keep_memory: bool = True) -> None:
        self.peer, self.threads = peer, threads
        self.versions: dict[str, str] = {}
        number = str(threads)
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, number) | (KEEP_MEMORY if keep_memory else {})
        if peer == OURS:
            environment["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
        cpus = ",".join(str(cpu) for cpu in machine.available_cpus()[:threads])
        self._log = tempfile.TemporaryFile(mode="w+")
        self._process = subprocess.Popen(
            [python, str(HERE / "peers" / "worker.py"), peer.module, peer.variant, number, cpus],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
        )

    def greet(self) -> None:
        """Wait until the peer is imported, and stop it until its first turn."""
        self.versions = self._answer()["versions"]
        self._signal("SIGSTOP")

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Send one request, let the worker run until it has answered, and return the answer.

        Raises
        ------
        PeerError
            If the peer fails; the message is its own.
        """
        self._signal("SIGCONT")
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
            return self._answer()
        except BrokenPipeError:
            raise PeerError(f"its process ended ({self._last_words()})") from None
        finally:
            self._signal("SIGSTOP")

    def seconds_per_step(self, steps: int) -> float:
        """Take ``steps`` steps and return the time of one."""
        return self.ask("run", steps=steps)["seconds"] / steps

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.communicate()
        self._log.close()

    def cpu_seconds(self) -> float:
        """Return the processor time the worker has used so far (Linux only): how we know that it rests when stopped."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _signal(self, name: str) -> None:
        if hasattr(signal, name) and self._process.poll() is None:
            self._process.send_signal(getattr(signal, name))

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(f"its process ended ({self._last_words()})")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"].splitlines()[0])
        return answer

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        lines = [line.strip() for line in self._log if line.strip()]
        return lines[-1] if lines else f"exit status {self._process.returncode}"


@contextlib.contextmanager
def workers(
    peers: Iterable[Peer], threads: int, peer_python: str, missing: dict[str, str], keep_memory: bool = True
) -> Iterator[list[Worker]]:
    """Start a worker for each peer, all at once, and end them all afterwards.

    Ours runs on this interpreter, the others on ``peer_python``. A peer that cannot start is noted in ``missing``
    (its label, and the reason) and is not among the workers. ``keep_memory``: see ``KEEP_MEMORY``.
    """
    started, ready = [], []
    try:
        for peer in peers:
            started.append(Worker(peer, threads, sys.executable if peer == OURS else peer_python, keep_memory))
        for worker in started:
            try:
                worker.greet()
                ready.append(worker)
            except PeerError as error:
                missing[worker.peer.label] = str(error)
        yield ready
    finally:
        for worker in started:
            worker.close()


@dataclass(frozen=True)
class Timing:
    """Repeated measurements of one quantity, in seconds."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile: half of all measurements lie between them."""
        low, high = np.percentile(self.samples, [25, 75])
        return float(low), float(high)

    def scaled(self, factor: float) -> Timing:
        """Return the same measurements in another unit."""
        return Timing(tuple(sample * factor for sample in self.samples))


def take_turns(runs: Mapping[str, Callable[[int], float]], repeats: int, turn: float) -> dict[str, Timing]:
    """Time several things in rotation.

    Parameters
    ----------
    runs : dict of str to function
        ``run(steps)`` takes so many steps and returns the seconds of one.
    repeats : int
        Turns of each.
    turn : float
        Seconds a turn should take; a step that takes longer is a turn of its own.
    """
    steps = {}
    for key, run in runs.items():
        first = run(1)
        steps[key] = 1 if first > 4 * turn else max(1, round(turn / run(3)))
    samples: dict[str, list[float]] = {key: [] for key in runs}
    for repeat in range(repeats):
        order = list(runs)
        first = repeat % len(order) if order else 0
        for key in order[first:] + order[:first]:
            samples[key].append(runs[key](steps[key]))
    return {key: Timing(tuple(values)) for key, values in samples.items()}


@dataclass(frozen=True)
class Files:
    """The images and weights that all peers are given, in a temporary folder."""

    folder: Path

    def request(self, network: Network, batch_size: int, images: int | None = None) -> dict[str, Any]:
        """Return the part of a build request that describes the workload, writing what files it needs.

        There are two mini-batches of images at least, and all digits, or as many as have ``MOST_VALUES``.
        """
        size, _, channels = network.input_shape
        count = images or max(2 * batch_size, min(DIGITS, MOST_VALUES // (size * size * channels)))
        data = self.folder / f"images_{size}_{channels}_{count}.npz"
        if not data.exists():
            pixels, labels = digits(size, channels, count)
            np.savez(data, images=pixels, labels=labels)
        weights = self.folder / f"weights_{abs(hash((network.layers, network.input_shape)))}.npz"
        if not weights.exists():
            np.savez(weights, **{f"{i:02d}": array for i, array in enumerate(network.initial_weights())})
        return {
            "network": network.name,
            "layers": network.layers,
            "input_shape": network.input_shape,
            "batch_size": batch_size,
            "data": str(data),
            "weights": str(weights),
        }


@contextlib.contextmanager
def files() -> Iterator[Files]:
    """Make the folder for ``Files`` and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="scratchcnn-bench-") as folder:
        yield Files(Path(folder))


def digits(size: int = 28, channels: int = 1, count: int = DIGITS) -> tuple[np.ndarray, np.ndarray]:
    """Return bundled training digits, uint8 (count, size, size, channels), scaled unsmoothed, and their labels.

    Real digits and not noise: a network's activations, and with them the share of zeros, depend on what it sees. There
    are ``DIGITS``; where more are wanted they come again, and all channels are the same.
    """
    from scratchcnn.data import load_data

    (images, labels), _ = load_data("digits")
    nearest = np.arange(size) * images.shape[1] // size
    chosen = np.arange(count) % len(images)
    scaled = images[:count, nearest][:, :, nearest][..., None]
    return np.repeat(scaled[chosen], channels, axis=-1), labels[chosen].astype(np.int64)
