"""What a gradient check found: how errors are measured, and how they are shown.

The error of a value a from ``backward``, against the value n from differences, is relative:

    error = |a - n| / max(|a|, |n|, yardstick)

The yardstick is the root mean square of the array's gradient. Without it, the error of an element that happens to be a
millionth of the others would be the rounding error of those others, a million times too large.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


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
class Comparison:
    """All that was compared for one array of one layer.

    Attributes
    ----------
    layer, name : str
        Of the layer, and of its array: "dx", or a parameter.
    shape : tuple of int
    projected : Pair
        Derivative along a random direction.
    checked, left_out : int
        Elements compared, and elements too close to a kink to have a derivative.
    index, worst : tuple of int, Pair
        The element with the largest error.
    """

    layer: str
    name: str
    shape: tuple[int, ...]
    projected: Pair | None = None
    checked: int = 0
    left_out: int = 0
    index: tuple[int, ...] | None = None
    worst: Pair | None = None

    def add_element(self, index: tuple[int, ...], pair: Pair) -> None:
        """Count an element, and remember it if it is the worst so far."""
        self.checked += 1
        if self.worst is None or not pair.error <= self.worst.error:
            self.index, self.worst = index, pair

    @property
    def error(self) -> float:
        """The largest relative error, in the random direction or of an element."""
        errors = [pair.error for pair in (self.projected, self.worst) if pair is not None and pair.settled]
        return max(errors, key=lambda error: (error != error, error), default=0.0)  # a NaN is larger than any number

    def problems(self, tolerance: float) -> list[str]:
        """Return what is wrong, a sentence each; an empty list if nothing is."""
        found = []
        if self.worst is not None and not self.worst.error <= tolerance:
            where = f"{self.name}[{', '.join(map(str, self.index or ()))}]"
            found.append(f"{self.layer}: {where}: {_values(self.worst, tolerance)}")
        elif self.projected is not None and self.projected.settled and not self.projected.error <= tolerance:
            found.append(
                f"{self.layer}: {self.name} along a random direction: {_values(self.projected, tolerance)}; "
                f"the {self.checked} elements checked are right, so it is another one (raise samples to find it)"
            )
        if self.left_out > max(1, self.checked // 10):
            found.append(
                f"{self.layer}: {self.name}: {self.left_out} of {self.left_out + self.checked} elements have no "
                "numerical derivative: the differences do not settle as the step shrinks (is forward smooth?)"
            )
        return found


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
    """

    title: str
    tolerance: float
    comparisons: list[Comparison] = field(default_factory=list)

    def add(self, comparisons: Iterable[Comparison]) -> None:
        """Append comparisons."""
        self.comparisons.extend(comparisons)

    @property
    def problems(self) -> list[str]:
        """What is wrong, a sentence for each array that is."""
        return [problem for comparison in self.comparisons for problem in comparison.problems(self.tolerance)]

    @property
    def passed(self) -> bool:
        """Whether everything is within the tolerance."""
        return not self.problems

    @property
    def error(self) -> float:
        """The largest relative error of all."""
        return max((comparison.error for comparison in self.comparisons), key=lambda error: (error != error, error))

    def raise_if_wrong(self) -> Report:
        """Return the report itself, or raise a GradientError that says what is wrong and shows the whole report."""
        if self.problems:
            raise GradientError("\n".join([*self.problems, "", str(self)]))
        return self

    def __str__(self) -> str:
        verdict = "right" if self.passed else "WRONG"
        head = ("", "shape", "direction", "elements", "worst", "at", "backward", "differences", "step")
        rows = [head, *(_row(comparison) for comparison in self.comparisons)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(
            [
                f"{verdict}  {self.title}",
                f"       largest relative error {self.error:.1e}, tolerance {self.tolerance:.0e}",
                *(f"    {line}" for line in lines),
                *(f"    WRONG {problem}" for problem in self.problems),
            ]
        )


def _row(comparison: Comparison) -> tuple[str, ...]:
    """Return one line of the table."""
    projected, worst = comparison.projected, comparison.worst
    size = 1
    for extent in comparison.shape:
        size *= extent
    return (
        f"{comparison.layer} {comparison.name}",
        str(comparison.shape),
        f"{projected.error:.1e}" if projected is not None and projected.settled else "unsettled",
        f"{comparison.checked} of {size}" + (f", {comparison.left_out} left out" if comparison.left_out else ""),
        f"{worst.error:.1e}" if worst else "",
        str(comparison.index) if worst else "",
        f"{worst.analytic: .10g}" if worst else "",
        f"{worst.numeric: .10g}" if worst else "",
        f"{worst.step:.1e}" if worst else "",
    )


def _values(pair: Pair, tolerance: float) -> str:
    return (
        f"backward gives {pair.analytic:.10g}, differences give {pair.numeric:.10g} with a step of {pair.step:.1e}, "
        f"a relative error of {pair.error:.1e} where {tolerance:.0e} is allowed"
    )
