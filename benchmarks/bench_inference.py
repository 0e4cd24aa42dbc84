"""Microseconds per image of classification: from a mini-batch of images to their ten probabilities.

scratchcnn is given bytes and rescales them, through its public ``predict``; the other frameworks are handed float32
images in the layout they like best. Every call is waited for, so batch 1 is a latency.
"""

from __future__ import annotations

import argparse
import sys

import report
from compare import CHECKED_BATCH, Comparison, check, compare
from networks import NETWORKS
from options import choice, introduction, numbers, parse, parser
from peers import OURS

DEFAULT_PEERS = (
    "scratchcnn",
    "torch",
    "torch-channels-last",
    "torch-compile",
    "keras-tensorflow",
    "keras-jax",
    "onnxruntime",
    "openvino",
)
TOLERANCE = 1e-4  # how far apart the probabilities may be that --check compares


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__ or "", DEFAULT_PEERS)
    made.add_argument(
        "--networks",
        type=choice(NETWORKS),
        default="keras,lenet5",
        help=f"of: {', '.join(NETWORKS)} (default: %(default)s)",
    )
    made.add_argument("--batch-sizes", type=numbers, help="(default: 1,128,1024, quick: 1,128)")
    made.add_argument("--check", action="store_true", help="only compare the peers' probabilities with ours")
    options = parse(made, arguments, check=("batch_sizes", "repeats", "turn", "plots"))
    options.batch_sizes = options.batch_sizes or ([1, 128] if options.quick else [1, 128, 1024])
    return options


def render(result: Comparison[tuple[str, int]], options: argparse.Namespace) -> str:
    """Return the tables, and the picture where pictures are wanted, as Markdown."""
    parts = ["Microseconds per image: the median, and in brackets the quartiles."]
    for name in options.networks:
        columns = {f"batch {batch_size}": result.timings[name, batch_size] for batch_size in options.batch_sizes}
        parts.append(report.comparison(columns, f"`{name}`", OURS.label))
    if options.plots:
        panels = {
            f"{name}, batch {batch_size}": result.timings[name, batch_size]
            for batch_size in options.batch_sizes
            for name in options.networks
        }
        title = f"Inference, {options.threads} threads"
        figure = report.bars(panels, "microseconds per image", title, OURS.label)
        parts.append(report.save(figure, options.plots, "inference"))
    return "\n\n".join(parts)


def run_check(options: argparse.Namespace) -> str:
    """Compare the probabilities, print and return the table; exit with an error where they differ."""
    missing: dict[str, str] = {}
    found = check("inference", {name: (NETWORKS[name], CHECKED_BATCH) for name in options.networks}, options, missing)
    rows = [[one.network, one.label, f"{max(one.first, one.second):.1e}"] for one in found]
    text = "Largest difference to our probabilities, from the same weights.\n\n" + report.table(
        ["network", "peer", "difference"], rows
    )
    text += "".join(f"\n- left out: {label} ({reason})" for label, reason in missing.items())
    print(text)
    apart = [one for one in found if not max(one.first, one.second) <= TOLERANCE]
    if apart or not found:
        names = ", ".join(f"{one.label} on {one.network}" for one in apart) or "nothing to compare"
        sys.exit(f"probabilities differ by more than {TOLERANCE:g}: {names}")
    return text


def main(arguments: list[str] | None = None) -> str:
    """Run the benchmark, print its report and return it."""
    options = options_of(arguments)
    if options.check:
        return run_check(options)
    workloads = {(name, size): (NETWORKS[name], size) for name in options.networks for size in options.batch_sizes}
    result = compare("inference", workloads, options)
    text = introduction(options, result.versions, result.missing) + "\n\n" + render(result, options)
    print(text)
    return text


if __name__ == "__main__":
    main()
