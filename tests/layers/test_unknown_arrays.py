"""Arrays that a model does not know: refused with the line to write."""

import collections
import types

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer
from support.assignments import Holds, Scale, network

pytestmark = pytest.mark.usefixtures("reference")


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
