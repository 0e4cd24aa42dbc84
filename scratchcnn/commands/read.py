"""``python -m scratchcnn read``: the digits in pictures, as the network sees them, and what it makes of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from .. import ops, terminal
from ..checks.messages import reason, say
from ..checks.paths import shown_path
from .ending import complain
from .models import load

EXAMPLE = """examples:
  PROGRAM read photo.jpg
  PROGRAM read --model output/model.npz page1.png page2.png

Dark ink on light paper or the other way round, one digit or several that do not
touch. What is shown is what the network sees, 28 x 28 pixels. A picture that
cannot be read is named, and the others are read; the exit status is then 1.
NO_COLOR=1 shows everything without colours."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="a photograph, a scan, a screenshot, a drawing")
    parser.add_argument("--model", metavar="M", help="a file that model.save(path) wrote; default: the packaged model")


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Read each picture and print what it says; return the exit status."""
    from ..pictures import PictureError, read_digits

    model = None if options.model is None else load(options.model)
    status = 0
    with ops.using("reference"):  # NumPy answers for a few images before kernels are loaded, or compiled
        for picture in options.pictures:
            name = shown_path(picture)
            try:
                digits = read_digits(picture, model)
            except (PictureError, OSError) as error:
                status, why = 1, reason(error, 1000)
                complain("read", why if name in why else f"{name}: {why}")
            else:
                _show(name, digits)
    return status


def _show(name: str, digits: Sequence[Any]) -> None:
    """Print each digit, and the number as a whole."""
    for place, digit in enumerate(digits, 1):
        of = f", digit {place} of {len(digits)}" if len(digits) > 1 else ""
        say(f"{name}{of}: {digit.label}\n\n{terminal.digit(digit.image, digit.probabilities)}\n")
    if len(digits) > 1:
        say(f"{name} says: {number(digits)}\n")


def number(digits: Sequence[Any]) -> str:
    """Return what the digits say together, in reading order; a blank stands where a new line begins.

    Examples
    --------
    >>> from types import SimpleNamespace as Digit
    >>> boxes = (0, 0, 9, 9), (9, 0, 18, 9), (1, 20, 8, 30)  # the last is on a line of its own
    >>> number([Digit(label=label, box=box) for label, box in zip([4, 2, 7], boxes)])
    '42 7'
    """
    text = ""
    for before, digit in zip([None, *digits], digits, strict=False):
        is_new_line = before is not None and digit.box[0] < before.box[0] and digit.box[1] >= before.box[3]
        text += f"{' ' if is_new_line else ''}{digit.label}"
    return text
