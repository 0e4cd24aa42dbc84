"""Weight decay: a name that means one thing in one library and another in the next goes wrong without a word.

The formulas of Keras (``weight_decay``) and of PyTorch (``l2_penalty`` here) by hand; what is excluded; and that no way
to train, to copy or to save a model leaves any of it out.
"""

import copy
import math

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops
from scratchcnn.optimizers import Optimizer
from support.weight_decays import both_backends

pytestmark = pytest.mark.usefixtures("reference")


W, A, WD = [4.0, -2.0], 0.1, 0.5  # parameters, learning rate, decay


GRADIENTS = [[1.0, 0.0], [-2.0, 3.0], [0.5, 0.5]]


def updated(optimizer):
    """Return the parameters W after one update for each of the GRADIENTS."""
    w = np.array(W)
    for gradient in GRADIENTS:
        optimizer.step(w, np.array(gradient))
    return w


def keras_sgd(momentum, nesterov):
    w, v = np.array(W), np.zeros(2)
    for g in np.array(GRADIENTS):
        w = w - w * WD * A  # base_optimizer.py: variable.assign(variable - variable * wd * lr), then update_step
        v = momentum * v - A * g
        w = w + momentum * v - A * g if nesterov else w + v
    return w


def keras_adam():
    w, m, v = np.array(W), np.zeros(2), np.zeros(2)
    for t, g in enumerate(np.array(GRADIENTS), start=1):
        w = w - w * WD * A
        m, v = m + (g - m) * (1 - 0.9), v + (g * g - v) * (1 - 0.999)
        w = w - m * (A * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)) / (np.sqrt(v) + 1e-7)
    return w


@both_backends
@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (sc.SGD(A, weight_decay=WD), keras_sgd(0, False)),
        (sc.SGD(A, momentum=0.9, weight_decay=WD), keras_sgd(0.9, False)),
        (sc.SGD(A, momentum=0.9, nesterov=True, weight_decay=WD), keras_sgd(0.9, True)),
        (sc.Adam(A, weight_decay=WD), keras_adam()),
        (sc.AdamW(A, weight_decay=WD), keras_adam()),
    ],
    ids=repr,
)
def test_weight_decay_is_that_of_keras_for_every_optimizer(optimizer, expected):
    assert updated(copy.copy(optimizer)) == pytest.approx(expected, rel=1e-12)


def torch_sgd(momentum, nesterov):
    w, buffer = np.array(W), 0.0
    for g in np.array(GRADIENTS):
        g = g + WD * w
        buffer = momentum * buffer + g
        w = w - A * (g + momentum * buffer if nesterov else buffer)
    return w


def torch_adam(epsilon):
    w, m, v = np.array(W), np.zeros(2), np.zeros(2)
    for t, g in enumerate(np.array(GRADIENTS), start=1):
        g = g + WD * w
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = w - A / (1 - 0.9**t) * m / (np.sqrt(v) / math.sqrt(1 - 0.999**t) + epsilon)
    return w


@both_backends
@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (sc.SGD(A, l2_penalty=WD), torch_sgd(0, False)),
        (sc.SGD(A, momentum=0.9, l2_penalty=WD), torch_sgd(0.9, False)),
        (sc.SGD(A, momentum=0.9, nesterov=True, l2_penalty=WD), torch_sgd(0.9, True)),
        (sc.Adam(A, epsilon=1e-14, l2_penalty=WD), torch_adam(1e-14)),  # the two epsilons are not the same
    ],
    ids=repr,
)
def test_the_l2_penalty_is_the_weight_decay_of_pytorch(optimizer, expected):
    assert updated(copy.copy(optimizer)) == pytest.approx(expected, rel=1e-10)


@both_backends
def test_both_at_once_are_first_the_decay_then_the_penalty_of_what_is_left():
    w = (1 - A * WD) * np.array(W)
    sc.Adam(A, l2_penalty=0.2).step(w, np.array(GRADIENTS[0]))
    both = np.array(W)
    sc.Adam(A, weight_decay=WD, l2_penalty=0.2).step(both, np.array(GRADIENTS[0]))
    assert both == pytest.approx(w)


@both_backends
def test_adam_with_weight_decay_is_adamw_to_the_bit_and_both_are_the_operation():
    rng = np.random.default_rng(0)
    start, g = rng.normal(size=1003).astype(np.float32), rng.normal(size=1003).astype(np.float32)
    adam, adamw, operation = start.copy(), start.copy(), start.copy()
    sc.Adam(1e-2, weight_decay=0.1).step(adam, g)
    sc.AdamW(1e-2, weight_decay=0.1).step(adamw, g)
    settings = ops.AdamSettings(1e-2, 0.9, 0.999, 1e-7, weight_decay=0.1, decoupled=True)
    ops.adam_step(operation, g, np.zeros_like(g), np.zeros_like(g), 1, settings)
    assert adam.tobytes() == adamw.tobytes() == operation.tobytes()


def test_the_recipe_best_keeps_the_arithmetic_of_its_published_results():
    optimizer = sc.recipes.RECIPES["best"].optimizer(0.1)
    rng = np.random.default_rng(0)
    w, g = rng.normal(size=1003).astype(np.float32), rng.normal(size=1003).astype(np.float32)
    operation = w.copy()
    optimizer.step(w, g)
    ops.sgd_step(operation, g, np.zeros_like(g), ops.SGDSettings(0.1, 0.9, nesterov=True, weight_decay=5e-4))
    assert w.tobytes() == operation.tobytes()


@both_backends
def test_the_gradient_is_clipped_before_the_decay_and_before_the_penalty():
    # |g| = 5, clipped to 1: (0.6, 0.8). The decay takes a tenth of a half.
    for options in ({"weight_decay": 0.5}, {"l2_penalty": 0.5}):
        w = np.array([10.0, -10.0])
        sc.SGD(0.1, global_clipnorm=1.0, **options).step(w, np.array([3.0, 4.0]))
        assert w == pytest.approx([9.5 - 0.06, -9.5 - 0.08])


class Signs(Optimizer):
    """An optimizer of one's own, which knows nothing of weight decay."""

    def update(self, parameters, gradients, learning_rate):
        parameters -= learning_rate * np.sign(gradients)


def test_the_weight_decay_of_an_optimizer_of_ones_own_acts():
    w = np.array([4.0, 4.0])
    Signs(0.1, weight_decay=0.5).step(w, np.array([2.0, -3.0]))
    assert w == pytest.approx([3.8 - 0.1, 3.8 + 0.1])


@pytest.mark.parametrize("make", [sc.SGD, sc.Adam, sc.AdamW])
@pytest.mark.parametrize("name", ["weight_decay", "l2_penalty"])
def test_a_decay_assigned_between_two_steps_acts_from_the_next_one_on(make, name):
    with ops.using("reference"):
        assigned, w = make(A, weight_decay=0), np.array(W)
        assigned.step(w, np.array(GRADIENTS[0]))
        constructed, same = make(A, **{"weight_decay": 0, name: WD}), w.copy()
        constructed.iterations, constructed.slots = 1, {key: slot.copy() for key, slot in assigned.slots.items()}
        setattr(assigned, name, WD)
        assigned.step(w, np.array(GRADIENTS[1]))
        constructed.step(same, np.array(GRADIENTS[1]))
    assert np.array_equal(w, same)


def test_no_weight_decay_may_be_none_as_in_keras():
    assert sc.SGD(weight_decay=None).config() == sc.SGD().config()
    assert sc.AdamW(weight_decay=None).weight_decay == 0
