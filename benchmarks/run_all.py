"""Run all benchmarks and write benchmarks/RESULTS.md, with pictures in benchmarks/plots.

Each benchmark has a section of its own, with the machine and the versions it ran on; ``--only`` runs some of them and
leaves the other sections, also those of other programs, as they are.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import time
from pathlib import Path

import bench_cpus
import bench_growth
import bench_inference
import bench_kernels
import bench_training
import machine
import report
from harness import HERE
from options import choice, progress

from scratchcnn import commands

HEAD = """# Results

Measured by `python benchmarks/run_all.py`, on one machine, the peers in rotation. Each peer runs in a process of its
own with the same number of threads, and is stopped while it is not its turn. malloc keeps freed memory for everybody,
without which frameworks that allocate in every step run at half their speed. PyTorch uses its fused Adam; Keras runs a
whole step in one `tf.function` or `jax.jit`. Left out, because they were slower than what is shown: TensorFlow's XLA,
which takes several times longer for the gradients of a convolution, and compiled PyTorch with channels-last memory,
which its compiler chooses by itself. `--peers` measures them. The last two lines of a table name the fastest peer, and
how many times longer than ours it takes.
"""

SECTIONS = {
    "training": ("Training step", bench_training),
    "inference": ("Inference", bench_inference),
    "kernels": ("Kernels", bench_kernels),
    "growth": ("How it grows", bench_growth),
    "cpus": ("Other CPUs", bench_cpus),
}
WITHOUT_PEERS = ("kernels", "cpus")
CHECKED = ("training", "inference")


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--only", type=choice(SECTIONS), default=",".join(SECTIONS), help="(default: %(default)s)")
    made.add_argument("--output", type=commands.file, default=HERE / "RESULTS.md", help="(default: %(default)s)")
    made.add_argument("--peer-python", default=sys.executable, help="interpreter that has the peers (default: this)")
    made.add_argument(
        "--threads", type=commands.count, default=min(2, len(machine.available_cpus())), help="(default: %(default)s)"
    )
    made.add_argument("--peers", help="of the benchmarks that have them, instead of their own choices")
    made.add_argument("--quick", action="store_true", help="fewer workloads and shorter turns: a rough idea")
    options = commands.parse(made, arguments)
    for name, is_given in (("--peer-python", options.peer_python != sys.executable), ("--peers", options.peers)):
        if set(options.only) <= set(WITHOUT_PEERS) and is_given:
            made.error(f"{name} would be ignored: there are no peers in {', '.join(options.only)}; leave it out")
    return options


def run(name: str, options: argparse.Namespace) -> tuple[str, list[str]]:
    """Run one benchmark; return its section, and what it found to be wrong."""
    title, program = SECTIONS[name]
    arguments = ["--threads", str(options.threads), *(["--quick"] if options.quick else [])]
    if name not in WITHOUT_PEERS:
        arguments += ["--peer-python", options.peer_python, *(["--peers", options.peers] if options.peers else [])]
    start, wrong = time.perf_counter(), []
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for more in ([["--plots", str(options.output.parent)], ["--check"]])[: 2 if name in CHECKED else 1]:
            try:
                program.main([*arguments, *more])
            except SystemExit as error:
                print(f"\n**{error.code}**")
                wrong.append(f"{name}: {error.code}")
            print()
    progress(f"{name}: {time.perf_counter() - start:.0f} s")
    return f"## {title}, {report.instructions()}\n\n{(program.__doc__ or '').strip()}\n\n{printed.getvalue()}", wrong


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmarks and write the file after each of them, so that nothing is lost if a later one fails."""
    options = options_of(arguments)
    output: Path = options.output
    wrong: list[str] = []
    for name in options.only:
        section, found = run(name, options)
        wrong += found
        text = output.read_text(encoding="utf-8") if output.exists() else HEAD
        text = report.replace_section(text, f"{name} {report.instructions()}", section)
        output.write_text(text, encoding="utf-8")
    print(f"written: {output}")
    if wrong:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    main()
