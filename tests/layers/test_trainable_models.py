"""Layers frozen and thawed between trainings, inside of others, and in files."""

import copy
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer
from support.frozen_layers import CONV, DENSE, IMAGES, LABELS, NORM, bits, train
from support.small_networks import all_arrays, compiled_network, some_digits

pytestmark = pytest.mark.usefixtures("reference")


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
