"""Parts of the library used by hand, below ``fit``: what only works after ``compile`` or ``fit`` goes wrong here.

A training loop of one's own gives the bits of ``fit``, and an optimizer that cannot do what it is asked to says so.
"""

import copy
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from support.marks import without_numba
from support.own_loops import IMAGES, LABELS, fitted, train, weights
from support.small_networks import compiled_network, small_network

pytestmark = pytest.mark.usefixtures("reference")


OPTIMIZERS = {
    "sgd": lambda: sc.SGD(0.05),
    "momentum": lambda: sc.SGD(0.05, momentum=0.9),
    "nesterov": lambda: sc.SGD(0.05, momentum=0.9, nesterov=True),
    "sgd with all options": lambda: sc.SGD(
        sc.schedules.CosineDecay(0.05, 6, warmup_steps=2), 0.9, True, weight_decay=0.1, global_clipnorm=0.5
    ),
    "adam": lambda: sc.Adam(),
    "adam with all options": lambda: sc.Adam(sc.schedules.OneCycle(0.01, 6), weight_decay=0.1, global_clipnorm=0.5),
    "adamw": lambda: sc.AdamW(0.01, weight_decay=0.1),
}


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
