"""The outcome of a gradient check: a line, or a table with what is wrong and what could not be checked."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..checks.messages import html_table
from .comparison import Comparison

WIDTH = 100  # columns of a printed report, at most

LEGEND = """\
verdict   right: all that was compared is within the tolerance; WRONG: something is not;
          NOT CHECKED: too little could be compared, as where all inputs lie on a kink
error     the largest relative error of what was compared, where a is the derivative from backward
          and n that from differences: |a - n| / max(|a|, |n|, the typical size in this array)
compared  elements of dx and of the parameters whose derivative was computed from differences, too,
          in float64; with all others they are compared once more, along a random direction
left out  elements on a kink, such as that of ReLU at 0, where there is no derivative"""
TABLE_LEGEND = """\
direction    relative error along a random direction; "none" where nothing smooth could be moved
elements     how many of the array's were compared one by one, and how many of them lie on a kink
worst, at    the largest relative error among these, and the index of the element
backward     its derivative as backward says, beside that from differences, computed with this step
Along a direction more inputs are compared than in the table: the largest relative error, above it,
may be one of theirs. A table that would be wider than the page is printed without step and shape."""
LINE_HEAD = f"{'verdict':<11}  {'error':>7}  {'compared':>8}  {'left out':>8}  what was checked"


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
    remarks : dict of str
        What explains a number that looks strange, by layer and array: "conv2d bias".
    short_title : str
        For ``line``, where the title is long.

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
    remarks: dict[str, str] = field(default_factory=dict)
    short_title: str = ""

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
        worst = self._worst
        return worst.error if worst else 0.0

    @property
    def _worst(self) -> Comparison | None:
        """The comparison with the largest error; a NaN is larger than any number."""
        compared = [(comparison.error, comparison) for comparison in [*self.comparisons, *self.elsewhere]]
        return max(compared, key=lambda pair: (pair[0] != pair[0], pair[0]), default=(0.0, None))[1]

    def _largest(self) -> str:
        """Return the largest relative error, where it is, and what is allowed."""
        worst = self._worst
        place = f": {worst.place()}" if worst and worst.error > 0 else ""
        return f"tolerance {self.tolerance:.0e}, largest relative error {self.error:.1e}{place}"

    def raise_if_wrong(self) -> Report:
        """Return the report itself, or raise a GradientError that says what is wrong and shows the whole report."""
        if self.problems:
            raise GradientError("\n".join([*self.problems, "", str(self)]))
        return self

    def line(self) -> str:
        """Return the outcome in one line, its columns those of ``LINE_HEAD``, explained by ``LEGEND``.

        Examples
        --------
        >>> import scratchcnn as sc
        >>> print(sc.gradcheck.check_layer(sc.Flatten(), (2, 2, 1)).line()[:11])
        right
        """
        compared = sum(comparison.checked for comparison in self.comparisons)
        left_out = sum(comparison.left_out for comparison in self.comparisons)
        line = f"{self.verdict:<11}  {self.error:7.1e}  {compared:8}  {left_out:8}  {self.short_title or self.title}"
        return line if len(line) <= WIDTH else _without_the_middle(line)

    @property
    def notes(self) -> list[str]:
        """What is to be said of arrays that are right: where there is no derivative, and why one is zero."""
        kinks = [note for comparison in self.comparisons if (note := comparison.note())]
        names = {f"{comparison.layer} {comparison.name}" for comparison in self.comparisons}
        return [*kinks, *(f"{name}: {why}" for name, why in self.remarks.items() if name in names)]

    def _repr_html_(self) -> str:
        """Return the table that a notebook shows."""
        sentences = [
            f"{self.verdict} {self.title}",
            self._largest(),
            *self.notes,
            *self.problems,
        ]
        table = html_table(HEAD, [_row(comparison) for comparison in self.comparisons])
        return table + "".join(f"<div>{html.escape(sentence)}</div>" for sentence in sentences)

    def __str__(self) -> str:
        return "\n".join(
            [
                _wrapped(f"{self.verdict}  {self.title}", "", " " * 7),
                _wrapped(self._largest(), " " * 7, " " * 7),
                *(f"    {line}" for line in _table([HEAD, *(_row(comparison) for comparison in self.comparisons)])),
                *(_wrapped(note) for note in self.notes),
                *self.wrapped_problems(),
            ]
        )

    def wrapped_problems(self) -> list[str]:
        """Return what is wrong, and what could not be checked, in lines of at most ``WIDTH`` columns."""
        return [_wrapped(f"{'WRONG' if it in self.wrong else 'NOT CHECKED'} {it}") for it in self.problems]


# The columns that are left out first where a table is too wide stand last in SPARE.
HEAD = ("", "shape", "direction", "elements", "worst", "at", "backward", "differences", "step")
SPARE = ("shape", "step")


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
        f"{worst.analytic: .7g}" if worst else "",
        f"{worst.numeric: .7g}" if worst else "",
        f"{worst.step:.0e}" if worst else "",
    )


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """Return rows as lines that fit ``WIDTH`` when they are indented; columns that do not fit are left out."""
    spare = list(SPARE)
    while True:
        columns = [column for column, head in enumerate(HEAD) if head not in SPARE or head in spare]
        widths = [max(len(row[column]) for row in rows) for column in columns]
        if not spare or sum(widths) + 2 * len(widths) + 2 <= WIDTH:
            break
        spare.pop()
    too_wide = sum(widths) + 2 * len(widths) + 2 - WIDTH
    if too_wide > 0:
        widths[0] = max(8, widths[0] - too_wide)
    return [
        "  ".join(_cut(row[column], width).ljust(width) for column, width in zip(columns, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cut(text: str, width: int) -> str:
    """Return a text of at most ``width`` characters; where it is longer, the middle is left out."""
    return text if len(text) <= width else f"{text[: width // 2 - 2]}...{text[len(text) - (width - width // 2 - 1) :]}"


def _without_the_middle(line: str) -> str:
    """Return a line of ``WIDTH`` columns whose last words, the shape, are kept: they tell more than the settings."""
    end = line[line.rfind(" on ") :] if " on " in line[-WIDTH // 2 :] else line[-12:]
    return f"{line[: WIDTH - len(end) - 3]}...{end}"


def _wrapped(sentence: str, first: str = "    ", others: str = "        ") -> str:
    return textwrap.fill(sentence, WIDTH, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)
