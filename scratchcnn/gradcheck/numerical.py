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
a row agree (the idea of Ridders 1982, "Accurate computation of F'(x) and F'(x) F''(x)").

Exactly on a kink the central differences agree as well: on the mean of the slopes on both sides, which is nobody's
derivative. There the slopes themselves do not come together. Their difference, with the bend of f taken out of it,

    b(h) = (f(h) - f(0)) / h - (f(0) - f(-h)) / h = jump + h f'' + ...          jump = 2 b(h) - b(2h) + O(h^3)

goes to 0 where f has a derivative, and to the jump of the slope where it has none. So a point is accepted when D has
settled and the jump is gone. If that does not happen before rounding takes over, the verdict is "kink" where the jump
keeps its size, however small the step: there is no derivative here, or one that no step can reach. It is "rough" where
the jump grows as the step shrinks: noise, or single precision.

Where f itself jumps, the numbers double exactly with each halving, and the verdict is "kink" as well. But a step,
constant on both sides, has the slope 0 on both, and that is its derivative here: a table that is read at integers is
full of steps.

Where the second derivative jumps (x |x| at 0, the ends of a Huber loss), D(h) has an error of first order in h, which
2 D(h/2) - D(h) has not: that it settles is as good.

Only values of f play a part in these decisions, never the gradient that is being checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FIRST_STEP = 2.0**-10  # powers of two: x + h is then mostly exact
HALVINGS = 14
SETTLED = 0.1  # two results in a row agree if they differ by less than this fraction of the tolerance
SMALLEST_JUMP = 0.5  # a smaller jump, as a fraction of the tolerance, is none: half of it is the error that it can make
STEADY = 1e-6  # three jumps in a row, as equal as this, will not change any more
BOUNDED = 16.0  # noise lets the jump grow by a factor of 2 or so with each halving, a kink does not
DOUBLED = 1e-3  # where f jumps, it doubles, but for this fraction, which the slope of f accounts for


@dataclass
class Objective:
    """The loss L = sum of weights * outputs(), as a function of arrays that are changed in place between calls.

    Differences are taken of the outputs first and summed then. An output that does not depend on the changed element
    contributes an exact zero, not the rounding error of a large sum.
    """

    outputs: Callable[[], np.ndarray]
    weights: np.ndarray


class Line:
    """The loss along a line: its slope and bend across t = 0, for any step.

    Parameters
    ----------
    along : callable
        t -> the outputs at the place t of the line.
    weights : ndarray
        Of the outputs in the loss.
    middle : ndarray
        The outputs at t = 0.
    """

    def __init__(self, along: Callable[[float], np.ndarray], weights: np.ndarray, middle: np.ndarray) -> None:
        self.along, self.weights, self.middle = along, weights, middle
        self._known: dict[float, tuple[float, float]] = {}

    def at(self, h: float) -> tuple[float, float]:
        """Return the slope between -h and h, and by how much the slope on the right exceeds that on the left."""
        if h not in self._known:
            after, before = self.along(h), self.along(-h)
            slope = np.vdot(self.weights, after - before) / (2 * h)
            bend = np.vdot(self.weights, (after - self.middle) + (before - self.middle)) / h
            self._known[h] = float(slope), float(bend)
        return self._known[h]

    def size(self, h: float) -> float:
        """Return about how large the slope is, whether or not there is a kink or a jump."""
        wide, narrow = self.at(2 * h)[0], self.at(h)[0]
        return min(abs(wide), abs(narrow), abs(2 * wide - narrow))


@dataclass
class Estimate:
    """A numerical derivative, the step h that it was computed with, and whether there is one.

    Attributes
    ----------
    value, step : float
    verdict : {"settled", "kink", "rough"}
    jump : float
        Of the slope: that on the right minus that on the left. NaN where the function itself jumps.
    """

    value: float
    step: float
    verdict: str
    jump: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether this is a derivative."""
        return self.verdict == "settled"


def derivative(line: Line, first_step: float, tolerance: float, scale: float) -> Estimate:
    """Return the derivative of the loss along a line, at t = 0.

    Parameters
    ----------
    line : Line
    first_step : float
    tolerance : float
        How exact the value must be, relative to itself or to the scale: a small fraction of this.
    scale : float
        The size that such derivatives have.
    """
    h = first_step
    (wide, bend_wide), (narrow, bend) = line.at(2 * h), line.at(h)
    if (wide or bend_wide) and (2 * wide, 2 * bend_wide) == (narrow, bend):  # f(h) = f(2h) and f(-h) = f(-2h): a step
        return Estimate(0.0, h, "settled")
    value = (4 * narrow - wide) / 3
    jumps, linear = [2 * bend - bend_wide], np.nan
    settled = None
    for _ in range(HALVINGS):
        h /= 2
        (wide, bend_wide), (narrow, bend) = (narrow, bend), line.at(h)
        before, value = value, (4 * narrow - wide) / 3
        jumps.append(2 * bend - bend_wide)
        allowed = tolerance * max(abs(value), scale)
        linear_before, linear = linear, 2 * value - before
        if abs(value - before) <= SETTLED * allowed:
            settled = value, h
        elif abs(linear - linear_before) <= SETTLED * allowed:
            settled = linear, h
        if abs(jumps[-1]) <= SMALLEST_JUMP * allowed:
            if settled is not None:
                return Estimate(*settled, "settled")
        elif len(jumps) > 2 and np.ptp(jumps[-3:]) <= STEADY * abs(jumps[-1]):
            is_jump = 0 < abs(value - 2 * before) <= DOUBLED * abs(value)
            return Estimate(value, h, "kink", np.nan if is_jump else jumps[-1])
    sizes = np.abs(jumps)
    if np.allclose(sizes[-3:], 2 * sizes[-4:-1], rtol=DOUBLED, atol=0):
        return Estimate(value, h, "kink", np.nan)
    is_kink = bool(sizes[-3:].max() <= BOUNDED * sizes[:3].max())  # False where any of them is NaN
    return Estimate(value, h, "kink" if is_kink else "rough", jumps[-1])


def first_step(array: np.ndarray) -> float:
    """Return the first step for numbers of this size: pixels from 0 to 255 need larger ones than weights."""
    return float(FIRST_STEP * max(1.0, 2.0 ** np.ceil(np.log2(max(rms(array), 1.0)))))


def rms(array: np.ndarray) -> float:
    """Return the root of the mean square, the typical size of an element; NaN and infinity do not count."""
    finite = array[np.isfinite(array)]
    largest = float(np.max(np.abs(finite), initial=0.0))  # divided by first: the square of 1e200 is no number
    return largest * float(np.sqrt(np.mean(np.square(finite / largest)))) if largest else 0.0
