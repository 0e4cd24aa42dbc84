"""Kinks, wherever they are, neither spoil a gradient check nor excuse a wrong derivative.

The kind of fault: correct code that is called wrong, because an input happens to lie where there is no derivative. The
layers are in kinked_layers.py, each in a right version and in several wrong ones.
"""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import GradientError, check_layer, check_loss, check_model
from support.kinked_layers import LAYERS, Hinge, Leaky, MaxOut
from support.small_networks import some_digits


@pytest.fixture(autouse=True)
def reference():
    with sc.ops.using("reference"):
        yield


def require_no_false_alarm_and_no_miss(check, kind, seeds):
    wrong = [seed for seed in seeds if not check(kind(), seed).passed]
    assert not wrong, f"{kind.__name__} is right, but not with the seeds {wrong}"
    for flaw in kind.flaws:
        missed = [seed for seed in seeds[::5] if check(kind(flaw), seed).passed]
        assert not missed, f"{kind.__name__}({flaw!r}) is wrong, but passes with the seeds {missed}"


@pytest.mark.parametrize(
    ("kind", "shape", "seeds"),
    [
        *((*case, range(1)) for case in LAYERS),
        *(pytest.param(*case, range(100), marks=pytest.mark.slow) for case in LAYERS),
    ],
)
def test_a_layer_with_kinks_is_right_and_wrong_versions_are_caught(kind, shape, seeds):
    require_no_false_alarm_and_no_miss(lambda layer, seed: check_layer(layer, shape, seed=seed), kind, seeds)


@pytest.mark.parametrize(
    ("shape", "margin", "seeds"),
    [
        *(((4, 10), 1.0, range(1)), ((6, 3), 3**0.5, range(1))),
        *(pytest.param((4, 10), margin, range(100), marks=pytest.mark.slow) for margin in (1.0, 0.5, 3**0.5)),
        pytest.param((6, 3), 1.0, range(100), marks=pytest.mark.slow),
    ],
)
def test_a_hinge_loss_is_right_and_wrong_versions_are_caught(shape, margin, seeds):
    class Margin(Hinge):
        def __init__(self, flaw=None):
            super().__init__(flaw, margin)

    require_no_false_alarm_and_no_miss(lambda loss, seed: check_loss(loss, shape, seed=seed), Margin, seeds)


def test_a_hinge_loss_of_binary_targets_is_right():
    class Binary:
        def forward(self, scores, signs):
            self._signs, self._inside = signs, signs * scores < 1
            return np.maximum(1 - signs * scores, 0).mean()

        def backward(self):
            return -self._signs * self._inside / self._signs.size

    signs = np.where(np.arange(6) % 3, 1.0, -1.0)[:, None]
    for seed in range(5):
        check_loss(Binary(), (6, 1), labels=signs, seed=seed).raise_if_wrong()


# ---- inputs on a kink


def digits(count):
    images, labels = some_digits(count)
    return images, labels.astype(np.int64)


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (sc.ReLU(), digits(4)[0]),
        (sc.LeakyReLU(), digits(4)[0] / 255),
        (sc.MaxPool2D(2), digits(4)[0][..., None]),
        (MaxOut(), digits(4)[0].reshape(4, -1)[:, :783]),
        (sc.ReLU(), np.array([[-3, 0, 2, 0, 1]])),
    ],
)
def test_inputs_on_a_kink_have_no_derivative_and_the_others_are_checked(layer, x):
    report = check_layer(layer, x=x).raise_if_wrong()
    (comparison,) = report.comparisons
    assert comparison.kinks > 0 and comparison.rough == 0
    assert comparison.checked == min(50, comparison.checked + comparison.kinks, np.count_nonzero(x))
    assert str(report).startswith("right") and "WRONG" not in str(report)
    assert f"no derivative here: {comparison.kinks} of the" in str(report) and "on the left" in str(report)


@pytest.mark.parametrize("flaw", Leaky.flaws)
def test_a_wrong_layer_is_wrong_on_inputs_of_which_most_lie_on_a_kink(flaw):
    x = np.array([[0, 0, 0, 0, 0, 1, 0, 0, 2, 0, -1, 0, 0, 0]])
    assert check_layer(Leaky(flaw), x=x).wrong


@pytest.mark.parametrize("fuse", [True, False])
def test_a_network_of_digits_is_right(fuse):
    x, labels = digits(2)
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(4, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Flatten(), sc.Dense(10)]
    model = sc.Sequential(layers, (12, 12, 1), fuse=fuse)
    report = check_model(model, x[:, :12, 3:15], labels, samples=5).raise_if_wrong()
    into_images = report.comparisons[0]
    assert into_images.kinks > 0 and "no derivative here" in str(report)
    assert all(comparison.checked >= min(5, np.prod(comparison.shape)) for comparison in report.comparisons)
    assert not any(comparison.kinks for comparison in report.comparisons[1:])


@pytest.mark.parametrize("x", [np.zeros((2, 5)), np.zeros((1, 300))])
def test_where_everything_lies_on_a_kink_the_verdict_is_not_right(x):
    report = check_layer(sc.ReLU(), x=x)
    assert not report.passed and report.verdict == "NOT CHECKED"
    assert "dx: nothing could be checked" in str(report) and "WRONG" not in str(report)
    with pytest.raises(GradientError, match="nothing could be checked"):
        report.raise_if_wrong()


def test_where_hardly_anything_can_be_checked_the_verdict_is_not_right():
    x = np.zeros((2, 400))
    x[0, :3] = 1, 2, 3
    (problem,) = check_layer(sc.ReLU(), x=x).problems
    assert "could be checked" in problem


def test_a_direction_leaves_elements_on_a_kink_alone():
    x = np.array([[0.0, 1, 2, 0, -1]])
    (comparison,) = check_layer(sc.ReLU(), x=x).raise_if_wrong().comparisons
    assert comparison.projected.settled and comparison.projected.error < 1e-10


def test_elements_beside_a_kink_are_left_out_and_counted():
    x = np.array([[1.0, 1e-9, -1.0, 0.5]])
    (comparison,) = check_layer(sc.ReLU(), (4,), x=x).raise_if_wrong().comparisons
    assert (comparison.checked, comparison.kinks, comparison.left_out) == (3, 1, 1)


def test_the_gradient_by_backward_has_no_say_in_what_is_a_kink():
    class Enormous(sc.ReLU):
        def backward(self, dy):
            dx = super().backward(dy)
            dx.flat[0] = 1e300
            return dx * 1.001

    (comparison,) = check_layer(Enormous(), x=np.array([[0.0, 1, 2, 3]])).comparisons
    assert comparison.kinks == 1 and comparison.index in [(0, 1), (0, 2), (0, 3)]
    assert comparison.error == pytest.approx(1e-3, rel=0.01)


def test_a_function_that_is_not_smooth_is_reported():
    class Rough(sc.ReLU):
        def forward(self, x, training=False):
            return super().forward(x + np.sin(1e9 * x) / 100, training)

    assert "do not settle" in check_layer(Rough(), (6,)).problems[0]
