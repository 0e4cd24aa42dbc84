"""A setting that is accepted and ignored: ``trainable = False``, which must keep a layer as it is, whatever trains.

The parameters of a frozen layer keep their bits under everything that training does; the others learn as if the frozen
ones were part of the data.
"""

import copy
import pickle
import warnings

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer, check_model
from support.marks import without_numba
from support.small_networks import all_arrays, compiled_network, some_digits

IMAGES, LABELS = some_digits(60)
CONV, NORM, DENSE = 1, 2, -1  # places in the small network


@pytest.fixture(autouse=True)
def on_numpy():
    """What is claimed here is the same on either implementation, and one need not be compiled."""
    with sc.ops.using("reference"):
        yield


def bits(model, place):
    layer = model.layers[place]
    return [array.tobytes() for array in (*layer.params.values(), *layer.state.values())]


def train(model, epochs=2, **options):
    model.fit(IMAGES, LABELS, batch_size=20, epochs=epochs, verbose=0, **options)
    return model


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


def test_vectors_from_before_a_freeze_are_refused_with_the_advice_that_helps():
    model = compiled_network(sc.SGD(0.1))
    old, own = model.parameters, sc.SGD(0.1, momentum=0.9)
    own.step(old, model.gradients)
    model.layers[CONV].trainable = False
    x = IMAGES[:4, ..., np.newaxis]
    model.loss.forward(model.forward(x, training=True), LABELS[:4])
    model.backward(model.loss.backward())
    with pytest.raises(ValueError, match=r"one that cannot be written; pass model\.parameters"):
        sc.SGD(0.1).step(old, np.ones_like(old))
    with pytest.raises(ValueError, match=r"make a new one \(the same model is another one after layers were frozen"):
        own.step(model.parameters, model.gradients)
    before = model.parameters.copy()
    sc.SGD(0.1).step(model.parameters, model.gradients)
    assert not np.array_equal(model.parameters, before)


@pytest.mark.parametrize("when", ["before", "after", "layer by layer"])
def test_a_frozen_model_says_that_there_is_nothing_to_train(when):
    layers = [sc.Flatten(), sc.Dense(10)]
    layers[1].trainable = when != "before"
    model = sc.Sequential(layers, (28, 28, 1))
    model.compile()
    if when == "after":
        model.trainable = False
    layers[1].trainable = False
    assert not model.trainable
    for train_it in (
        lambda: model.fit(IMAGES, LABELS, verbose=0),
        lambda: sc.lr_find(model, IMAGES, LABELS, verbose=0),
    ):
        with pytest.raises(ValueError, match=r"nothing to train: .* frozen; .*model\.trainable = True"):
            train_it()
    model.trainable = True
    train(model)


def test_training_goes_on_as_usual_after_another_thaw_in_the_middle():
    class Thaw(sc.callbacks.Callback):
        def on_epoch_begin(self, epoch):
            self.model.layers[CONV].trainable = epoch != 1

    average = sc.ExponentialMovingAverage(0.5, warmup=0)
    model = train(compiled_network(sc.SGD(0.1)), epochs=3, callbacks=[average, Thaw()])
    assert average.average.size == model.parameters.size
    assert np.array_equal(average.average.astype(np.float32), model.parameters)


def test_layers_frozen_while_their_average_is_in_the_model_keep_their_bits():
    seen = []

    class Freeze(sc.callbacks.Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.layers[CONV].trainable = self.model.layers[NORM].trainable = False
            seen.append((bits(self.model, CONV), bits(self.model, NORM)))

    train(compiled_network(sc.SGD(0.1)), epochs=3, callbacks=[sc.ExponentialMovingAverage(0.9), Freeze()])
    assert seen[0] == seen[1] == seen[2]


class Holds(sc.Layer):
    """Leaves the work to a layer inside, with whose parameters and state it is trained."""

    def __init__(self, inside):
        super().__init__()
        self.parts = [inside]

    def build(self, input_shape, rng):
        inside = self.parts[0]
        inside.dtype = self.dtype
        shape = inside.build(input_shape, rng)
        for name in inside.params:
            self.add_parameter(name, inside.params[name])
            inside.move_parameter(name, self.params[name], self.grads[name])
        for name in inside.state:
            self.state[name] = inside.state[name]
        return self.set_shapes(input_shape, shape)

    def forward(self, x, training=False):
        return self.parts[0].forward(x, training)

    def backward(self, dy):
        return self.parts[0].backward(dy)


def holding_network(layer):
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(6), layer, sc.Dense(10)], (28, 28, 1))
    model.compile(sc.SGD(0.1, momentum=0.9, weight_decay=0.1))
    return model


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("change", [lambda model: model, copy.deepcopy])
def test_layers_inside_a_layer_are_frozen_and_thawed_with_it(when, change):
    layer = Holds(Holds(sc.BatchNorm()))
    layer.trainable = when == "after"
    model = change(holding_network(layer))
    layer = model.layers[3]
    if when == "after":
        train(model)
        layer.trainable = False
    before = bits(model, 3)
    assert bits(train(model), 3) == before
    layer.trainable = True
    assert all(one != other for one, other in zip(bits(train(model), 3), before, strict=True))
    assert check_layer(layer, (6,)).passed


