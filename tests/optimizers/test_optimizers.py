"""Optimizers: the formulas by hand, on two or three parameters, on every backend."""

import math

import numpy as np
import pytest

from scratchcnn import ops
from scratchcnn.optimizers import SGD, Adam, AdamW
from scratchcnn.schedules import StepDecay

pytestmark = pytest.mark.usefixtures("backend")


def updated(optimizer, parameters, *gradients):
    """Return the parameters after one update for each of the gradients."""
    w = np.array(parameters, np.float64)
    for gradient in gradients:
        optimizer.step(w, np.array(gradient, np.float64))
    return w


def test_sgd_goes_against_the_gradient():
    # w - a g = (1 - 0.1 * 2, -1 - 0.1 * (-4))
    assert updated(SGD(0.1), [1, -1], [2, -4]) == pytest.approx([0.8, -0.6])


def test_momentum_adds_up_the_steps():
    # v1 = -0.1 * 1 = -0.1              w1 = 0 - 0.1
    # v2 = 0.9 * -0.1 - 0.1 * 1 = -0.19  w2 = -0.1 - 0.19
    assert updated(SGD(0.1, momentum=0.9), [0], [1], [1]) == pytest.approx([-0.29])


def test_nesterov_counts_the_gradient_where_the_momentum_leads():
    # v1 = -0.1                w1 = 0 + 0.9 * -0.1 - 0.1 = -0.19
    # v2 = -0.19               w2 = -0.19 + 0.9 * -0.19 - 0.1 = -0.461
    assert updated(SGD(0.1, momentum=0.9, nesterov=True), [0], [1], [1]) == pytest.approx([-0.461])


def test_the_first_step_of_adam_has_the_length_of_the_learning_rate():
    # m = 0.1 g, v = 0.001 g^2, a_1 = a sqrt(0.001) / 0.1: the step is a g / (|g| + tiny)
    assert updated(Adam(0.01), [0, 0, 0], [1e-3, -5, 2e4]) == pytest.approx([-0.01, 0.01, -0.01], rel=1e-2)


def test_adam_follows_its_formula_for_two_steps():
    w, m, v, a, b1, b2, epsilon = 1.0, 0.0, 0.0, 0.1, 0.8, 0.9, 1e-3
    for t, g in ((1, 3.0), (2, -1.0)):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        w -= a * math.sqrt(1 - b2**t) / (1 - b1**t) * m / (math.sqrt(v) + epsilon)
    assert updated(Adam(a, b1, b2, epsilon), [1], [3], [-1]) == pytest.approx([w], rel=1e-12)


def test_clipping_shortens_the_whole_gradient_and_keeps_its_direction():
    # |g| = 5, clipped to 1: (0.6, 0.8)
    assert updated(SGD(1.0, global_clipnorm=1.0), [0, 0], [3, 4]) == pytest.approx([-0.6, -0.8])


def test_clipping_leaves_a_short_gradient_alone():
    assert updated(SGD(1.0, global_clipnorm=6.0), [0, 0], [3, 4]) == pytest.approx([-3, -4])


def test_a_schedule_is_asked_for_the_step_of_each_update():
    # The learning rates are 1, 1, 0.1
    optimizer = SGD(StepDecay(1.0, every=2, factor=0.1))
    assert updated(optimizer, [0], [1], [1], [1]) == pytest.approx([-2.1])
    assert optimizer.iterations == 3
    assert optimizer.current_learning_rate() == pytest.approx(0.1)


def test_any_function_of_the_step_is_a_learning_rate():
    assert updated(SGD(lambda step: step + 1), [0], [1], [1]) == pytest.approx([-3])


def test_the_learning_rate_can_be_changed_between_updates():
    optimizer, w = SGD(1.0), np.zeros(1)
    optimizer.step(w, np.ones(1))
    optimizer.learning_rate = 0.5
    optimizer.step(w, np.ones(1))
    assert w == pytest.approx([-1.5])


@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.01, 0.9, True, 1e-3), SGD(0.01, l2_penalty=1e-3), Adam(1e-2), Adam(1e-2, l2_penalty=1e-3), AdamW(1e-2)],
    ids=repr,
)
def test_backends_agree_and_gradients_are_not_changed(optimizer):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=1003), [rng.normal(size=1003) for _ in range(3)]
    results = []
    for backend in ops.BACKENDS:
        twin = type(optimizer)(**optimizer.config())
        w = start.copy()
        with ops.using(backend):
            for gradient in gradients:
                given = gradient.copy()
                twin.step(w, given)
                assert np.array_equal(given, gradient)
        results.append(w)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-12, atol=1e-15)


def test_plain_sgd_remembers_nothing_and_the_others_one_vector_for_each_slot():
    for optimizer, names in ((SGD(), set()), (SGD(momentum=0.9), {"velocity"}), (Adam(), {"mean", "variance"})):
        optimizer.build(np.zeros(7, np.float32))
        assert set(optimizer.slots) == names
        assert all(slot.shape == (7,) and slot.dtype == np.float32 for slot in optimizer.slots.values())


def test_an_optimizer_serves_one_model():
    optimizer, w = Adam(), np.zeros(3)
    optimizer.build(w)
    optimizer.build(w)  # compiling the same model again changes nothing
    with pytest.raises(ValueError, match="already optimizes another model"):
        optimizer.build(np.zeros(3))


def test_the_defaults_are_those_of_keras():
    assert SGD().config() == {
        "learning_rate": 0.01,
        "momentum": 0.0,
        "nesterov": False,
        "weight_decay": 0.0,
        "global_clipnorm": None,
        "l2_penalty": 0.0,
    }
    adam = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "global_clipnorm": None}
    adam["l2_penalty"] = 0.0
    assert Adam().config() == {**adam, "weight_decay": 0.0}
    assert AdamW().config() == {**adam, "weight_decay": 0.004}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "learning_rate must be a finite number >= 0, got -0.1"),
        (lambda: Adam(math.nan), "learning_rate must be a finite number >= 0, got nan"),
        (lambda: SGD(momentum=1.0), r"momentum must lie in \[0, 1\), got 1.0"),
        (lambda: SGD(nesterov=True), "nesterov=True changes nothing without a momentum"),
        (lambda: Adam(beta_1=1.5), r"beta_1 must lie in \[0, 1\), got 1.5"),
        (lambda: Adam(epsilon=0), "epsilon must be above 0, got 0"),
        (lambda: AdamW(weight_decay=-1), "weight_decay must be a finite number >= 0, got -1"),
        (lambda: SGD(global_clipnorm=0), "global_clipnorm must be above 0, or None for no clipping, got 0"),
    ],
)
def test_a_meaningless_optimizer_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
