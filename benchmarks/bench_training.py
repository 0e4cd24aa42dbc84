"""Microseconds per image of a full training step: forward, loss, backward, and an update by Adam.

The images are in memory as bytes. scratchcnn draws each mini-batch from them by number and rescales it inside the
step; the other frameworks are handed mini-batches that lie ready as float32 tensors in the layout they like best.
"""

from __future__ import annotations

import argparse
import sys

import report
from compare import Comparison, check, compare
from harness import PeerError, files, workers
from networks import NETWORKS
from options import choice, introduction, numbers, parse, parser, progress
from peers import OURS, PEERS, Peer

DEFAULT_PEERS = ("scratchcnn", "torch", "torch-channels-last", "torch-compile", "keras-tensorflow", "keras-jax")
TOLERANCE = 1e-4  # how far apart the losses may be that --check compares
MEMORY_PEERS = (OURS, PEERS["torch"], PEERS["torch-channels-last"])
MEMORY_STEPS = 60


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__ or "", DEFAULT_PEERS)
    made.add_argument("--networks", type=choice(NETWORKS), default=",".join(NETWORKS), help="(default: %(default)s)")
    made.add_argument("--batch-sizes", type=numbers, help="(default: 32,128,512, quick: 128)")
    made.add_argument("--check", action="store_true", help="only compare the peers' losses with ours (without dropout)")
    made.add_argument("--memory", action=argparse.BooleanOptionalAction, help="measure memory as well (default: yes)")
    options = parse(made, arguments, check=("batch_sizes", "memory", "repeats", "turn", "plots"))
    options.batch_sizes = options.batch_sizes or ([128] if options.quick else [32, 128, 512])
    return options


def peak_memory(peers: list[Peer], options: argparse.Namespace, missing: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Return for each peer the peak resident bytes after its import, and after training ``keras`` on 60,000 images.

    A new process each, malloc as it comes: nobody's memory is kept for the sake of speed here.
    """
    peaks = {}
    for peer in peers:
        with (
            files() as shared,
            workers([peer], options.threads, options.peer_python, missing, keep_memory=False) as ready,
        ):
            for worker in ready:
                try:
                    imported = worker.ask("memory")["peak_bytes"]
                    request = shared.request(NETWORKS["keras"], 128, copies=15)
                    worker.ask("build", task="training_from_pixels", **request)
                    worker.ask("run", steps=MEMORY_STEPS)
                    peaks[peer.label] = imported, worker.ask("memory")["peak_bytes"]
                except PeerError as error:
                    missing[f"memory of {peer.label}"] = str(error)
    return peaks


def render(result: Comparison[tuple[str, int]], options: argparse.Namespace) -> str:
    """Return the tables, and the picture where pictures are wanted, as Markdown."""
    parts = ["Microseconds per image: the median, and in brackets the quartiles."]
    for batch_size in options.batch_sizes:
        columns = {name: result.timings[name, batch_size] for name in options.networks}
        parts.append(report.comparison(columns, f"batch {batch_size}", OURS.label))
    if options.plots:
        shown = 128 if 128 in options.batch_sizes else options.batch_sizes[0]
        panels = {name: result.timings[name, shown] for name in options.networks}
        title = f"Training step, batch {shown}, {options.threads} threads"
        figure = report.bars(panels, "microseconds per image", title, OURS.label)
        parts.append(report.save(figure, options.plots, "training"))
    return "\n\n".join(parts)


def render_memory(peaks: dict[str, tuple[int, int]]) -> str:
    """Return the memory table as Markdown."""
    rows = [[label, f"{imported / 2**20:.0f}", f"{peak / 2**20:.0f}"] for label, (imported, peak) in peaks.items()]
    caption = (
        "Peak resident memory (MiB) of a process that trains `keras` at batch 128 on 60,000 images of 28 x 28 bytes; "
        f"{MEMORY_STEPS} steps, in which every mini-batch is drawn from the bytes."
    )
    return caption + "\n\n" + report.table(["", "after import", "training"], rows)


def main(arguments: list[str] | None = None) -> str:
    """Run the benchmark, print its report and return it."""
    options = options_of(arguments)
    if options.check:
        return run_check(options)
    workloads = {(name, size): (NETWORKS[name], size) for name in options.networks for size in options.batch_sizes}
    result = compare("training", workloads, options)
    parts = [render(result, options)]
    if options.memory is not False:
        progress("training: memory")
        asked = [peer for peer in MEMORY_PEERS if peer in options.peers and peer.label not in result.missing]
        peaks = peak_memory(asked, options, result.missing)
        parts += [render_memory(peaks)] if peaks else []
    text = "\n\n".join([introduction(options, result.versions, result.missing), *parts])
    print(text)
    return text


def run_check(options: argparse.Namespace) -> str:
    """Compare the losses, print and return the table; exit with an error where they differ."""
    missing: dict[str, str] = {}
    found = check("training", [NETWORKS[name] for name in options.networks], options, missing)
    rows = [[one.network, one.label, f"{one.first:.1e}", f"{one.second:.1e}"] for one in found]
    text = "Largest difference to our loss, from the same weights, without dropout.\n\n" + report.table(
        ["network", "peer", "at first", "after one update"], rows
    )
    text += "".join(f"\n- left out: {label} ({reason})" for label, reason in missing.items())
    print(text)
    apart = [one for one in found if not (one.first <= TOLERANCE and one.second <= TOLERANCE)]
    if apart or not found:
        names = ", ".join(f"{one.label} on {one.network}" for one in apart) or "nothing to compare"
        sys.exit(f"losses differ by more than {TOLERANCE:g}: {names}")
    return text


if __name__ == "__main__":
    main()
