"""What command lines share: numbers that are checked, and options that are refused where they would be ignored.

The functions of one argument are types for ``argparse``: ``parser.add_argument("--epochs", type=count)``.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import data
from ..callbacks import BackupAndRestore
from ..checks.messages import say


def count(text: str) -> int:
    """Return a number of things, at least 1.

    Examples
    --------
    >>> count("20")
    20
    """
    return _at_least(1, text)


def seed(text: str) -> int:
    """Return a seed, at least 0."""
    return _at_least(0, text)


def positive(text: str) -> float:
    """Return a finite number above 0."""
    if not 0 < float(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0 and finite, got {text}")
    return float(text)


def folder(text: str) -> Path:
    """Return a folder to write to, which is made if need be: better found out before the work than after it."""
    path = Path(text)
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot write there: {error}") from None
    return path


def file(text: str) -> Path:
    """Return a file to write, in a folder that is made if need be."""
    return folder(str(Path(text).parent)) / Path(text).name


def load(name: str, data_dir: str | None = None) -> tuple[Any, str]:
    """Return a data set, and its name; for "auto" MNIST or, where it cannot be had, the bundled digits, which is said.

    One that was asked for and cannot be had ends the program with the reason.
    """
    wanted = name.replace("auto", "mnist")
    try:
        return data.load_data(wanted, data_dir), wanted
    except (data.DataUnavailableError, ValueError) as error:
        if name != "auto" or data_dir is not None:  # a folder that was named is the only place to look
            raise SystemExit(str(error)) from None
    print("MNIST is neither here nor to be downloaded (--data mnist says why): using the 5,000 bundled digits.")
    return data.load_data("digits"), "digits"


def backup(output: Path, resume: bool) -> BackupAndRestore:
    """Return the callback that keeps a checkpoint below a folder; one that is not to be resumed is removed."""
    folder = output / "checkpoint"
    if not resume:
        shutil.rmtree(folder, ignore_errors=True)
    elif finished(output):
        raise SystemExit(
            f"{output} has a training that was finished, and none to go on with: leave --resume out to train anew, "
            "which replaces its model.npz, or choose another --output"
        )
    elif not folder.is_dir():
        say(f"There is no interrupted training in {output}: this one begins at its beginning.")
    return BackupAndRestore(folder)


def finished(output: Path) -> bool:
    """Return whether a folder has a model, and no checkpoint of a training that was interrupted."""
    return (output / "model.npz").is_file() and not (output / "checkpoint").is_dir()


def parse(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None, **excluded: Sequence[str]
) -> argparse.Namespace:
    """Return the options, and let standard output show a question mark for what it cannot encode.

    Parameters
    ----------
    parser : ArgumentParser
    arguments : sequence of str, optional
        In place of those of the program.
    **excluded : sequence of str
        ``recipe=("epochs",)`` says that ``--epochs``, whose default is None, must not be given beside ``--recipe``.
    """
    options = parser.parse_args(arguments)
    refuse_ignored(parser, options, **excluded)
    replace_unknown_characters()
    return options


def refuse_ignored(parser: argparse.ArgumentParser, options: argparse.Namespace, **excluded: Sequence[str]) -> None:
    """End the program where an option was given that would be ignored; ``excluded`` is that of ``parse``."""
    for name, others in excluded.items():
        given = [_option(other) for other in others if getattr(options, other) is not None]
        if getattr(options, name) not in (None, False) and given:
            parser.error(f"{', '.join(given)} would be ignored beside {_option(name)}; leave one or the other out")


def replace_unknown_characters() -> None:
    """Let the outputs show a question mark for what they cannot encode."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def port(text: str) -> int:
    """Return the number of a port, 0 for any."""
    number = _at_least(0, text)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"must be at most 65535, got {number}")
    return number


def _at_least(lowest: int, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be an integer, got {text}") from None
    if number < lowest:
        raise argparse.ArgumentTypeError(f"must be at least {lowest}, got {number}")
    return number


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
