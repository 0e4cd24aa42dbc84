"""What a gradient check found: how errors are measured, and how they are shown.

The error of a value a from ``backward``, against the value n from differences, is relative:

    error = |a - n| / max(|a|, |n|, yardstick)

The yardstick is the typical size of the array's derivatives. Without it, the error of an element that happens to be a
millionth of the others would be the rounding error of those others, a million times too large.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field

WIDTH = 120  # of a printed report
INPUTS = {"dx": "x", "dlogits": "logits"}  # what a gradient belongs to, where that is not a parameter of its name
ENOUGH = 10  # where less than one in so many of the wanted elements could be checked, the verdict is not "right"


class GradientError(AssertionError):
    """A derivative is wrong; the message names layer, parameter, index and both values."""


@dataclass
class Pair:
    """The same derivative from ``backward`` and from differences."""

    analytic: float
    numeric: float
    yardstick: float
    step: float
    settled: bool = True

    @property
    def error(self) -> float:
        """The relative error; NaN where one of the values is."""
        difference = abs(self.analytic - self.numeric)
        return difference / max(abs(self.analytic), abs(self.numeric), self.yardstick) if difference else 0.0


@dataclass
class Kink:
    """An element without a derivative: its index, its value, and the slopes on both sides, NaN where it jumps."""

    index: tuple[int, ...]
    value: float
    left: float
    right: float


@dataclass
class Comparison:
    """All that was compared for one array of one layer.

    Attributes
    ----------
    layer, name : str
        Of the layer, and of its array: "dx", or a parameter.
    shape : tuple of int
    wanted : int
        How many elements were to be compared.
    where : str
        Says which inputs these were, where they are not the ones of the table.
    projected : Pair or None
        Derivative along a random direction; None if there was nothing smooth to move.
    checked : int
        Elements compared.
    kinks, rough : int
        Elements on a kink or too close to one, and elements whose differences grow as the step shrinks.
    kink : Kink or None
        An example.
    index, value, worst : tuple of int, float, Pair
        The element with the largest error.
    """

    layer: str
    name: str
    shape: tuple[int, ...]
    wanted: int = 0
    where: str = ""
    projected: Pair | None = None
    checked: int = 0
    kinks: int = 0
    rough: int = 0
    kink: Kink | None = None
    index: tuple[int, ...] = ()
    value: float = 0.0
    worst: Pair | None = None

    def add_element(self, index: tuple[int, ...], value: float, pair: Pair) -> None:
        """Count an element, and remember it if it is the worst so far."""
        self.checked += 1
        if self.worst is None or not pair.error <= self.worst.error:
            self.index, self.value, self.worst = index, value, pair

    def add_kink(self, kink: Kink) -> None:
        """Count an element without a derivative, and remember the first."""
        self.kinks += 1
        self.kink = self.kink or kink

    @property
    def left_out(self) -> int:
        """Elements that were tried and have no derivative."""
        return self.kinks + self.rough

    @property
    def error(self) -> float:
        """The largest relative error, in the random direction or of an element."""
        errors = [pair.error for pair in (self.projected, self.worst) if pair is not None and pair.settled]
        return max(errors, key=lambda error: (error != error, error), default=0.0)  # a NaN is larger than any number

    def is_right(self, tolerance: float) -> bool:
        """Return whether all that was compared is within the tolerance."""
        return self.error <= tolerance

    def problems(self, tolerance: float) -> list[str]:
        """Return what is wrong, a sentence each; an empty list if nothing is."""
        found = []
        if self.worst is not None and not self.worst.error <= tolerance:
            at = f"at {_value(self.name, self.index, self.value)}{self.where}"
            found.append(f"{self.layer}: {_element(self.name, self.index)}: {_values(self.worst, tolerance)}, {at}")
        elif self.projected is not None and self.projected.settled and not self.projected.error <= tolerance:
            found.append(
                f"{self.layer}: {self.name}{self.where} along a random direction: {_values(self.projected, tolerance)};"
                f" the {self.checked} elements checked are right, so it is another one (raise samples to find it)"
            )
        if self.rough > max(1, self.checked // 10):
            found.append(
                f"{self.layer}: {self.name}: {self.rough} of {self.left_out + self.checked} elements have no numerical "
                "derivative: the differences do not settle as the step shrinks (does forward jump, add noise, or round "
                "to float32 on the way?)"
            )
        return found

    def unchecked(self) -> str | None:
        """Return a sentence if too little could be compared to call the array right, else None."""
        if self.checked >= max(1, self.wanted // ENOUGH) or self.wanted == 0 or self.rough > self.kinks:
            return None
        amount = "hardly anything" if self.checked else "nothing"
        return (
            f"{self.layer}: {self.name}: {amount} could be checked: {self.kinks} of {self.left_out + self.checked} "
            "elements tried lie on a kink or a jump, where there is no derivative; pass another x"
        )

    def note(self) -> str | None:
        """Return a sentence about the elements without a derivative, None if there are none."""
        if self.kink is None:
            return None
        jumps = self.kink.left != self.kink.left
        slopes = f"slope {self.kink.left:.6g} on the left, {self.kink.right:.6g} on the right"
        return (
            f"no derivative here: {self.kinks} of the {self.left_out + self.checked} elements of {self.layer} "
            f"{self.name} that were tried lie on a kink or a jump and are left out, such as "
            f"{_value(self.name, self.kink.index, self.kink.value)}: " + ("the output jumps" if jumps else slopes)
        )


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

    def __str__(self) -> str:
        head = ("", "shape", "direction", "elements", "worst", "at", "backward", "differences", "step")
        rows = [head, *(_row(comparison) for comparison in self.comparisons)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
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


def _row(comparison: Comparison) -> tuple[str, ...]:
    """Return one line of the table."""
    projected, worst = comparison.projected, comparison.worst
    size = 1
    for extent in comparison.shape:
        size *= extent
    left_out = f", {comparison.left_out} left out" if comparison.left_out else ""
    return (
        f"{comparison.layer} {comparison.name}",
        str(comparison.shape),
        f"{projected.error:.1e}" if projected is not None and projected.settled else "none",
        f"{comparison.checked} of {size}{left_out}",
        f"{worst.error:.1e}" if worst else "",
        str(comparison.index) if worst else "",
        f"{worst.analytic: .10g}" if worst else "",
        f"{worst.numeric: .10g}" if worst else "",
        f"{worst.step:.1e}" if worst else "",
    )


def _element(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _value(name: str, index: tuple[int, ...], value: float) -> str:
    return f"{_element(INPUTS.get(name, name), index)} = {value:.6g}"


def _wrapped(sentence: str) -> str:
    return textwrap.fill(sentence, WIDTH, initial_indent="    ", subsequent_indent="        ", break_on_hyphens=False)


def _values(pair: Pair, tolerance: float) -> str:
    return (
        f"backward gives {pair.analytic:.10g}, differences give {pair.numeric:.10g} with a step of {pair.step:.1e}, "
        f"a relative error of {pair.error:.1e} where {tolerance:.0e} is allowed"
    )
