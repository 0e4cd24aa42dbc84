"""Parts of the library used by hand, below ``fit``: what only works after ``compile`` or ``fit`` goes wrong here.

A training loop of one's own gives the bits of ``fit``, and an optimizer that cannot do what it is asked to says so.
"""

import copy
import math
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.optimizers import Optimizer
from support.marks import without_numba
from support.small_networks import all_arrays, compiled_network, small_network, some_digits

IMAGES, LABELS = some_digits(60)
OPTIMIZERS = {
    "sgd": lambda: sc.SGD(0.05),
    "momentum": lambda: sc.SGD(0.05, momentum=0.9),
    "nesterov": lambda: sc.SGD(0.05, momentum=0.9, nesterov=True),
    "sgd with all options": lambda: sc.SGD(
        sc.schedules.CosineDecay(0.05, 6, 2), 0.9, True, weight_decay=0.1, global_clipnorm=0.5
    ),
    "adam": lambda: sc.Adam(),
    "adam with all options": lambda: sc.Adam(sc.schedules.OneCycle(0.01, 6), weight_decay=0.1, global_clipnorm=0.5),
    "adamw": lambda: sc.AdamW(0.01, weight_decay=0.1),
}


@pytest.fixture(autouse=True)
def on_numpy():
    """What is claimed here is the same on either implementation, and one need not be compiled."""
    with sc.ops.using("reference"):
        yield


def train(model, optimizer, loss=None, steps=3):
    """Train by hand on consecutive batches of 20."""
    loss = loss or sc.SoftmaxCrossEntropy()
    for images, labels in zip(IMAGES.reshape(-1, 20, 28, 28, 1)[:steps], LABELS.reshape(-1, 20), strict=False):
        loss.forward(model.forward(images, training=True), labels)
        model.backward(loss.backward())
        optimizer.step(model.parameters, model.gradients)
    return model


def fitted(optimizer, **options):
    model = compiled_network(optimizer)
    model.fit(IMAGES, LABELS, batch_size=20, shuffle=False, verbose=0, **options)
    return model


def weights(model):
    return [array.tobytes() for array in model.get_weights()]


COMPILED = ["sgd with all options", "adam with all options"]


@pytest.mark.parametrize(
    ("backend", "name"),
    [("reference", name) for name in OPTIMIZERS]
    + [pytest.param("jit", name, marks=without_numba) for name in COMPILED],
)
def test_a_loop_of_ones_own_gives_the_bits_of_fit(backend, name):
    with sc.ops.using(backend):
        by_fit = fitted(OPTIMIZERS[name]())
        optimizer = OPTIMIZERS[name]()
        by_hand = train(small_network(), optimizer)
    assert weights(by_hand) == weights(by_fit)
    assert optimizer.iterations == by_fit.optimizer.iterations == 3


def test_momentum_acts_in_a_loop_of_ones_own():
    assert weights(train(small_network(), sc.SGD(0.05, momentum=0.9))) != weights(train(small_network(), sc.SGD(0.05)))


def test_a_shuffled_epoch_is_a_permutation_of_the_models_generator_then_its_batches():
    by_fit, by_hand = compiled_network(sc.Adam()), small_network()
    by_fit.fit(IMAGES, LABELS, batch_size=20, verbose=0)
    order, loss, optimizer = by_hand.rng.permutation(60).reshape(-1, 20), sc.SoftmaxCrossEntropy(), sc.Adam()
    for chosen in order:
        loss.forward(by_hand.forward(IMAGES[chosen][..., None], training=True), LABELS[chosen])
        by_hand.backward(loss.backward())
        optimizer.step(by_hand.parameters, by_hand.gradients)
    assert weights(by_hand) == weights(by_fit)


@pytest.mark.parametrize("form", ["uint8", "int32", "int64", ">i4", "uint64", list])
def test_labels_of_any_integer_type_give_the_loss_the_same_bits(form):
    labels = LABELS.tolist() if form is list else LABELS.astype(form)
    logits = np.random.default_rng(0).normal(size=(60, 10)).astype(np.float32)
    losses = [sc.SoftmaxCrossEntropy(), sc.SoftmaxCrossEntropy()]
    assert losses[0].forward(logits, labels) == losses[1].forward(logits, LABELS.astype(np.int64))
    assert np.array_equal(losses[0].backward(), losses[1].backward())


