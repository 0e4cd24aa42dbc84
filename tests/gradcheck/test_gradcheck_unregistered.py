"""The gradient check finds parameters that are attributes only, and takes nothing else for one.

The kind of fault: all derivatives are right, and nothing learns.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer, check_model


@pytest.fixture(autouse=True)
def reference():
    with sc.ops.using("reference"):
        yield


class Affine(sc.Layer):
    """y = x W + b in the style of textbooks, with all arrays in attributes."""

    def build(self, input_shape, rng):
        self.W, self.b = rng.normal(size=(input_shape[0], 4)), np.zeros(4)
        return self.set_shapes(input_shape, (4,))

    def forward(self, x, training=False):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW, self.db = self.x.T @ dy, dy.sum(0)
        return dy @ self.W.T


class MadeByTheConstructor(Affine):
    def __init__(self):
        super().__init__()
        self.W, self.b = np.full((3, 4), 0.5), np.zeros(4)

    def build(self, input_shape, rng):
        return self.set_shapes(input_shape, (4,))


class HalfRegistered(Affine):
    """The bias is registered; the weights are not."""

    def build(self, input_shape, rng):
        shape = super().build(input_shape, rng)
        self.add_parameter("b", np.zeros(4))
        return shape

    def forward(self, x, training=False):
        self.b = self.params["b"]
        return super().forward(x)

    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["b"] = self.db
        return dx


class InDictionaries(Affine):
    def build(self, input_shape, rng):
        shape = super().build(input_shape, rng)
        self.weights, self.slopes = {"W": self.W, "b": self.b}, {}
        return shape

    def backward(self, dy):
        dx = super().backward(dy)
        self.slopes.update(W=self.dW, b=self.db)
        del self.dW, self.db
        return dx


class InAnotherObject(Affine):
    class Holder:
        pass

    def build(self, input_shape, rng):
        self.of = self.Holder()
        self.of.W = rng.normal(size=(input_shape[0], 4))
        return self.set_shapes(input_shape, (4,))

    def forward(self, x, training=False):
        self.x = x
        return x @ self.of.W

    def backward(self, dy):
        self.of.gradient = self.x.T @ dy
        return dy @ self.of.W.T


class WithAWrongGradient(Affine):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grad_w, self.db = self.dW.T, 2 * self.db  # another shape, a wrong factor: known by its name
        del self.dW
        return dx


class OneNumber(sc.Layer):
    slope = dslope = None

    def build(self, input_shape, rng):
        self.slope = 0.25
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        self.x = x
        return np.where(x > 0, x, self.slope * x)

    def backward(self, dy):
        self.dslope = float(np.sum(dy * np.minimum(self.x, 0)))
        return np.where(self.x > 0, dy, self.slope * dy)


class Holds(sc.Layer):
    """Leaves the work to a layer inside."""

    def build(self, input_shape, rng):
        self.inner = sc.Dense(4)
        self.inner.dtype = self.dtype
        return self.set_shapes(input_shape, self.inner.build(input_shape, rng))

    def forward(self, x, training=False):
        return self.inner.forward(x, training)

    def backward(self, dy):
        return self.inner.backward(dy)


FORGETFUL = {
    Affine: ["self.W", "self.b"],
    MadeByTheConstructor: ["self.W", "self.b"],
    HalfRegistered: ["self.W"],
    InDictionaries: ["self.W", "self.b"],
    InAnotherObject: ["self.of.W"],
    WithAWrongGradient: ["self.W", "self.b"],
    OneNumber: ["self.slope"],
    Holds: ["self.inner.params['kernel']", "self.inner.params['bias']"],
}


@pytest.mark.parametrize("layer", FORGETFUL, ids=lambda layer: layer.__name__)
def test_a_parameter_that_is_an_attribute_only_is_wrong_in_a_layer_and_in_a_model(layer):
    network = sc.Sequential([sc.Dense(3), layer(), sc.Dense(2)], input_shape=(5,))
    for report in (check_layer(layer(), (3,)), check_model(network)):
        found = [re.match(r"\w+: (\S+) is a parameter that no optimizer knows of", fault) for fault in report.faults]
        assert [match[1] for match in found] == FORGETFUL[layer], report
        assert report.verdict == "WRONG"


def test_the_lines_that_are_advised_make_the_layer_right_and_it_learns():
    advice = " ".join(check_layer(Affine(), (3,)).faults)

    class Registered(Affine):
        def build(self, input_shape, rng):
            for name, initial_value in (("W", rng.normal(size=(3, 4))), ("b", np.zeros(4))):
                assert f'self.add_parameter("{name}", initial_value)' in advice
                self.add_parameter(name, initial_value)
            return self.set_shapes(input_shape, (4,))

        def forward(self, x, training=False):
            self.x = x
            return x @ self.params["W"] + self.params["b"]

        def backward(self, dy):
            self.grads["W"], self.grads["b"] = self.x.T @ dy, dy.sum(0)
            return dy @ self.params["W"].T

    assert check_layer(Registered(), (3,)).passed
    model = sc.Sequential([Registered()], input_shape=(3,))
    model.compile(sc.SGD(0.5))
    losses = model.fit(np.eye(3), [0, 1, 2], epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


def test_a_layer_that_holds_another_is_right_after_the_lines_that_are_advised():
    lines = [
        """self.add_parameter("{0}", self.inner.params['{0}'])""",
        """self.inner.move_parameter("{0}", self.params["{0}"], self.grads["{0}"])""",
    ]
    advice = " ".join(check_layer(Holds(), (3,)).faults)

    class Shares(Holds):
        def build(self, input_shape, rng):
            shape = super().build(input_shape, rng)
            for line in (line.format(name) for name in ("kernel", "bias") for line in lines):
                assert line in advice
                exec(line, {"self": self})
            return shape

    assert len(check_layer(Shares(), (3,)).raise_if_wrong().comparisons) == 3


# ---- what is no parameter


class Right(sc.Layer):
    """y = x W, registered."""

    def build(self, input_shape, rng):
        self.add_parameter("W", rng.normal(size=(3, 3)))
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        self.x = x
        return x @ self.params["W"]

    def backward(self, dy):
        self.grads["W"] = self.x.T @ dy
        return dy @ self.params["W"].T


class KeepsViewsAndCopies(Right):
    def forward(self, x, training=False):
        self.W, self.W_of_now, self.eps = self.params["W"], self.params["W"].copy(), 1e-9
        return super().forward(x)

    def backward(self, dy):
        self.dx, self.dW = super().backward(dy), self.x.T @ dy
        self.dW_of_now = 2 * self.dW
        return self.dx


class FixedFilter(Right):
    """x W + P + F x with fixed P and F, and the sums that the gradient is made of."""

    def build(self, input_shape, rng):
        self.position, self.filter, self.scale = rng.normal(size=3), np.diag([1.0, 2.0, 3.0]), 0.5
        return super().build(input_shape, rng)

    def forward(self, x, training=False):
        return super().forward(x) + self.position + self.scale * (x @ self.filter)

    def backward(self, dy):
        self.mean_dy, self.norm = dy.mean(0), float(np.sum(dy**2))
        return super().backward(dy) + self.scale * (dy @ self.filter.T)


class FixedOffsetBesideABias(sc.Layer):
    """The gradient of the bias would be that of the constant offset as well."""

    def build(self, input_shape, rng):
        self.offset = np.array([1.0, 2.0, 3.0])
        self.add_parameter("bias", np.zeros(3))
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        return x + self.offset + self.params["bias"]

    def backward(self, dy):
        self.dbias = dy.sum(0)
        self.grads["bias"] = self.dbias
        return dy.copy()


class Normalization(sc.Layer):
    """Batch normalisation of the textbook: batch statistics, running ones, and gradients of both in attributes."""

    def build(self, input_shape, rng):
        self.running_mean, self.running_var = np.zeros(3), np.ones(3)
        self.mean, self.var = np.zeros(3), np.ones(3)
        self.add_parameter("gamma", np.ones(3))
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        self.training = training
        self.mean, self.var = (x.mean(0), x.var(0)) if training else (self.running_mean, self.running_var)
        if training:
            self.running_mean = 0.9 * self.running_mean + 0.1 * self.mean
            self.running_var = 0.9 * self.running_var + 0.1 * self.var
        self.deviation = np.sqrt(self.var + 1e-3)
        self.centred = x - self.mean
        return self.params["gamma"] * self.centred / self.deviation

    def backward(self, dy):
        dnormalized = self.params["gamma"] * dy
        self.grads["gamma"] = (dy * self.centred / self.deviation).sum(0)
        self.drunning_mean = self.dmean = -dnormalized.sum(0) / self.deviation
        self.dvar = -0.5 * (dnormalized * self.centred).sum(0) / self.deviation**3
        dx = dnormalized / self.deviation
        return dx + self.dmean / len(dy) + self.dvar * 2 * self.centred / len(dy) if self.training else dx


@pytest.mark.parametrize("layer", [Right, KeepsViewsAndCopies, FixedFilter, FixedOffsetBesideABias, Normalization])
def test_constants_caches_views_and_statistics_are_not_taken_for_parameters(layer):
    check_layer(layer(), (3,), batch_size=5).raise_if_wrong()
    check_model(sc.Sequential([sc.Dense(3), layer(), sc.Dense(2)], input_shape=(5,)), batch_size=5).raise_if_wrong()
    if layer is not Normalization:
        check_layer(layer(), (3,), training=False).raise_if_wrong()


def test_running_statistics_and_their_gradients_are_no_parameters_in_inference():
    faults = check_layer(Normalization(), (3,), training=False).faults
    assert not any("no optimizer" in fault for fault in faults), faults


def test_a_frozen_layer_owes_no_registration():
    layer = Affine()
    layer.trainable = False
    check_layer(layer, (3,)).raise_if_wrong()


class FrozenInside(Holds):
    def build(self, input_shape, rng):
        shape = super().build(input_shape, rng)
        self.inner.trainable = False
        return shape


class OfAnotherModel(Holds):
    def build(self, input_shape, rng):
        self.inner = sc.Sequential([sc.Dense(4)], input_shape=input_shape, dtype="float64").layers[0]
        return self.set_shapes(input_shape, (4,))


@pytest.mark.parametrize("layer", [FrozenInside, OfAnotherModel])
def test_a_layer_inside_that_is_frozen_or_of_another_model_is_not_to_be_registered(layer):
    check_layer(layer(), (3,)).raise_if_wrong()
