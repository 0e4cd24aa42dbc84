"""Derivatives from differences, in float64.

The derivative of a function f at t = 0 is close to the central difference d(h) = (f(h) - f(-h)) / 2h, whose error is
a series in h^2, h^4, ... Two of them, at h and 2h, combine so that the h^2 drops out (Richardson's extrapolation):

    D(h) = (4 d(h) - d(2h)) / 3 = (8 f(h) - 8 f(-h) - f(2h) + f(-2h)) / 12h

This is the five-point formula of the tables (Abramowitz and Stegun 1964, section 25.3); its error is h^4 f'''''/30.
With steps around 1e-3 that is 1e-13 or so, and so is the rounding error, about 1e-16/h: ten correct digits and more.
The plain central difference, with the same step, has six or seven.

How small must h be? Small enough that no ReLU switches and no maximum changes place between -2h and 2h, which nobody
can know beforehand in the middle of a network. But the differences show it: where f is smooth, D(h) and D(h/2) agree to
many digits; with a kink in the first interval they differ by the order of the kink. So h is halved until two results in
a row agree (the idea of Ridders 1982, "Accurate computation of F'(x) and F'(x) F''(x)"). If that does not happen before
rounding takes over, a kink is too close: the element is left out and counted, and another takes its place. The analytic
gradient plays no part in these decisions. (Exactly on a kink the differences settle, on the mean of the slopes on both
sides. Inputs and parameters are chosen so that this does not happen.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .report import Comparison, Pair

FIRST_STEP = 2.0**-10  # powers of two: x + h is then mostly exact
HALVINGS = 14
DIRECTIONS = 5  # tried until one has no kink nearby
SETTLED = 0.1  # two results in a row agree if they differ by less than this fraction of the tolerance


@dataclass
class Objective:
    """The loss L = sum of weights * outputs(), as a function of arrays that are changed in place between calls.

    Differences are taken of the outputs first and summed then. An output that does not depend on the changed element
    contributes an exact zero, not the rounding error of a large sum.
    """

    outputs: Callable[[], np.ndarray]
    weights: np.ndarray


@dataclass
class Estimate:
    """A numerical derivative, the step h that it was computed with, and whether it had settled."""

    value: float
    step: float
    settled: bool


def derivative(
    along: Callable[[float], np.ndarray], weights: np.ndarray, first_step: float, precision: float, yardstick: float
) -> Estimate:
    """Return the derivative at t = 0 of sum(weights * along(t)).

    It has settled if two results in a row differ by less than ``precision``, relative to the value or the yardstick.
    """

    def central(h: float) -> float:
        return float(np.sum(weights * (along(h) - along(-h)))) / (2 * h)

    h = first_step
    wide, narrow = central(2 * h), central(h)
    value = (4 * narrow - wide) / 3
    for _ in range(HALVINGS):
        h /= 2
        wide, narrow = narrow, central(h)
        before, value = value, (4 * narrow - wide) / 3
        if abs(value - before) <= precision * max(abs(value), yardstick):
            return Estimate(value, h, settled=True)
    return Estimate(value, h, settled=False)


def compare(
    layer: str,
    arrays: dict[str, tuple[np.ndarray, np.ndarray | None]],
    objective: Objective,
    tolerance: float,
    samples: int,
    rng: np.random.Generator,
    unit: float = 0.0,
) -> list[Comparison]:
    """Compare gradients with numerical derivatives, along a random direction and element by element.

    The direction moves all elements at once: one number that any wrong element changes. The single elements tell which.

    Parameters
    ----------
    layer : str
        Name for the report.
    arrays : dict of str to (ndarray, ndarray)
        Name -> (the array that the outputs depend on, changed in place and restored; its gradient by ``backward``).
    objective : Objective
    tolerance, samples, rng
        As in ``check_layer``.
    unit : float
        Typical size (RMS) of a gradient in the whole check; by default, that of these arrays.
    """
    for name, (array, gradient) in arrays.items():
        if gradient is None or gradient.shape != array.shape:
            shape = None if gradient is None else gradient.shape
            raise ValueError(f"{layer}: the gradient {name} must have the shape {array.shape}, got {shape}")
    unit = unit or max((rms(gradient) for _, gradient in arrays.values() if gradient is not None), default=0.0)
    comparisons = []
    for name, (array, gradient) in arrays.items():
        assert gradient is not None
        # Rounding makes noise of a gradient that is exactly zero, as a bias has in front of a batch normalisation: the
        # yardstick for an element is never less than a thousandth of what is usual in this check.
        yardstick = max(rms(gradient), 1e-3 * unit)
        comparison = Comparison(layer, name, array.shape)
        comparison.projected = _along_a_direction(array, gradient, objective, tolerance, yardstick, rng)
        _element_by_element(comparison, array, gradient, objective, tolerance, yardstick, samples, rng)
        comparisons.append(comparison)
    return comparisons


def _along_a_direction(
    array: np.ndarray,
    gradient: np.ndarray,
    objective: Objective,
    tolerance: float,
    yardstick: float,
    rng: np.random.Generator,
) -> Pair:
    """Compare the derivative along a random direction v with gradient . v."""
    start = array.copy()
    for _ in range(DIRECTIONS):
        direction = rng.uniform(-1, 1, array.shape)
        length = float(np.linalg.norm(direction))

        def along(t: float, direction: np.ndarray = direction) -> np.ndarray:
            np.add(start, t * direction, out=array)
            return objective.outputs()

        usual = yardstick * length  # the size that gradient . v has on average
        estimate = derivative(along, objective.weights, _first_step(start), SETTLED * tolerance, usual)
        array[...] = start
        if estimate.settled:
            break
    return Pair(float(np.sum(gradient * direction)), estimate.value, usual, estimate.step, estimate.settled)


def _element_by_element(
    comparison: Comparison,
    array: np.ndarray,
    gradient: np.ndarray,
    objective: Objective,
    tolerance: float,
    yardstick: float,
    samples: int,
    rng: np.random.Generator,
) -> None:
    """Compare up to ``samples`` elements, chosen at random, and keep the worst in ``comparison``."""
    first_step = _first_step(array)
    for place in rng.permutation(array.size):
        if comparison.checked == samples or comparison.left_out > samples:
            break
        index = tuple(int(i) for i in np.unravel_index(place, array.shape))
        start = float(array[index])

        def along(t: float, index: tuple[int, ...] = index, start: float = start) -> np.ndarray:
            array[index] = start + t
            return objective.outputs()

        estimate = derivative(along, objective.weights, first_step, SETTLED * tolerance, yardstick)
        array[index] = start
        if estimate.settled:
            pair = Pair(float(gradient[index]), estimate.value, yardstick, estimate.step, True)
            comparison.add_element(index, pair)
        else:
            comparison.left_out += 1


def _first_step(array: np.ndarray) -> float:
    """Return the first step for numbers of this size: pixels from 0 to 255 need larger ones than weights."""
    return FIRST_STEP * max(1.0, 2.0 ** np.ceil(np.log2(max(rms(array), 1.0))))


def rms(array: np.ndarray) -> float:
    """Return the root of the mean square, the typical size of an element; NaN and infinity do not count."""
    finite = array[np.isfinite(array)]
    return float(np.sqrt(np.mean(np.square(finite)))) if finite.size else 0.0
