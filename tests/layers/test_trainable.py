"""A setting that is accepted and ignored: ``trainable = False``, which must keep a layer as it is, whatever trains.

The parameters of a frozen layer keep their bits under everything that training does; the others learn as if the frozen
ones were part of the data.
"""

import copy
import warnings

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer, check_model
from support.frozen_layers import CONV, DENSE, IMAGES, LABELS, NORM, bits, train
from support.marks import without_numba
from support.small_networks import all_arrays, compiled_network

pytestmark = pytest.mark.usefixtures("reference")


OPTIMIZERS = {
    "sgd": lambda: sc.SGD(0.1),
    "momentum": lambda: sc.SGD(0.1, momentum=0.9),
    "nesterov, clipped": lambda: sc.SGD(0.1, momentum=0.9, nesterov=True, global_clipnorm=0.01),
    "sgd with decay": lambda: sc.SGD(0.1, weight_decay=0.1),
    "adam with decay": lambda: sc.Adam(1e-2, weight_decay=0.1),
    "adamw": lambda: sc.AdamW(1e-2, weight_decay=0.1),
}


@pytest.mark.parametrize(("name", "fuse"), [*((name, True) for name in OPTIMIZERS), ("adamw", False)])
def test_frozen_layers_keep_their_bits_under_every_optimizer(name, fuse):
    model = train(compiled_network(OPTIMIZERS[name](), fuse=fuse))  # which leaves momentum behind
    for frozen in [CONV, NORM], [DENSE], [NORM]:
        model.trainable = True
        for place in frozen:
            model.layers[place].trainable = False
        before = {place: bits(model, place) for place in (CONV, NORM, DENSE)}
        train(model, callbacks=[sc.ExponentialMovingAverage(0.5, warmup=0)])
        for place in before:
            assert (bits(model, place) == before[place]) == (place in frozen)


@without_numba
def test_frozen_layers_keep_their_bits_on_compiled_kernels_and_recordings():
    with sc.ops.using("jit"):
        model = train(compiled_network(), epochs=3)
        before = bits(model, CONV), bits(model, NORM)
        model.layers[CONV].trainable = model.layers[NORM].trainable = False
        accuracy = train(model, epochs=20).history.history["accuracy"]
    assert (bits(model, CONV), bits(model, NORM)) == before
    assert accuracy[-1] > accuracy[0]


def test_frozen_layers_keep_their_bits_under_a_search_for_the_learning_rate():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of this few steps it may say that they are too few
        model = compiled_network(sc.SGD(0.1, momentum=0.9))
        model.layers[CONV].trainable = model.layers[NORM].trainable = False
        before = [array.tobytes() for array in model.get_weights()]
        sc.lr_find(model, IMAGES, LABELS, steps=5, verbose=0)
    assert [array.tobytes() for array in model.get_weights()] == before


def test_a_frozen_first_part_is_the_same_as_training_on_its_answers():
    model = compiled_network(sc.SGD(0.1, momentum=0.9), dropout=0)
    for layer in model.layers[:DENSE]:
        layer.trainable = False
    body = sc.Sequential(_unbuilt(model.layers[:DENSE]), (28, 28, 1), fuse=False)
    body.set_weights(model.get_weights()[:-2])
    answers = np.concatenate([body.forward(IMAGES[start : start + 20, ..., None]).copy() for start in (0, 20, 40)])
    head = sc.Sequential([sc.Dense(10)], answers.shape[1:])
    head.compile(sc.SGD(0.1, momentum=0.9))
    head.set_weights(model.get_weights()[-2:])
    head.fit(answers, LABELS, batch_size=20, epochs=3, verbose=0, shuffle=False)
    train(model, epochs=3, shuffle=False)
    assert [w.tobytes() for w in model.get_weights()[-2:]] == [w.tobytes() for w in head.get_weights()]


def _unbuilt(layers):
    copies = copy.deepcopy(list(layers))
    for layer in copies:
        layer.unbuild()
    return copies