def test_the_optimizer_of_a_model_goes_on_by_hand_where_fit_stopped(tmp_path):
    def gone_on(model):
        return weights(train(model, model.optimizer))

    model = fitted(sc.Adam())
    model.save(tmp_path / "model.npz")
    others = [sc.load_model(tmp_path / "model.npz"), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    expected = gone_on(model)
    assert [gone_on(other) for other in others] == [expected] * 3


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_a_copied_optimizer_goes_on_with_what_it_remembers(copied):
    w, optimizer = np.ones(5), sc.SGD(0.1, momentum=0.9)
    optimizer.step(w, np.ones(5))
    twin, w_twin = copied(optimizer), w.copy()
    for _ in range(2):
        optimizer.step(w, np.ones(5))
        twin.step(w_twin, np.ones(5))
    assert np.array_equal(w, w_twin)
    assert not np.shares_memory(optimizer.slots["velocity"], twin.slots["velocity"])


def test_a_copied_optimizer_refuses_parameters_of_another_number():
    optimizer = sc.Adam()
    optimizer.step(np.ones(5), np.ones(5))
    with pytest.raises(ValueError, match=r"remembers mean of float64 \(5,\), .* float64 \(6,\); make a new one"):
        copy.copy(optimizer).step(np.ones(6), np.ones(6))


def test_a_view_of_the_whole_vector_is_that_vector():
    w, optimizer = np.ones(5), sc.SGD(0.1, momentum=0.9)
    for _ in range(2):
        optimizer.step(w[:], np.ones(5))
    assert w == pytest.approx(1 - 0.1 - 0.19)


FLAT = np.arange(1.0, 9.0)
READ_ONLY = np.arange(4.0)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("parameters", "gradients", "message"),
    [
        (FLAT[:4].copy(), FLAT[:3], r"shape and dtype of the parameters, \(4,\) float64, got \(3,\) float64"),
        (FLAT[:4].copy(), FLAT[:1], r"got \(1,\)"),
        (FLAT[:4].copy(), FLAT[:4].astype(np.float32), "got .* float32; pass model.gradients"),
        (FLAT[:4].copy(), FLAT[::2], "gradients must be C-contiguous; pass np.ascontiguousarray"),
        (FLAT[:4].copy(), [1.0] * 4, "gradients must be a NumPy array such as model.gradients, got list"),
        ([1.0] * 4, FLAT[:4], "parameters must be a NumPy array such as model.parameters, got list"),
        (FLAT.copy()[::2], FLAT[:4], "parameters must be one C-contiguous, writeable array"),
        (FLAT[:4].reshape(2, 2), FLAT[:4].reshape(2, 2), r"one vector .* got the shape \(2, 2\); .* \.reshape\(-1\)"),
        (READ_ONLY, FLAT[:4], "parameters must be one C-contiguous, writeable array"),
        (np.arange(4), np.arange(4), "parameters must be float32 or float64, got int64"),
        (FLAT[:4].astype(np.float16), FLAT[:4].astype(np.float16), "float32 or float64, got float16"),
        (FLAT[:4].astype(">f8"), FLAT[:4].astype(">f8"), "float32 or float64, got >f8"),
        (FLAT, FLAT, "are the same memory; pass model.parameters and model.gradients"),
        (FLAT[:6], FLAT[2:], "are the same memory"),
    ],
)
def test_vectors_that_cannot_be_updated_are_refused_and_nothing_is_changed(parameters, gradients, message):
    before = copy.deepcopy((parameters, gradients))
    for optimizer in (sc.SGD(0.1, momentum=0.9, global_clipnorm=0.1), sc.Adam(global_clipnorm=0.1)):
        with pytest.raises(ValueError, match=message):
            optimizer.step(parameters, gradients)
        assert (optimizer.iterations, optimizer.slots) == (0, {})
        assert np.array_equal(parameters, before[0]) and np.array_equal(gradients, before[1])
        optimizer.step(np.ones(3), np.ones(3))  # it is still free for the right ones


def test_a_single_parameter_is_updated_as_the_advice_says():
    dense, optimizer = small_network().layers[-1], sc.SGD(0.1, momentum=0.9)
    before = dense.params["kernel"].copy()
    dense.grads["kernel"] = np.ones((144, 10))
    for _ in range(2):
        optimizer.step(dense.params["kernel"].reshape(-1), dense.grads["kernel"].reshape(-1))
    np.testing.assert_allclose(dense.params["kernel"], before - 0.1 - 0.19, rtol=1e-4, atol=1e-6)


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
    with pytest.raises(ValueError, match=r"optimizer must be an object such as Adam\(1e-3\), got 'sgd'"):
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
