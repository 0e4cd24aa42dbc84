"""Optimizers used by hand: assigned, shared, written by the user, and changed between steps."""

import copy
import math

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.optimizers import Optimizer
from support.own_loops import IMAGES, LABELS, fitted, train, weights
from support.small_networks import all_arrays, compiled_network, small_network

pytestmark = pytest.mark.usefixtures("reference")


def test_an_optimizer_that_is_assigned_is_as_good_as_one_that_was_compiled(tmp_path):
    assigned, compiled = compiled_network(), small_network()
    assigned.optimizer, own = sc.SGD(0.05, momentum=0.9, weight_decay=0.1), sc.SGD(0.05, momentum=0.9, weight_decay=0.1)
    assigned.optimizer.exclude_from_weight_decay(var_names=["bias"])
    own.exclude_from_weight_decay(var_names=["bias"])
    compiled.compile(own)
    assigned.save(tmp_path / "model.npz")
    for model in (assigned, compiled, loaded := sc.load_model(tmp_path / "model.npz")):
        model.fit(IMAGES, LABELS, batch_size=20, verbose=0)
    assert all_arrays(assigned) == all_arrays(compiled) == all_arrays(loaded)
    with pytest.raises(ValueError, match=r"optimizer must be an object such as sc.Adam\(1e-3\), got 'sgd'"):
        assigned.optimizer = "sgd"
    with pytest.raises(ValueError, match="make a new one"):
        assigned.optimizer = own


def test_a_shallow_copy_of_a_model_is_a_deep_one_and_leaves_the_model_as_it_was():
    model = fitted(sc.Adam())
    twin, before = copy.copy(model), all_arrays(model)
    assert all_arrays(twin) == before
    twin.fit(IMAGES, LABELS, verbose=0)
    assert all_arrays(model) == before != all_arrays(twin)


def test_vectors_that_no_layer_uses_any_more_are_refused_at_every_step():
    model, optimizer = small_network(), sc.SGD(0.1)
    vectors = model.parameters, model.gradients
    optimizer.step(*vectors)
    for trainable in (False, True):
        model.layers[1].trainable = trainable
        model.lay_out()
    with pytest.raises(ValueError, match=r"cannot be written; pass model\.parameters"):
        optimizer.step(*vectors)


def test_other_gradients_than_in_the_last_step_are_looked_at():
    w, optimizer = np.ones(4), sc.SGD(0.1)
    optimizer.step(w, np.ones(4))
    with pytest.raises(ValueError, match=r"got \(1,\) float64; pass model.gradients"):
        optimizer.step(w, np.ones(1))
    optimizer.step(w, np.full(4, 2.0))
    assert w == pytest.approx(0.7)


def test_an_optimizer_that_serves_one_model_refuses_another_and_a_new_one_does_it():
    model, other = fitted(sc.Adam()), small_network(seed=1)
    before = other.parameters.copy()
    with pytest.raises(ValueError, match="already optimizes another model, whose moments it keeps; make a new one"):
        train(other, model.optimizer)
    assert np.array_equal(other.parameters, before)
    train(other, sc.Adam())


class Accumulating(Optimizer):
    """AdaGrad: the step is divided by the root of the sum of all squares so far."""

    slot_names = ("squares",)

    def __init__(self, learning_rate):
        super().__init__(learning_rate, weight_decay=0.0, global_clipnorm=None)

    def update(self, parameters, gradients, learning_rate):
        self.slots["squares"] += gradients**2
        parameters -= learning_rate * gradients / np.sqrt(self.slots["squares"] + 1e-7)


def test_an_optimizer_of_ones_own_has_its_slots_at_the_first_step():
    by_hand = train(small_network(), Accumulating(0.1))
    assert weights(by_hand) == weights(fitted(Accumulating(0.1)))


def test_a_comma_missing_from_slot_names_is_pointed_out():
    class Forgetful(Accumulating):
        slot_names = "squares"

    with pytest.raises(ValueError, match="slot_names must be a tuple of names, got 'squares'; a comma is missing"):
        Forgetful(0.1).step(np.ones(3), np.ones(3))


def test_a_momentum_assigned_later_acts_from_the_next_step_on(tmp_path):
    # Steps: 0.1, then v1 = -0.1, v2 = 0.9 * -0.1 - 0.1 = -0.19
    w, optimizer = np.zeros(1), sc.SGD(0.1)
    optimizer.step(w, np.ones(1))
    optimizer.momentum = 0.9
    optimizer.step(w, np.ones(1))
    optimizer.step(w, np.ones(1))
    assert w == pytest.approx([-0.1 - 0.1 - 0.19])
    optimizer.momentum = 0
    optimizer.step(w, np.ones(1))
    assert w == pytest.approx([-0.39 - 0.1])
    model = compiled_network(sc.SGD(0.05))
    model.optimizer.momentum = 0.9
    model.save(tmp_path / "model.npz")
    assert sc.load_model(tmp_path / "model.npz").optimizer.slots.keys() == {"velocity"}
    model.fit(IMAGES, LABELS, batch_size=20, shuffle=False, verbose=0)
    assert all_arrays(model) == all_arrays(fitted(sc.SGD(0.05, momentum=0.9)))


@pytest.mark.parametrize(
    ("make", "setting", "value", "message"),
    [
        (sc.SGD, "nesterov", True, "nesterov=True changes nothing without a momentum"),
        (sc.SGD, "nesterov", "False", "nesterov must be True or False, got 'False'"),
        (sc.SGD, "momentum", 1.0, r"momentum must lie in \[0, 1\), got 1.0"),
        (lambda: sc.SGD(momentum=0.9, nesterov=True), "momentum", 0, "set nesterov = False first"),
        (sc.SGD, "learning_rate", -1, "learning_rate must be a finite number >= 0, got -1"),
        (sc.SGD, "learning_rate", "0.1", "learning_rate must be a number, got '0.1'"),
        (sc.SGD, "learning_rate", None, "learning_rate must be a number, got None"),
        (sc.SGD, "learning_rate", sc.schedules.OneCycle, "got the class OneCycle; make an object of it"),
        (sc.Adam, "weight_decay", math.nan, "weight_decay must be a finite number >= 0, got nan"),
        (sc.Adam, "global_clipnorm", -1, "global_clipnorm must be above 0, or None for no clipping, got -1"),
        (sc.Adam, "beta_1", 1, r"beta_1 must lie in \[0, 1\), got 1"),
        (sc.Adam, "epsilon", 0, "epsilon must be above 0, got 0"),
        (sc.AdamW, "iterations", -1, "iterations must be at least 0, got -1"),
    ],
)
def test_an_assigned_setting_is_checked_as_in_the_constructor(make, setting, value, message):
    optimizer = make()
    before = getattr(optimizer, setting)
    with pytest.raises(ValueError, match=message):
        setattr(optimizer, setting, value)
    assert getattr(optimizer, setting) == before


@pytest.mark.parametrize("rate", [math.nan, -0.1, math.inf])
def test_a_schedule_that_gives_no_learning_rate_is_an_error_and_nothing_is_changed(rate):
    w, optimizer = np.ones(3), sc.SGD(lambda step: rate if step == 1 else 0.1)
    optimizer.step(w, np.ones(3))
    with pytest.raises(ValueError, match=r"learning_rate\(1\) must be a finite number >= 0, got"):
        optimizer.step(w, np.ones(3))
    assert w == pytest.approx(0.9)
