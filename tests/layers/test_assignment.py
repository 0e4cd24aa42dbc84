"""An assignment that detaches an array: the layer writes to one that the model does not know, and nothing learns.

Every way to put an array into a layer's dictionaries, or to hold on to one, is the same as filling it, or an error.
"""

import collections
import copy
import pickle
import types

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer, check_model
from support.small_networks import compiled_network, some_digits


@pytest.fixture(autouse=True)
def on_numpy():
    """What is claimed here is the same on either implementation, and one need not be compiled."""
    with sc.ops.using("reference"):
        yield


class Scale(sc.Layer):
    """y = w x + b, for each feature; what the subclasses write differently must not matter."""

    def build(self, input_shape, rng):
        self.add_parameter("w", np.ones(input_shape[-1]))
        self.add_parameter("b", np.zeros(()))
        self.state["calls"] = np.zeros(1)
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        self._x = self.as_input(x)  # (N, D)
        self.state["calls"][...] += 1
        return self._x * self.params["w"] + self.params["b"]

    def backward(self, dy):
        self.grads["w"][...] = (self._x * dy).sum(axis=0)
        self.grads["b"][...] = dy.sum()
        return dy * self.params["w"]


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


class Holds(Scale):
    """Leaves the work to another layer, whose parameters it registers."""

    def build(self, input_shape, rng):
        self.inner = Scale()
        self.inner.dtype = self.dtype
        shape = self.inner.build(input_shape, rng)
        for name in self.inner.params:
            self.add_parameter(name, self.inner.params[name])
            self.inner.move_parameter(name, self.params[name], self.grads[name])
        self.state["calls"] = self.inner.state["calls"]
        return self.set_shapes(input_shape, shape)

    def forward(self, x, training=False):
        return self.inner.forward(x, training)

    def backward(self, dy):
        return self.inner.backward(dy)


WAYS = [Assigns, Updates, AssignsAll, Remembers, Holds]


def network(layer, **options):
    layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(6), sc.ReLU(), layer, sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), **options)
    model.compile(sc.SGD(0.1, momentum=0.9))
    return model


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


WRONG = {
    "a parameter that was not registered": lambda layer: layer.params.update(v=np.ones(6)),
    "a gradient without a parameter": lambda layer: layer.grads.setdefault("v", np.ones(6)),
    "a state after build": lambda layer: layer.state.update(v=np.ones(6)),
    "some of the gradients": lambda layer: setattr(layer, "grads", {"w": np.ones(6)}),
    "no gradients": lambda layer: setattr(layer, "grads", {}),
    "other parameters": lambda layer: setattr(layer, "params", {"w": np.ones(6), "v": np.ones(6)}),
    "removed by del": lambda layer: layer.grads.__delitem__("w"),
    "removed by pop": lambda layer: layer.params.pop("w"),
    "removed by pop with a default": lambda layer: layer.params.pop("v", None),
    "removed by popitem": lambda layer: layer.state.popitem(),
    "removed by clear": lambda layer: layer.grads.clear(),
    "registered late": lambda layer: layer.add_parameter("v", np.ones(6)),
}


@pytest.mark.parametrize("act", WRONG.values(), ids=WRONG)
def test_arrays_that_the_model_does_not_know_are_refused(act):
    layer = network(Scale()).layers[4]
    before = {kind: dict(getattr(layer, kind)) for kind in ("params", "grads", "state")}
    with pytest.raises(RuntimeError, match=r"^scale"):
        act(layer)
    assert {kind: dict(getattr(layer, kind)) for kind in before} == before


def test_a_parameter_that_is_not_registered_is_refused_with_the_line_to_write():
    class Forgets(Scale):
        def build(self, input_shape, rng):
            self.params["w"] = np.ones(input_shape)
            return self.set_shapes(input_shape, input_shape)

    with pytest.raises(RuntimeError, match=r'register it in build: self.add_parameter\("w", value\)'):
        network(Forgets())
    with pytest.raises(RuntimeError, match=r'register it in build: self.add_parameter\("w", value\)'):
        check_layer(Forgets(), (6,))


def test_an_initial_value_that_is_taken_for_the_parameter_is_refused():
    class Confuses(Scale):
        def build(self, input_shape, rng):
            self.w = np.ones(input_shape, np.float32)
            self.add_parameter("w", self.w)
            return self.set_shapes(input_shape, input_shape)

    with pytest.raises(RuntimeError, match=r'^confuses\.w holds the initial value.*use self.params\["w"\]'):
        network(Confuses())
    with pytest.raises(RuntimeError, match="holds the initial value of the parameter 'w'"):
        check_layer(Confuses(), (6,))


def test_a_layer_inside_that_does_not_share_the_parameters_is_refused():
    class Forgets(Holds):
        def build(self, input_shape, rng):
            self.inners = [Scale()]
            shape = self.inners[0].build(input_shape, rng)
            for name, parameter in self.inners[0].params.items():
                self.add_parameter(name, parameter)
            return self.set_shapes(input_shape, shape)

    with pytest.raises(RuntimeError, match=r"^forgets\.inners holds the initial value .*layer\.move_parameter"):
        network(Forgets())


PLACES = {
    "an object": lambda array: types.SimpleNamespace(array=array),
    "a named tuple": collections.namedtuple("Kept", "array"),
    "a deque": lambda array: collections.deque([array]),
    "a function": lambda array: lambda: array,
    "a view in a function": lambda array: lambda row=array[np.newaxis]: row,
    "an array of objects": lambda array: np.array([array, None], dtype=object),
}


@pytest.mark.parametrize("kind", ["params", "grads"])
@pytest.mark.parametrize("keep", PLACES.values(), ids=PLACES)
def test_an_array_that_build_keeps_where_the_model_cannot_find_it_is_refused(kind, keep):
    class Keeps(Scale):
        def build(self, input_shape, rng):
            shape = super().build(input_shape, rng)
            self.kept = keep(getattr(self, kind)["w"])
            return shape

    with pytest.raises(RuntimeError, match=rf"build of keeps has put .* self\.{kind}\['w'\] into .*; write"):
        network(Keeps())
    with pytest.raises(RuntimeError, match=rf"has put the array self\.{kind}\['w'\]"):
        check_layer(Keeps(), (6,))


def test_what_build_leaves_behind_in_cycles_holds_no_array():
    class Recurses(Scale):
        def build(self, input_shape, rng):
            shape = super().build(input_shape, rng)

            def count_down(number):
                return self.params["w"] is parameter and (number == 0 or count_down(number - 1))

            parameter = self.params["w"]
            assert count_down(3)
            return shape

    assert network(Recurses()).layers[4].params["w"].tolist() == [1] * 6


def test_an_array_from_before_a_freeze_cannot_be_written_to():
    model = network(Scale())
    w, dw = model.layers[4].params["w"], model.layers[4].grads["w"]
    model.layers[2].trainable = False
    model.lay_out()
    for array in (w, dw):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    model.layers[4].params["w"][...] = 2


def test_two_parameters_of_one_name_are_refused():
    class Repeats(Scale):
        def build(self, input_shape, rng):
            self.add_parameter("w", np.ones(input_shape))
            self.add_parameter("w", np.zeros(input_shape))
            return self.set_shapes(input_shape, input_shape)

    with pytest.raises(RuntimeError, match="two parameters under the name 'w'"):
        network(Repeats())


def test_an_initial_value_is_copied():
    value = np.ones(3, np.float32)
    layer = sc.Layer()
    layer.add_parameter("w", value)
    layer.params["w"] += 1
    assert value.tolist() == [1, 1, 1]
