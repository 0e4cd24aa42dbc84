"""Derivatives from differences: exact where there is one, refused where there is none.

The kind of fault: on a kink, central differences agree on the mean of two slopes, which is nobody's derivative; and
correct look-ups of integers are called rough, because they jump there.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from scratchcnn.gradcheck import separated
from scratchcnn.gradcheck.numerical import Line, derivative


def derivative_of(function, step=2.0**-10):
    line = Line(lambda t: np.array([function(t)]), np.ones(1), np.array([function(0.0)]))
    with np.errstate(all="ignore"):
        return derivative(line, step, 1e-7, scale=1.0)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (np.exp, 1),
        (lambda t: np.sin(3 * t), 3),
        (lambda t: 5 + 2 * t, 2),
        (lambda t: 1 / (1 + math.exp(-50 * (t + 0.01))), 50 * 0.6224593312 * (1 - 0.6224593312)),
        (lambda t: np.sqrt(np.float64(t + 1e-4)), 50),
        (lambda t: np.log1p(np.exp(1000 * t)) / 1000, 0.5),
        (lambda t: t * abs(t) + 3 * t, 3),
        (lambda t: (t + 0.5) * abs(t + 0.5), 1),
        (lambda t: np.maximum(t, 0.0) ** 2, 0),
        (lambda t: abs(t + 1.0) ** 1.5, 1.5),
    ],
)
def test_the_derivative_of_a_smooth_function_is_exact(function, expected):
    estimate = derivative_of(function)
    assert estimate.settled
    assert estimate.value == pytest.approx(expected, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("distance", [3e-4, 1e-5, 1e-6])
def test_the_step_shrinks_until_a_kink_is_outside(distance):
    estimate = derivative_of(lambda t: max(t + distance, 0.0))
    assert estimate.settled
    assert estimate.value == pytest.approx(1, rel=1e-8)
    assert estimate.step < distance


@pytest.mark.parametrize(
    "function",
    [
        lambda t: max(t, 0.0),
        abs,
        lambda t: max(t + 1e-9, 0.0),
        lambda t: max(t + 1e-12, 0.0),
        lambda t: math.exp(t) + 1e-3 * abs(t),
        lambda t: 5 * t + max(3 * t, -t) + min(2 * t, t),
        lambda t: max(math.sin(t), math.sin(t) - 0.2 * t),
    ],
)
def test_there_is_no_derivative_on_a_kink_or_too_close_to_one(function):
    assert derivative_of(function).verdict == "kink"


@pytest.mark.parametrize(
    "function",
    [
        lambda t: t + math.sin(1e9 * t + 1) / 100,
        lambda t: float(np.float32(np.exp(np.float32(t / 3 + 0.7)))),
        lambda t: np.random.default_rng(abs(hash(t))).normal(),
    ],
)
def test_there_is_no_derivative_where_the_differences_grow(function):
    assert derivative_of(function).verdict == "rough"


@pytest.mark.parametrize("function", [np.sign, np.floor, lambda t: 5 + float(t > 0), lambda t: float(t == 0)])
def test_a_step_has_the_slope_of_both_sides(function):
    estimate = derivative_of(function)
    assert estimate.settled and estimate.value == 0


@pytest.mark.parametrize(
    "function", [lambda t: t - np.floor(t), lambda t: np.where(t > 0, t + 1, 0), lambda t: np.exp(t) * np.sign(t)]
)
def test_there_is_no_derivative_and_no_slope_where_the_function_jumps(function):
    estimate = derivative_of(function)
    assert estimate.verdict == "kink" and math.isnan(estimate.jump)


def test_the_slopes_on_both_sides_of_a_kink_are_known():
    estimate = derivative_of(lambda t: 7 + max(3 * t, -2 * t))
    assert estimate.value - estimate.jump / 2 == pytest.approx(-2)
    assert estimate.value + estimate.jump / 2 == pytest.approx(3)


@pytest.mark.parametrize("shape", [(1,), (3, 3), (2, 5, 5, 4)])
@pytest.mark.parametrize("width", [2, 64])
def test_separated_inputs_keep_their_distance_from_each_other_and_from_zero(shape, width):
    x = separated(shape, np.random.default_rng(0), width)
    cell = 2 * width / (x.size + x.size % 2)
    assert x.shape == shape and np.abs(x).max() < width
    assert np.diff(np.sort(x.ravel())).min(initial=cell) >= 0.5 * cell
    assert np.abs(x).min() >= 0.25 * cell


def test_separated_inputs_lie_on_no_grid():
    gaps = np.diff(np.sort(separated((100,), np.random.default_rng(0))))
    assert len(np.unique(gaps.round(12))) == 99
