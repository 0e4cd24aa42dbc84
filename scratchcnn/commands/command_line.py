"""One command line for all commands. How each of them ends is in ``ending.py``."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .. import __version__
from ..gradcheck import __main__ as gradcheck
from . import draw, read, summary, train
from .ending import complain, ended
from .options import replace_unknown_characters


class Command(NamedTuple):
    """A command: a line about it, what ``--help`` adds, its options, and what it does; that returns the exit status."""

    summary: str
    example: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.ArgumentParser, argparse.Namespace], int]


COMMANDS = {
    "train": Command("train a network on MNIST or its relatives", train.EXAMPLE, train.add_options, train.run),
    "read": Command("read the handwritten digits in pictures", read.EXAMPLE, read.add_options, read.run),
    "draw": Command("open a page to draw digits on", draw.EXAMPLE, draw.add_options, draw.run),
    "gradcheck": Command(
        "check all derivatives by differences", gradcheck.EXAMPLE, gradcheck.add_options, gradcheck.run
    ),
    "summary": Command("show the layers of a saved model", summary.EXAMPLE, summary.add_options, summary.run),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the command line names, or list the commands; return the exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        In place of those of the program.

    Raises
    ------
    SystemExit
        With 2 where the command line is wrong, and with 0 after ``--help``.

    Examples
    --------
    >>> main(["summary", "no_such_file.npz"])  # and the reason on standard error
    1
    """
    replace_unknown_characters()
    parser, parsers = _parsers()
    options = parser.parse_args(arguments)
    if options.command is None:
        return ended("", parser.print_help)
    command = COMMANDS[options.command]

    def warn(message: Warning | str, *_: object, **__: object) -> None:
        complain(options.command, f"warning: {message}")

    with warnings.catch_warnings():
        warnings.showwarning = warn  # in a line, without the place in the code
        return ended(options.command, lambda: command.run(parsers[options.command], options))


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser of the whole command line, and those of the commands."""
    is_module = os.path.basename(sys.argv[0]) != "scratchcnn"
    program = "python -m scratchcnn" if is_module else "scratchcnn"
    parser = argparse.ArgumentParser(
        prog=program,
        usage="%(prog)s [-h] [--version] COMMAND ...",
        description="A convolutional network for handwritten digits, written from scratch.\n\ncommands:\n"
        + "".join(f"  {name:<10} {command.summary}\n" for name, command in COMMANDS.items()),
        epilog=f"{program} COMMAND --help says more, with an example.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"scratchcnn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", help=argparse.SUPPRESS)
    parsers = {}
    for name, command in COMMANDS.items():
        parsers[name] = commands.add_parser(
            name,
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            epilog=command.example.replace("PROGRAM", program),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_options(parsers[name])
    return parser, parsers
