"""An assignment that detaches an array: the layer writes to one that the model does not know, and nothing learns.

Every way to put an array into a layer's dictionaries, or to hold on to one, is the same as filling it, or an error.
"""

import copy
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer, check_model
from support.assignments import Holds, Scale, network
from support.small_networks import compiled_network, some_digits

pytestmark = pytest.mark.usefixtures("reference")


class Assigns(Scale):
    def forward(self, x, training=False):
        self._x = self.as_input(x)
        self.state["calls"] = self.state["calls"] + 1
        return self._x * self.params["w"] + self.params["b"]

    def backward(self, dy):
        self.grads["w"] = (self._x * dy).sum(axis=0)
        self.grads["b"] = dy.sum()
        return dy * self.params["w"]


class Updates(Scale):
    def backward(self, dy):
        self.grads.update(w=(self._x * dy).sum(axis=0))
        self.grads |= {"b": dy.sum()}
        return dy * self.params["w"]


class AssignsAll(Scale):
    def forward(self, x, training=False):
        self._x = self.as_input(x)
        self.state = {"calls": self.state["calls"] + 1}
        return self._x * self.params["w"] + self.params["b"]

    def backward(self, dy):
        self.grads = {"w": (self._x * dy).sum(axis=0), "b": dy.sum()}
        return dy * self.params["w"]


class Remembers(Scale):
    """Keeps arrays, and views of them, from build."""

    def build(self, input_shape, rng):
        shape = super().build(input_shape, rng)
        self.w, self.dw = self.params["w"], self.grads["w"]
        self.row = self.params["w"][np.newaxis, ::-1]
        self.both = {"b": [self.params["b"], (self.grads["b"],)]}
        self.calls = self.state["calls"]
        return shape

    def forward(self, x, training=False):
        self._x = self.as_input(x)
        self.calls[...] += 1
        return self._x * self.row[:, ::-1] + self.both["b"][0]

    def backward(self, dy):
        self.dw[...] = (self._x * dy).sum(axis=0)
        self.both["b"][1][0][...] = dy.sum()
        return dy * self.w


WAYS = [Assigns, Updates, AssignsAll, Remembers, Holds]


def trained(layer, by_hand=False, epochs=2, change=lambda model: model, **options):
    model = change(network(layer, **options))
    images, labels = some_digits(60)
    if not by_hand:
        model.fit(images, labels, batch_size=20, epochs=epochs, shuffle=False, verbose=0)
        return [array.tobytes() for array in model.get_weights()]
    for _ in range(epochs):
        for start in range(0, 60, 20):
            logits = model.forward(images[start : start + 20, ..., np.newaxis], training=True)
            model.loss.forward(logits, labels[start : start + 20])
            model.backward(model.loss.backward())
            model.optimizer.step(model.parameters, model.gradients)
    return [array.tobytes() for array in model.get_weights()]


@pytest.mark.parametrize("layer", WAYS)
@pytest.mark.parametrize(("fuse", "by_hand"), [(True, False), (False, True)])
def test_a_layer_that_assigns_learns_as_one_that_fills(layer, fuse, by_hand):
    expected = trained(Scale(), by_hand, fuse=fuse)
    assert trained(layer(), by_hand, fuse=fuse) == expected
    start = [array.tobytes() for array in network(Scale()).get_weights()]
    assert expected[2:4] != start[2:4], "w and b have moved"


@pytest.mark.parametrize("layer", WAYS)
def test_a_layer_that_assigns_passes_the_gradient_check(layer):
    assert check_layer(layer(), (6,)).passed
    assert check_model(network(layer())).passed


@pytest.mark.parametrize("change", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("layer", WAYS)
def test_a_copied_model_learns_with_arrays_of_its_own(layer, change):
    originals = []

    def copied(model):
        originals.append((model, [array.tobytes() for array in model.get_weights()]))
        return change(model)

    assert trained(layer(), change=copied) == trained(Scale())
    original, before = originals[0]
    assert [array.tobytes() for array in original.get_weights()] == before


def test_what_is_assigned_is_cast_as_filling_does():
    layer = network(Scale()).layers[4]
    array = layer.grads["w"]
    layer.grads["w"] = np.full(6, 1 / 3)
    layer.params["b"] = 2
    layer.params["w"] = [1, 2, 3, 4, 5, 6]
    layer.params["w"] *= 2
    assert layer.grads["w"] is array and array.dtype == np.float32
    assert layer.params["w"].tolist() == [2, 4, 6, 8, 10, 12] and layer.params["b"] == 2


@pytest.mark.parametrize("value", [1.0, [1.0], np.ones((1, 6)), np.ones((6, 1)), np.ones(5), None, "a", 1j])
@pytest.mark.parametrize("kind", ["params", "grads"])
def test_a_wrong_shape_is_not_broadcast_but_named(kind, value):
    layer = network(Scale()).layers[4]
    with pytest.raises(ValueError, match=rf"scale\.{kind}\['w'\] (has shape \(6,\), got .* shape|must be real)"):
        getattr(layer, kind)["w"] = value


def test_statistics_that_are_assigned_reach_the_model_its_averages_and_its_file(tmp_path):
    model = compiled_network()
    array = model.layers[2].state["moving_mean"]
    model.layers[2].state["moving_mean"] = np.full(4, 7.0)
    assert model.layers[2].state["moving_mean"] is array and (array == 7).all()
    model.save(tmp_path / "model.npz")
    assert (sc.load_model(tmp_path / "model.npz").layers[2].state["moving_mean"] == 7).all()


def test_vectors_of_a_model_are_filled_when_they_are_assigned():
    model = network(Scale())
    vector, gradients = model.parameters, model.gradients
    model.parameters = model.parameters + 1.0
    model.gradients = np.zeros(model.gradients.size)
    model.parameters *= 0.5
    assert model.parameters is vector and model.gradients is gradients
    assert model.layers[4].params["w"].tolist() == [1] * 6
    with pytest.raises(ValueError, match=r"model\.parameters has shape \(\d+,\), got \(3,\)"):
        model.parameters = np.zeros(3)