def test_no_backward_runs_below_the_first_layer_that_learns(monkeypatch):
    model = compiled_network(fuse=False)
    for place in (CONV, NORM):
        model.layers[place].trainable = False
        monkeypatch.setattr(model.layers[place], "backward", lambda dy: pytest.fail("it is of no use"))
    train(model)
    monkeypatch.undo()
    x = IMAGES[:4, ..., np.newaxis]
    model.loss.forward(model.forward(x, training=True), LABELS[:4])
    assert model.backward(model.loss.backward()).shape == x.shape, "the gradient of the images can be asked for"


def deep_network(frozen, fuse):
    """Return a network in which layers learn below the frozen ones, if these are not the first."""
    layers = [sc.Conv2D(2, 1), sc.Conv2D(2, 3), sc.BatchNorm(), sc.ReLU(), sc.MaxPool2D(2), sc.Flatten()]
    layers += [sc.Dense(4), sc.BatchNorm(), sc.ReLU(), sc.Dense(3), sc.BatchNorm()]
    for place in frozen:
        layers[place].trainable = False
    return sc.Sequential(layers, (6, 6, 1), fuse=fuse)


@pytest.mark.parametrize("frozen", [[2, 7, 10], [0, 1, 2, 6]])
def test_gradients_are_right_beside_frozen_layers(frozen):
    report = check_model(deep_network(frozen, fuse=True), samples=2)
    assert report.passed, report


@without_numba
@pytest.mark.slow
@pytest.mark.parametrize("frozen", [[2], [1], [2, 7, 10], [1, 2], [6], [0, 1, 2, 6], [9, 10]])
@pytest.mark.parametrize("fuse", [True, False])
def test_gradients_of_compiled_kernels_are_right_beside_frozen_layers(frozen, fuse):
    with sc.ops.using("jit"):
        report = check_model(deep_network(frozen, fuse))
    assert report.passed, report


@pytest.mark.parametrize("shape", [(4,), (3, 2, 4)])
def test_the_gradient_of_a_frozen_normalisation_is_right(shape):
    layer = sc.BatchNorm()
    layer.trainable = False
    report = check_layer(layer, shape)
    assert report.passed, report


def test_a_frozen_normalisation_is_in_inference_mode():
    layer = sc.BatchNorm()
    layer.build((4,), np.random.default_rng(0))
    layer.state["moving_mean"], layer.state["moving_variance"] = [1, 2, 3, 4], [4, 4, 4, 4]
    x = np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)
    layer.trainable = False
    in_training = layer.forward(x, training=True).copy()
    assert np.array_equal(in_training, layer.forward(x))
    assert layer.state["moving_mean"].tolist() == [1, 2, 3, 4]
    layer.trainable = True
    assert not np.allclose(layer.forward(x, training=True), in_training)


def test_the_vectors_hold_what_is_trainable():
    model = compiled_network(sc.SGD(0.1, momentum=0.9))
    everything = model.parameters
    model.layers[CONV].trainable = False
    assert model.parameters.size == model.gradients.size == everything.size - 40
    assert np.array_equal(model.parameters, everything[40:])
    assert model.count_params() == everything.size
    model.layers[CONV].trainable = True
    assert np.array_equal(model.parameters, everything)


def test_the_optimizer_remembers_what_stays_trainable():
    model = train(compiled_network(sc.SGD(0.1, momentum=0.9)))
    velocity = model.optimizer.slots["velocity"].copy()
    assert velocity[:40].any()
    model.layers[CONV].trainable = False
    model.lay_out()
    assert np.array_equal(model.optimizer.slots["velocity"], velocity[40:])
    model.layers[CONV].trainable = True
    model.lay_out()
    assert np.array_equal(model.optimizer.slots["velocity"], np.where(np.arange(velocity.size) < 40, 0, velocity))


def test_freezing_and_thawing_between_two_trainings_changes_nothing_but_the_memory():
    usual, flipped = (train(compiled_network(sc.SGD(0.1))) for _ in range(2))
    flipped.trainable = False
    flipped.lay_out()
    flipped.trainable = True
    assert all_arrays(train(usual)) == all_arrays(train(flipped))
