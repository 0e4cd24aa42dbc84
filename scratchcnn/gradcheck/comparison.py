"""What was compared of one array: how large an error is, and how it is told.

The error of a value a from ``backward``, against the value n from differences, is relative:

    error = |a - n| / max(|a|, |n|, yardstick)

The yardstick is the typical size of the array's derivatives. Without it, the error of an element that happens to be a
millionth of the others would be the rounding error of those others, a million times too large.
"""

from __future__ import annotations

from dataclasses import dataclass

INPUTS = {"dx": "x", "dlogits": "logits"}  # what a gradient belongs to, where that is not a parameter of its name
ENOUGH = 10  # where less than one in so many of the wanted elements could be checked, the verdict is not "right"


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

    def place(self) -> str:
        """Return where the largest relative error is."""
        is_of_element = self.worst is not None and self.worst.settled and self.worst.error == self.error
        return f"{self.layer} {self.name}{', one element' if is_of_element else ' along a direction'}{self.where}"

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


def _element(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _value(name: str, index: tuple[int, ...], value: float) -> str:
    return f"{_element(INPUTS.get(name, name), index)} = {value:.6g}"


def _values(pair: Pair, tolerance: float) -> str:
    return (
        f"backward gives {pair.analytic:.10g}, differences give {pair.numeric:.10g} with a step of {pair.step:.1e}, "
        f"a relative error of {pair.error:.1e} where {tolerance:.0e} is allowed"
    )
