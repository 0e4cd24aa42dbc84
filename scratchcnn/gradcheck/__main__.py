"""Check every layer, every loss and a whole network: ``python -m scratchcnn.gradcheck``.

One line a check, and below the lines what their columns mean; ``-v`` shows the table of each, array by array.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator, Sequence

import scratchcnn as sc
from scratchcnn import gradcheck, ops
from scratchcnn.checks.messages import say
from scratchcnn.commands.ending import ended
from scratchcnn.gradcheck import Report
from scratchcnn.gradcheck.report import LEGEND, LINE_HEAD, TABLE_LEGEND

EXAMPLE = """examples:
  PROGRAM gradcheck                          a line a check
  PROGRAM gradcheck --backend reference -v   every array"""


def layer_reports() -> Iterator[Report]:
    """Check each layer, with padding and strides that leave a remainder."""
    yield gradcheck.check_layer(sc.Rescaling(1 / 2, offset=-1), (4, 5, 3))
    yield gradcheck.check_layer(sc.Conv2D(4, 3), (7, 8, 3))
    yield gradcheck.check_layer(sc.Conv2D(4, (2, 3), strides=2, padding="same"), (7, 8, 3))
    yield gradcheck.check_layer(sc.Conv2D(4, 1, use_bias=False), (4, 5, 3))
    yield gradcheck.check_layer(sc.Conv2D(6, 3, groups=3, dilation_rate=2, padding=1), (7, 8, 3))
    yield gradcheck.check_layer(sc.MaxPool2D(2), (7, 8, 3))
    yield gradcheck.check_layer(sc.MaxPool2D(3, strides=2, padding="same"), (7, 8, 3))
    yield gradcheck.check_layer(sc.AveragePool2D(2), (7, 8, 3))
    yield gradcheck.check_layer(sc.AveragePool2D(3, strides=2, padding="same"), (7, 8, 3))
    yield gradcheck.check_layer(sc.GlobalAveragePool2D(), (4, 5, 3))
    yield gradcheck.check_layer(sc.BatchNorm(), (4, 5, 3), batch_size=3)
    yield gradcheck.check_layer(sc.BatchNorm(), (6,), batch_size=5, training=False)
    yield gradcheck.check_layer(sc.ReLU(), (4, 5, 3))
    yield gradcheck.check_layer(sc.LeakyReLU(), (4, 5, 3))
    yield gradcheck.check_layer(sc.ELU(), (4, 5, 3))
    yield gradcheck.check_layer(sc.Sigmoid(), (4, 5, 3))
    yield gradcheck.check_layer(sc.Tanh(), (4, 5, 3))
    yield gradcheck.check_layer(sc.Flatten(), (4, 5, 3))
    yield gradcheck.check_layer(sc.Dropout(0.4), (40,))
    yield gradcheck.check_layer(sc.Dense(7), (11,))
    layers = [sc.Conv2D(3, 3, padding="same"), sc.BatchNorm(), sc.ReLU()]
    yield gradcheck.check_layer(sc.Residual(layers), (4, 5, 3), batch_size=3)


def loss_reports() -> Iterator[Report]:
    """Check each loss."""
    yield gradcheck.check_loss(sc.SoftmaxCrossEntropy())
    yield gradcheck.check_loss(sc.SoftmaxCrossEntropy(label_smoothing=0.1))
    yield gradcheck.check_loss(sc.SoftmaxCrossEntropy(class_weights=range(10), ignore_index=3))
    yield gradcheck.check_loss(sc.BinaryCrossEntropy())
    yield gradcheck.check_loss(sc.MeanSquaredError())


def model_reports() -> Iterator[Report]:
    """Check a whole network, layer by layer and with fused steps."""
    for fuse in (False, True):
        layers = [
            sc.Rescaling(1 / 255),
            *(sc.Conv2D(6, 3), sc.ReLU(), sc.MaxPool2D(2)),
            *(sc.Conv2D(8, 3, padding="same"), sc.BatchNorm(), sc.ReLU(), sc.MaxPool2D(2)),
            *(sc.Flatten(), sc.Dropout(0.25), sc.Dense(10)),
        ]
        yield gradcheck.check_model(sc.Sequential(layers, input_shape=(14, 14, 1), fuse=fuse), samples=5)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("--backend", choices=_backends(), action="append", help="check one; default: all there are")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what was compared, array by array")


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Print all reports; return the exit status, 1 if anything is wrong."""
    reports: list[Report] = []
    for backend in options.backend or _backends():
        say(f"The derivatives of backward against those from differences, on the backend {backend}:\n")
        if not options.verbose:
            say(LINE_HEAD)
        with ops.using(backend):
            for group in (layer_reports, loss_reports, model_reports):
                for report in group():
                    say("\n".join(_lines(report, options.verbose)))
                    reports.append(report)
        say("")
    wrong = [report for report in reports if not report.passed]
    say(f"{TABLE_LEGEND if options.verbose else LEGEND}\n")
    say(f"{len(reports)} checks, {len(wrong)} wrong, largest relative error {max(r.error for r in reports):.1e}")
    return 1 if wrong else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command by itself; return the exit status."""
    description = "Check every layer, every loss and a whole network."
    parser = argparse.ArgumentParser(prog="python -m scratchcnn.gradcheck", description=description)
    add_options(parser)
    options = parser.parse_args(arguments)
    return ended("gradcheck", lambda: run(parser, options))


def _backends() -> list[str]:
    """Return the implementations of the operations that there are."""
    return [name for name in ops.BACKENDS if name != "jit" or importlib.util.find_spec("numba")]


def _lines(report: Report, verbose: bool) -> list[str]:
    """Return what is printed of a report."""
    if verbose:
        return [str(report), ""]
    return [report.line(), *report.wrapped_problems()]


if __name__ == "__main__":
    sys.exit(main())
