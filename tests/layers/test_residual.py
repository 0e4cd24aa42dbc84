"""Residual: a skip connection around layers, in models, files, copies and recorded steps."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.fusion.fused import FusedConvReLU
from support.small_networks import all_arrays, some_digits

X, LABELS = some_digits(60)


def block(filters, strides=1):
    layers = [sc.Conv2D(filters, 3, strides, "same"), sc.BatchNorm(), sc.ReLU(), sc.Conv2D(filters, 3, padding="same")]
    return sc.Residual(layers, [sc.Conv2D(filters, 1, strides, "same", kernel_regularizer="l2")] if strides > 1 else ())


def network(**options):
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(4, 3, strides=3), block(4), sc.ReLU(), block(6, 2), sc.Flatten()]
    model = sc.Sequential([*layers, sc.Dense(10)], input_shape=(28, 28, 1), **options)
    model.compile(sc.Adam(1e-2))
    return model


def test_the_output_is_the_sum_of_both_ways(backend):
    inside = [sc.Conv2D(3, 3, padding="same"), sc.ReLU()]
    residual = sc.Sequential([sc.Residual(inside)], input_shape=(5, 6, 3), seed=1)
    plain = sc.Sequential([sc.Conv2D(3, 3, padding="same"), sc.ReLU()], input_shape=(5, 6, 3), seed=1)
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype(np.float32)
    np.testing.assert_array_equal(residual.forward(x), x + plain.forward(x))


def test_parameters_and_state_are_those_of_the_layers_inside():
    model = network()
    outer = model.layers[2]
    assert list(outer.params) == [
        *("conv2d/kernel", "conv2d/bias", "batch_norm/gamma", "batch_norm/beta", "conv2d_1/kernel", "conv2d_1/bias")
    ]
    for name, array in (*outer.params.items(), *outer.state.items()):
        inner = next(layer for layer in outer.layers if layer.name == name.split("/")[0])
        assert (inner.params | inner.state)[name.split("/")[1]] is array
    assert "residual_1/shortcut/conv2d/kernel" in model.named_parameters()
    assert model.count_params() == model.parameters.size == sum(a.size for a in model.named_parameters().values())
    twin = sc.Residual(outer.config()["layers"])
    assert {name: array.shape for name, array in (outer.params | outer.state).items()} == twin.weight_shapes((9, 9, 4))


def test_it_learns_the_same_fused_and_layer_by_layer(backend):
    fused, plain = network(dtype="float64"), network(dtype="float64", fuse=False)
    assert any(
        isinstance(layer, FusedConvReLU)
        for layer in sc.Sequential([sc.Residual([sc.Conv2D(1, 3, padding="same"), sc.ReLU()])], input_shape=(4, 4, 1))
        .layers[0]
        ._plans[0]
    )
    for model in (fused, plain):
        model.fit(X / 1.0, LABELS, epochs=3, batch_size=20, verbose=0)
    np.testing.assert_allclose(fused.parameters, plain.parameters, atol=1e-9)
    assert fused.history.history["loss"][-1] < fused.history.history["loss"][0]


@pytest.mark.parametrize(
    "way", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["copy", "pickle"]
)
def test_a_copy_goes_on_as_the_model_does(way):
    model = network()
    model.fit(X, LABELS, verbose=0)
    other = way(model)
    for each in (model, other):
        each.fit(X, LABELS, verbose=0)
    assert all_arrays(model) == all_arrays(other)


def test_a_model_from_a_file_goes_on_as_the_model_does(tmp_path):
    model = network()
    model.fit(X, LABELS, verbose=0)
    model.save(tmp_path / "model.npz")
    loaded = sc.load_model(tmp_path / "model.npz")
    assert repr(loaded) == repr(model)
    for each in (model, loaded):
        each.fit(X, LABELS, verbose=0)
    assert all_arrays(model) == all_arrays(loaded)
    model.save_weights(tmp_path / "weights.npz")
    other = network(seed=5)
    other.load_weights(tmp_path / "weights.npz")
    assert np.array_equal(other.predict(X), model.predict(X))


def test_it_is_frozen_as_a_whole():
    model = network()
    model.layers[2].trainable = False
    before = [array.copy() for array in (*model.layers[2].params.values(), *model.layers[2].state.values())]
    model.fit(X, LABELS, verbose=0)
    after = [*model.layers[2].params.values(), *model.layers[2].state.values()]
    assert all(map(np.array_equal, before, after))
    with pytest.raises(AttributeError, match="part of residual"):
        model.layers[2].layers[0].trainable = True


def test_penalties_of_layers_inside_count():
    model = network()
    kernel = model.layers[4].shortcut[0].params["kernel"]
    assert model.regularization_loss() == pytest.approx(0.01 * float(np.sum(kernel.astype(float) ** 2)))


def test_the_learning_rate_finder_leaves_the_model_as_it_was():
    model = network()
    before = all_arrays(model)
    sc.lr_find(model, X, LABELS, steps=5, sweeps=2, verbose=0)
    assert all_arrays(model) == before


def test_a_hostile_file_cannot_ask_for_more_memory_than_it_has(tmp_path):
    model = sc.Sequential([sc.Residual([sc.Dense(3)])], input_shape=(3,))
    model.save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as file:
        arrays = dict(file)
    config = json.loads(str(arrays.pop("config")))
    inside = config["layers"][0]["config"]["layers"]
    inside[:] = [{"class": "Dense", "config": {"units": units}} for units in (2_000_000_000, 3)]
    np.savez(tmp_path / "model.npz", config=json.dumps(config), **arrays)
    with pytest.raises(ValueError, match="does not hold a model that can be loaded"):
        sc.load_model(tmp_path / "model.npz")


BAD = {
    "other channels": (lambda: [sc.Conv2D(5, 3, padding="same")], (), r"make \(6, 6, 5\), the input is \(6, 6, 2\)"),
    "smaller": (lambda: [sc.Conv2D(2, 3)], (), 'padding="same" keep'),
    "another shortcut": (lambda: [sc.ReLU()], [sc.Conv2D(3, 1)], r"the shortcut makes \(6, 6, 3\)"),
    "nothing": (list, (), "at least one layer"),
    "no layer": (lambda: ["relu"], (), r"layers\[0\] must be a layer, such as sc.ReLU\(\), got 'relu'"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_added_is_refused(case):
    layers, shortcut, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        sc.Sequential([sc.Residual(layers(), shortcut)], input_shape=(6, 6, 2))


def test_a_layer_of_ones_own_inside_runs_and_is_refused_by_save(tmp_path):
    class Own(sc.ReLU):
        pass

    model = sc.Sequential([sc.Residual([Own()]), sc.Flatten(), sc.Dense(3)], input_shape=(4, 4, 1))
    model.forward(np.ones((1, 4, 4, 1), np.float32))
    with pytest.raises(ValueError, match="layers of this library inside, not with Own"):
        model.save(tmp_path / "model.npz")
