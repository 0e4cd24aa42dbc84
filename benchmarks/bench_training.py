"""Microseconds per image of a full training step: forward, loss, backward, and an update by Adam.

The images are in memory as bytes. scratchcnn draws each mini-batch from them by number and rescales it inside the
step; the other frameworks are handed mini-batches that lie ready as float32 tensors in the layout they like best.

``vgg`` (pairs of 3 x 3 convolutions of 64, 128 and 256 filters, a max-pooling after each pair, a global average) takes
RGB images, here of several sizes, in mini-batches of the same number of pixels.
"""

from __future__ import annotations

import argparse

import report
from compare import (
    CHECKED_BATCH,
    Comparison,
    check,
    compare,
    losses_table,
    peak_memory,
    require_equal_losses,
)
from networks import NETWORKS, VGG, vgg
from options import choice, introduction, numbers, parse, parser, progress
from peers import OURS, PEERS

DEFAULT_PEERS = ("scratchcnn", "torch", "torch-channels-last", "torch-compile", "keras-tensorflow", "keras-jax")
AGAINST_PYTORCH = (OURS, PEERS["torch"], PEERS["torch-channels-last"])  # of vgg and of memory
MEMORY_STEPS, MEMORY_IMAGES = 60, 60_000


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    made = parser(__doc__ or "", DEFAULT_PEERS)
    made.add_argument("--networks", type=choice(NETWORKS), default=",".join(NETWORKS), help="(default: %(default)s)")
    made.add_argument("--batch-sizes", type=numbers, help="(default: 32,128,512, quick: 128)")
    made.add_argument("--image-sizes", type=numbers, help="of vgg (default: 28,56,112,224, quick: 28,56)")
    made.add_argument("--check", action="store_true", help="only compare the peers' losses with ours (without dropout)")
    made.add_argument("--memory", action=argparse.BooleanOptionalAction, help="measure memory as well (default: yes)")
    options = parse(made, arguments, check=("batch_sizes", "memory", "repeats", "turn", "plots"))
    if VGG.name not in options.networks and options.image_sizes:
        made.error(f"--image-sizes would be ignored: they are those of {VGG.name}, which is not in --networks")
    options.batch_sizes = options.batch_sizes or ([128] if options.quick else [32, 128, 512])
    options.image_sizes = options.image_sizes or ([28, 56] if options.quick else [28, 56, 112, 224])
    return options


def of_one_size(options: argparse.Namespace) -> list[str]:
    """Return the names of the chosen networks that are measured by batch size."""
    return [name for name in options.networks if name != VGG.name]


def render(result: Comparison[tuple[str, int]], options: argparse.Namespace) -> str:
    """Return the tables, and the picture where pictures are wanted, as Markdown."""
    parts = ["Microseconds per image: the median, and in brackets the quartiles."]
    networks = of_one_size(options)
    for batch_size in options.batch_sizes if networks else ():
        columns = {name: result.timings[name, batch_size] for name in networks}
        parts.append(report.comparison(columns, f"batch {batch_size}", OURS.label))
    if options.plots and networks:
        shown = 128 if 128 in options.batch_sizes else options.batch_sizes[0]
        panels = {name: result.timings[name, shown] for name in networks}
        title = f"Training step, batch {shown}, {options.threads} threads"
        figure = report.bars(panels, "microseconds per image", title, OURS.label)
        parts.append(report.save(figure, options.plots, "training"))
    return "\n\n".join(parts)


def render_vgg(result: Comparison[int]) -> str:
    """Return the table of ``vgg`` by image size as Markdown."""
    columns = {f"{size} x {size}, batch {vgg(size)[1]}": timings for size, timings in result.timings.items()}
    return report.comparison(columns, VGG.name, OURS.label)


def render_memory(peaks: dict[str, tuple[int, int]]) -> str:
    """Return the memory table as Markdown."""
    rows = [[label, f"{imported / 2**20:.0f}", f"{peak / 2**20:.0f}"] for label, (imported, peak) in peaks.items()]
    caption = (
        "Peak resident memory (MiB) of a process that trains `keras` at batch 128 on "
        f"{MEMORY_IMAGES:,} images of 28 x 28 bytes; "
        f"{MEMORY_STEPS} steps, in which every mini-batch is drawn from the bytes."
    )
    return caption + "\n\n" + report.table(["", "after import", "training"], rows)


def main(arguments: list[str] | None = None) -> str:
    """Run the benchmark, print its report and return it."""
    options = options_of(arguments)
    if options.check:
        return run_check(options)
    workloads = {(name, size): (NETWORKS[name], size) for name in of_one_size(options) for size in options.batch_sizes}
    result = compare("training", workloads, options)
    parts = [render(result, options)]
    few = [peer for peer in AGAINST_PYTORCH if peer in options.peers and peer.label not in result.missing]
    if VGG.name in options.networks:
        by_size = compare("training", {size: vgg(size) for size in options.image_sizes}, options, few)
        result.versions |= by_size.versions
        result.missing |= by_size.missing
        parts.append(render_vgg(by_size))
    if options.memory is not False:
        progress("training: memory")
        peaks = {}
        for peer in few:
            work = NETWORKS["keras"], 128
            peak = peak_memory(peer, work, options, result.missing, options.threads, MEMORY_STEPS, MEMORY_IMAGES)
            peaks |= {peer.label: peak} if peak else {}
        parts += [render_memory(peaks)] if peaks else []
    text = "\n\n".join([introduction(options, result.versions, result.missing), *parts])
    print(text)
    return text


def run_check(options: argparse.Namespace) -> str:
    """Compare the losses, print and return the table; exit with an error where they differ."""
    missing: dict[str, str] = {}
    workloads = {name: (NETWORKS[name], CHECKED_BATCH) for name in of_one_size(options)}
    found = check("training", workloads, options, missing)
    if VGG.name in options.networks:
        few = [peer for peer in AGAINST_PYTORCH if peer in options.peers]
        of_sizes = {
            f"{VGG.name}, {size}": (vgg(size)[0], min(CHECKED_BATCH, vgg(size)[1])) for size in options.image_sizes
        }
        found += check("training", of_sizes, argparse.Namespace(**vars(options) | {"peers": few}), missing)
    text = losses_table(found)
    text += "".join(f"\n- left out: {label} ({reason})" for label, reason in missing.items())
    print(text)
    require_equal_losses(found)
    return text


if __name__ == "__main__":
    main()