def test_a_layer_inside_that_is_frozen_alone_is_refused_and_the_outer_one_named():
    inside = sc.BatchNorm()
    model = holding_network(Holds(inside))
    with pytest.raises(
        AttributeError, match="BatchNorm is part of holds and frozen and thawed with it: set trainable of"
    ):
        inside.trainable = False
    model.layers[3].trainable = False
    assert not inside.trainable
    inside = sc.Dense(3)
    inside.trainable = False
    with pytest.raises(
        RuntimeError, match=r"Dense is frozen, but holds, which it is part of .*: set trainable = False of"
    ):
        holding_network(Holds(inside))


def test_another_layer_of_the_model_that_a_layer_refers_to_is_not_frozen_with_it():
    first = sc.Dense(6)
    layer = Holds(sc.Dense(4))
    layer.other, layer.trainable = first, False
    layer.parts[0]._owner = layer
    model = sc.Sequential([sc.Flatten(), first, layer, sc.Dense(10)], (28, 28, 1))
    assert first.trainable and not layer.parts[0].trainable
    assert model.parameters.size == 784 * 6 + 6 + 4 * 10 + 10


def test_summary_says_what_is_frozen(capsys):
    model = compiled_network()
    model.summary()
    assert "frozen" not in capsys.readouterr().out
    model.layers[CONV].trainable = False
    model.summary()
    text = capsys.readouterr().out
    assert "conv2d (frozen)" in text and "batch_norm (frozen)" not in text
    assert f"trainable parameters: {model.count_params() - 40:,}; frozen: 40" in text


def in_a_file(model, folder):
    model.save(folder / "model.npz")
    return sc.load_model(folder / "model.npz")


@pytest.mark.parametrize("way", [in_a_file, lambda m, _: copy.deepcopy(m), lambda m, _: pickle.loads(pickle.dumps(m))])
def test_the_flag_is_saved_and_copied_and_training_goes_on_to_the_same_bits(way, tmp_path):
    model = train(compiled_network())
    model.layers[CONV].trainable = False  # which the vectors have not followed yet
    twin = way(model, tmp_path)
    assert [layer.trainable for layer in twin.layers] == [layer.trainable for layer in model.layers]
    before = bits(model, CONV)
    assert all_arrays(train(twin)) == all_arrays(train(model))
    assert bits(twin, CONV) == before


@pytest.mark.parametrize("value", ["False", 0, None, np.float32(0)])
def test_what_is_neither_true_nor_false_is_refused(value):
    model = compiled_network()
    for thing in (model, model.layers[CONV], sc.Dense(3)):
        with pytest.raises(ValueError, match="trainable must be True or False, got"):
            thing.trainable = value


def test_weights_and_their_order_are_as_before():
    model = compiled_network()
    weights = model.get_weights()
    model.layers[CONV].trainable = False
    model.lay_out()
    assert [w.tobytes() for w in model.get_weights()] == [w.tobytes() for w in weights]
    model.set_weights([w + 1 for w in weights])
    assert [w.tobytes() for w in model.get_weights()] == [(w + 1).tobytes() for w in weights]


def test_a_head_learns_other_digits_on_frozen_convolutions(tmp_path):
    images, labels = some_digits(600)
    low, high = labels < 5, labels >= 5
    model = compiled_network(sc.Adam(1e-2), dropout=0)
    model.fit(images[low], labels[low], epochs=3, verbose=0)
    model.save(tmp_path / "low.npz")
    model = sc.load_model(tmp_path / "low.npz")
    for layer in model.layers[:DENSE]:
        layer.trainable = False
    before = model.evaluate(images[high], labels[high])[1]
    convolutions = bits(model, CONV), bits(model, NORM)
    model.fit(images[high], labels[high], epochs=5, verbose=0)
    after = model.evaluate(images[high], labels[high])[1]
    assert before < 0.1 and after > 0.8
    assert (bits(model, CONV), bits(model, NORM)) == convolutions
