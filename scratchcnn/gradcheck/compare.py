"""Gradients by ``backward`` against derivatives by differences: element by element, and along random directions.

A direction moves all elements at once: one number that any wrong element changes. The single elements tell which.
Elements on a kink have no derivative. They are counted and left out, and others take their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .comparison import Comparison, Kink, Pair
from .numerical import Estimate, Line, Objective, derivative, first_step, rms

TRIES = 10  # elements tried for each that is wanted
DIRECTIONS = 5  # tried until one has no kink nearby; each on a quarter of the elements of the one before


@dataclass
class Probe:
    """An array that the outputs depend on, changed in place and restored, and its gradient by ``backward``.

    Attributes
    ----------
    layer, name : str
        For the report.
    array, gradient : ndarray
    objective : Objective
    tolerance : float
        Largest relative error.
    scale : float
        Typical size of an element's derivative, by differences; errors are relative to no less.
    """

    layer: str
    name: str
    array: np.ndarray
    gradient: np.ndarray
    objective: Objective
    tolerance: float
    scale: float = 0.0
    middle: np.ndarray = field(init=False)  # the outputs at the point that is checked
    step: float = field(init=False)

    def __post_init__(self) -> None:
        if self.gradient is None or self.gradient.shape != self.array.shape:
            shape = None if self.gradient is None else self.gradient.shape
            raise ValueError(
                f"{self.layer}: the gradient {self.name} must have the shape {self.array.shape}, got {shape}"
                + ("; return dx or, where integers are looked up, pass x=... with integers" if shape is None else "")
            )
        self.middle, self.step = self.objective.outputs(), first_step(self.array)

    def index(self, place: int) -> tuple[int, ...]:
        """Return the index of the element at a place of the flat array."""
        return tuple(int(i) for i in np.unravel_index(place, self.array.shape))

    def element(self, place: int) -> Line:
        """Return the line on which one element moves."""
        index = self.index(place)
        start = self.array[index]

        def along(t: float) -> np.ndarray:
            self.array[index] = start + t
            try:
                return self.objective.outputs()
            finally:
                self.array[index] = start

        return Line(along, self.objective.weights, self.middle)

    def direction(self, v: np.ndarray) -> Line:
        """Return the line along which all elements move, each at its own speed."""
        start = self.array.copy()

        def along(t: float) -> np.ndarray:
            np.add(start, t * v, out=self.array)
            try:
                return self.objective.outputs()
            finally:
                self.array[...] = start

        return Line(along, self.objective.weights, self.middle)

    def estimate(self, line: Line, scale: float) -> Estimate:
        """Return the derivative along a line."""
        return derivative(line, self.step, self.tolerance, scale)

    def pair(self, estimate: Estimate, analytic: float, scale: float) -> Pair:
        """Put the derivative by ``backward`` beside the one by differences."""
        return Pair(analytic, estimate.value, scale, estimate.step, estimate.settled)

    def rounding(self) -> float:
        """Return the size of a derivative of which rounding leaves one digit more than the tolerance asks for."""
        noise = np.finfo(np.float64).eps * float(np.linalg.norm(self.objective.weights * self.middle)) / self.step
        return 10 * noise / self.tolerance


def compare(probes: Sequence[Probe], samples: int, rng: np.random.Generator) -> list[Comparison]:
    """Compare up to ``samples`` elements of each array, chosen at random, and a random direction.

    Sets the ``scale`` of each: the root mean square of the derivatives of its elements, but never less than a
    thousandth of the largest array's. Rounding makes noise of a gradient that is exactly zero, as a bias has in front
    of a batch normalisation.
    """
    chosen = []
    with np.errstate(all="ignore"):  # a step may leave the domain of a function, or meet a pole; the next is smaller
        for probe in probes:
            places = rng.permutation(probe.array.size)
            lines = [probe.element(place) for place in places[:samples]]
            probe.scale = rms(np.array([line.size(probe.step) for line in lines]))
            chosen.append((places, lines))
        unit = max((probe.scale for probe in probes), default=0.0)
        for probe in probes:
            probe.scale = max(probe.scale, 1e-3 * unit, probe.rounding())
        return [
            _compare(probe, places, lines, samples, rng) for probe, (places, lines) in zip(probes, chosen, strict=True)
        ]


def _compare(probe: Probe, places: np.ndarray, lines: list[Line], samples: int, rng: np.random.Generator) -> Comparison:
    comparison = Comparison(probe.layer, probe.name, probe.array.shape, min(samples, probe.array.size))
    smooth = np.ones(probe.array.size, bool)
    for tried, place in enumerate(places[: TRIES * samples]):
        if comparison.checked == samples or comparison.rough > samples:
            break
        estimate = probe.estimate(lines[tried] if tried < len(lines) else probe.element(place), probe.scale)
        smooth[place] = estimate.settled
        _note(comparison, probe, place, estimate)
    comparison.projected = along_a_direction(comparison, probe, np.flatnonzero(smooth), rng)
    return comparison


def along_a_direction(
    comparison: Comparison, probe: Probe, places: np.ndarray, rng: np.random.Generator
) -> Pair | None:
    """Compare the derivative along a random direction of the elements at ``places``, or of some of them.

    Where it is wrong, and no element was found that is, halving the direction leads to one.
    """
    with np.errstate(all="ignore"):
        for _ in range(DIRECTIONS):
            if places.size == 0:
                return None
            v = rng.uniform(-1, 1, probe.array.size)
            pair = _along(probe, v, places)
            if pair.settled:
                if not pair.error <= probe.tolerance and comparison.is_right(probe.tolerance):
                    _locate(comparison, probe, v, places)
                return pair
            places = rng.permutation(places)[: places.size // 4]
    return pair


def _along(probe: Probe, v: np.ndarray, places: np.ndarray) -> Pair:
    direction = np.zeros(probe.array.size)
    direction[places] = v[places]
    usual = probe.scale * float(np.linalg.norm(direction))  # the size that gradient . v has on average
    analytic = float(np.sum(probe.gradient.ravel()[places] * v[places]))
    estimate = probe.estimate(probe.direction(direction.reshape(probe.array.shape)), usual)
    return probe.pair(estimate, analytic, usual)


def _locate(comparison: Comparison, probe: Probe, v: np.ndarray, places: np.ndarray) -> None:
    """Find an element that makes the direction v wrong."""
    while places.size > 1:
        half = places[: places.size // 2]
        pair = _along(probe, v, half)
        places = half if pair.settled and not pair.error <= probe.tolerance else places[half.size :]
    _note(comparison, probe, places[0], probe.estimate(probe.element(places[0]), probe.scale))


def _note(comparison: Comparison, probe: Probe, place: int, estimate: Estimate) -> None:
    """Add what was found of one element to the comparison."""
    index = probe.index(place)
    value = float(probe.array[index])
    if estimate.settled:
        comparison.add_element(index, value, probe.pair(estimate, float(probe.gradient[index]), probe.scale))
    elif estimate.verdict == "kink":
        comparison.add_kink(Kink(index, value, estimate.value - estimate.jump / 2, estimate.value + estimate.jump / 2))
    else:
        comparison.rough += 1


def single_precision(probes: Sequence[Probe]) -> str | None:
    """Return a sentence if the outputs, or one of the arrays on its way to them, are rounded to float32."""
    advice = "a check needs float64 from end to end: write self.dtype or x.dtype where np.float32 is fixed"
    for probe in probes:
        outputs, kept = probe.middle, probe.array.copy()
        rounded = kept.astype(np.float32)
        if np.array_equal(outputs, outputs.astype(np.float32)) and not np.array_equal(outputs, outputs.round(3)):
            return f"{probe.layer}: all outputs are float32 numbers; {advice}"
        probe.array[...] = rounded
        same = np.array_equal(probe.objective.outputs(), outputs)
        probe.array[...] = 1.001 * kept
        moves = not np.array_equal(probe.objective.outputs(), outputs)
        probe.array[...] = kept
        if same and moves and not np.array_equal(kept, rounded):
            return f"{probe.layer}: {probe.name.removeprefix('d')} is rounded to float32 before it is used; {advice}"
    return None
