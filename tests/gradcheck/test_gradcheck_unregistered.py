"""The gradient check finds parameters that are attributes only, and takes nothing else for one.

The kind of fault: all derivatives are right, and nothing learns.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer, check_model
from support.unregistered import Affine, Holds

pytestmark = pytest.mark.usefixtures("reference")


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
