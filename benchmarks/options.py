"""The command line that the benchmark programs share, and what each of them prints first."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterable

import machine
from peers import PEERS, Peer

from scratchcnn import commands


def parser(description: str, peers: tuple[str, ...] = ()) -> argparse.ArgumentParser:
    """Return a parser with the shared options; those about peers only where there are any."""
    made = argparse.ArgumentParser(description=description)
    threads = min(2, len(machine.available_cpus()))
    made.add_argument("--threads", type=commands.count, default=threads, help="of each peer (default: %(default)s)")
    made.add_argument("--repeats", type=commands.count, help="turns of each measurement (default: 9, quick: 5)")
    made.add_argument("--turn", type=commands.positive, help="seconds of a turn (default: 0.15, quick: 0.06)")
    made.add_argument("--quick", action="store_true", help="fewer workloads and shorter turns: a rough idea")
    made.add_argument(
        "--plots", type=commands.folder, help="folder in which to draw plots/*.png (default: no pictures)"
    )
    if peers:
        made.add_argument(
            "--peers", type=_peers, default=",".join(peers), help=f"of: {', '.join(PEERS)} (default: %(default)s)"
        )
        made.add_argument(
            "--peer-python", default=sys.executable, help="interpreter that has the peers (default: this)"
        )
    return made


def parse(
    made: argparse.ArgumentParser, arguments: list[str] | None, **excluded: tuple[str, ...]
) -> argparse.Namespace:
    """Parse, check, and fill in the defaults that depend on --quick; ``excluded`` is that of ``commands.parse``."""
    options = commands.parse(made, arguments, **excluded)
    options.repeats = options.repeats or (5 if options.quick else 9)
    options.turn = options.turn or (0.06 if options.quick else 0.15)
    if not 1 <= options.threads <= len(machine.available_cpus()):
        made.error(f"--threads {options.threads}: this machine has {len(machine.available_cpus())} CPUs to use")
    if "peer_python" in options and not shutil.which(options.peer_python):
        made.error(f"--peer-python {options.peer_python}: there is no such program")
    return options


def choice(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Return an argparse type: a comma-separated list of some of ``names``."""

    def parse_list(text: str) -> list[str]:
        chosen = text.split(",")
        for name in chosen:
            if name not in names:
                raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(names)}")
        return chosen

    return parse_list


def numbers(text: str) -> list[int]:
    """Argparse type: a comma-separated list of positive integers."""
    chosen = [int(part) for part in text.split(",")]
    if min(chosen) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: the numbers must be positive")
    return chosen


def _peers(text: str) -> list[Peer]:
    return [PEERS[key] for key in choice(PEERS)(text)]


def introduction(options: argparse.Namespace, found: dict[str, str], missing: dict[str, str]) -> str:
    """Return the machine, the versions and the settings of a run, as Markdown."""
    lines = [time.strftime("%Y-%m-%d"), *machine.describe()]
    lines.append(", ".join(f"{name} {version}" for name, version in found.items()))
    lines.append(f"{options.threads} thread(s) each; {options.repeats} turns of {options.turn:g} s in rotation")
    lines += [f"left out: {label} ({reason})" for label, reason in missing.items()]
    return "\n".join(f"- {line}" for line in lines if line)


def progress(message: str) -> None:
    """Say on standard error what is being done."""
    print(message, file=sys.stderr, flush=True)
