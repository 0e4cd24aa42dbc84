"""``python -m scratchcnn summary``: the table of a saved model's layers."""

from __future__ import annotations

import argparse

from ..checks.messages import say
from ..ensemble import Ensemble
from ..network.summary import summary
from .models import load

EXAMPLE = "example:\n  PROGRAM summary output/model.npz"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("model", metavar="MODEL", help="a file that model.save(path) or ensemble.save(path) wrote")
    parser.add_argument("--kernels", action="store_true", help="show which algorithms compute the convolutions, too")


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Print the table, of an ensemble that of each different network; return the exit status."""
    model = load(options.model)
    if isinstance(model, Ensemble):
        members = model.members()
        say(f"an ensemble of {len(members)} models, whose predictions are averaged")
        tables: dict[str, list[int]] = {}
        for number, member in enumerate(members, 1):
            tables.setdefault(summary(member, options.kernels), []).append(number)
        for table, numbers in tables.items():
            some = f"model{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
            say(f"\n{'each' if len(tables) == 1 else some}:\n{table}")
    else:
        model.summary(options.kernels)
    return 0
