"""``python -m scratchcnn draw``: a page to draw on."""

from __future__ import annotations

import argparse
import contextlib

from .. import ops
from .models import load_network
from .options import port

EXAMPLE = "example:\n  PROGRAM draw --model output/model.npz"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--model", metavar="M", help="a file that model.save(path) wrote; default: the packaged model")
    parser.add_argument("--port", type=port, default=0, metavar="P", help="of the page's address; default: a free one")
    parser.add_argument("--no-browser", action="store_true", help="print the address, and open no browser")


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C; return the exit status."""
    from ..draw import serve

    model = options.model and load_network(options.model)
    # NumPy answers for the packaged model in a few milliseconds, at once; kernels would have to be compiled first.
    with contextlib.nullcontext() if model else ops.using("reference"):
        serve(model, options.port, open_browser=not options.no_browser)
    return 0
