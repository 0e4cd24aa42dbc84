"""The outcome of a gradient check: a table, what is wrong, and what could not be checked."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..checks.messages import html_table
from .comparison import Comparison

WIDTH = 120  # of a printed report


class GradientError(AssertionError):
    """A derivative is wrong; the message names layer, parameter, index and both values."""


@dataclass
class Report:
    """The outcome of a check; print it, ask ``passed``, or call ``raise_if_wrong``.

    Attributes
    ----------
    title : str
    tolerance : float
        Largest relative error allowed.
    comparisons : list of Comparison
        One for each array.
    elsewhere : list of Comparison
        Directions on other, larger batches: what is wrong for a few inputs only shows on many.
    faults : list of str
        What else is wrong: a gradient that depends on earlier batches, for example.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> report = sc.gradcheck.check_layer(sc.ReLU(), input_shape=(6,))
    >>> report.passed
    True
    >>> report = report.raise_if_wrong()  # a GradientError, if it had not passed
    """

    title: str
    tolerance: float
    comparisons: list[Comparison] = field(default_factory=list)
    elsewhere: list[Comparison] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def add(self, comparisons: Iterable[Comparison]) -> None:
        """Append comparisons."""
        self.comparisons.extend(comparisons)

    @property
    def wrong(self) -> list[str]:
        """What is wrong, a sentence each."""
        compared = [*self.comparisons, *self.elsewhere]
        return [*self.faults, *(problem for comparison in compared for problem in comparison.problems(self.tolerance))]

    @property
    def problems(self) -> list[str]:
        """What is wrong, and what could not be checked, a sentence each."""
        unchecked = [comparison.unchecked() for comparison in self.comparisons]
        return [*self.wrong, *(sentence for sentence in unchecked if sentence)]

    @property
    def passed(self) -> bool:
        """Whether everything could be checked and is within the tolerance; elements on a kink do not count."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """``right``, ``WRONG``, or ``NOT CHECKED`` where nothing is known to be wrong, but too little was compared."""
        return "right" if self.passed else "WRONG" if self.wrong else "NOT CHECKED"

    @property
    def error(self) -> float:
        """The largest relative error of all."""
        errors = (comparison.error for comparison in [*self.comparisons, *self.elsewhere])
        return max(errors, key=lambda error: (error != error, error), default=0.0)

    def raise_if_wrong(self) -> Report:
        """Return the report itself, or raise a GradientError that says what is wrong and shows the whole report."""
        if self.problems:
            raise GradientError("\n".join([*self.problems, "", str(self)]))
        return self

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows."""
        notes = [note for comparison in self.comparisons if (note := comparison.note())]
        sentences = [
            f"{self.verdict} {self.title}",
            f"largest relative error {self.error:.1e}, tolerance {self.tolerance:.0e}",
            *notes,
            *self.problems,
        ]
        table = html_table(HEAD, [_row(comparison) for comparison in self.comparisons])
        return table + "".join(f"<div>{html.escape(sentence)}</div>" for sentence in sentences)

    def __str__(self) -> str:
        rows = [HEAD, *(_row(comparison) for comparison in self.comparisons)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        notes = [comparison.note() for comparison in self.comparisons]
        return "\n".join(
            [
                f"{self.verdict}  {self.title}",
                f"       largest relative error {self.error:.1e}, tolerance {self.tolerance:.0e}",
                *(f"    {line}" for line in lines),
                *(_wrapped(note) for note in notes if note),
                *(_wrapped(f"{'WRONG' if it in self.wrong else 'NOT CHECKED'} {it}") for it in self.problems),
            ]
        )


HEAD = ("", "shape", "direction", "elements", "worst", "at", "backward", "differences", "step")


def _row(comparison: Comparison) -> tuple[str, ...]:
    """Return one line of the table."""
    projected, worst = comparison.projected, comparison.worst
    left_out = f", {comparison.left_out} left out" if comparison.left_out else ""
    return (
        f"{comparison.layer} {comparison.name}",
        str(comparison.shape),
        f"{projected.error:.1e}" if projected is not None and projected.settled else "none",
        f"{comparison.checked} of {math.prod(comparison.shape)}{left_out}",
        f"{worst.error:.1e}" if worst else "",
        str(comparison.index) if worst else "",
        f"{worst.analytic: .10g}" if worst else "",
        f"{worst.numeric: .10g}" if worst else "",
        f"{worst.step:.1e}" if worst else "",
    )


def _wrapped(sentence: str) -> str:
    return textwrap.fill(sentence, WIDTH, initial_indent="    ", subsequent_indent="        ", break_on_hyphens=False)
