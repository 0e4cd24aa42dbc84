"""The gradient check is not fooled by state: what a layer keeps from earlier batches, and one call does not show.

Each planted bug (stateful_layers.py) is right on fresh arrays, the first time. The kind of fault: a check that looks at
less than training does. Losses are in test_gradcheck_losses.py.
"""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer, check_model
from support.stateful_layers import BUGS, AddsUp, LearnsOnlyWithDx, Scale


@pytest.fixture(autouse=True)
def reference():
    with sc.ops.using("reference"):
        yield


def test_the_layer_without_a_bug_is_right():
    assert check_layer(Scale(), (4,)).passed
    assert check_layer(Scale(), (4,), training=False).passed
    assert check_layer(Scale(), (4,), x=np.array([[1.0, 2, 3, 4]])).passed


@pytest.mark.parametrize("bug", BUGS)
def test_a_layer_that_keeps_something_of_earlier_batches_is_wrong(bug):
    report = check_layer(bug(), (4,), samples=4)
    assert not report.passed and "WRONG" in str(report)
    assert any(sign in report.problems[0] for sign in ("after other batches", "dx is not wanted")), report.problems


@pytest.mark.parametrize("bug", BUGS)
def test_such_a_layer_is_found_in_a_network(bug):
    layers = [sc.Dense(4), *([bug()] if bug is not LearnsOnlyWithDx else []), sc.Dense(3)]
    layers = [bug(), sc.Dense(3)] if bug is LearnsOnlyWithDx else layers
    report = check_model(sc.Sequential(layers, input_shape=(4,)), batch_size=3, samples=2)
    assert not report.passed
    assert any(sign in report.problems[0] for sign in ("after other batches", "dx is not wanted")), report.problems


def test_a_gradient_that_is_added_up_is_called_so():
    (problem, *_) = check_layer(AddsUp(), (4,)).problems
    assert problem.startswith("AddsUp: w[") and "+= for =" in problem


# ---- what may not be changed, or must be there


class WritesToItsInput(Scale):
    def backward(self, dy):
        super().backward(dy)
        np.multiply(self.params["w"], dy, out=self._x)
        return self._x


class WritesToDy(Scale):
    def backward(self, dy):
        super().backward(dy)
        dy *= self.params["w"]
        return dy


class WritesToItsOutput(Scale):
    def forward(self, x, training=False):
        y = self.output_buffer() if self.as_input(x) is not None else None
        y[...] = super().forward(x, training)
        return y

    def backward(self, dy):
        dx = self.output_buffer()
        dx[...] = super().backward(dy)
        return dx


class NormalizesItsWeights(Scale):
    def forward(self, x, training=False):
        self.params["w"] /= np.linalg.norm(self.params["w"])
        return super().forward(x, training)


class Detaches(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        for name, gradient in self.grads.items():
            self.grads.bind(name, gradient.copy())
        return dx


class ReplacesTheDictionary(Scale):
    def backward(self, dy):
        vars(self)["grads"] = {"w": (self._x * dy).sum(0)}
        return self.params["w"] * dy


class FixesTheDtype(Scale):
    def forward(self, x, training=False):
        return super().forward(x, training).astype(np.float32)


class FixesTheDtypeOfDx(Scale):
    def backward(self, dy):
        return super().backward(dy).astype(np.float32)


class ChangesShape(Scale):
    def forward(self, x, training=False):
        return super().forward(x, training)[:, :-1]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (WritesToItsInput, "changed its input"),
        (WritesToDy, "changed dy"),
        (WritesToItsOutput, "changed the output"),
        (NormalizesItsWeights, "changed the parameter 'w'"),
        (Detaches, "no optimizer will see"),
        (ReplacesTheDictionary, "no optimizer will see"),
        (FixesTheDtype, "forward has dtype float32"),
        (FixesTheDtypeOfDx, "backward has dtype float32"),
        (ChangesShape, "build has promised"),
    ],
)
def test_a_layer_that_breaks_its_contract_is_told_which_one(layer, message):
    with pytest.raises(ValueError, match=message):
        check_layer(layer(), (4,))


def test_a_layer_that_only_works_for_one_size_of_batch_is_told_so():
    class OneSize(Scale):
        def forward(self, x, training=False):
            y = super().forward(x, training)
            self._noise = getattr(self, "_noise", np.ones_like(y))
            return y * self._noise

    with pytest.raises(ValueError, match="any number of samples may follow any other"):
        check_layer(OneSize(), (4,))


def test_single_precision_on_the_way_is_named_as_the_reason():
    class RoundsItsOutput(Scale):
        def forward(self, x, training=False):
            return super().forward(x, training).astype(np.float32).astype(np.float64)

    class RoundsItsInput(Scale):
        def forward(self, x, training=False):
            self._x = x
            return x.astype(np.float32) * self.params["w"].astype(np.float32) + self.params["v"]

    for layer, what in ((RoundsItsOutput, "outputs are float32"), (RoundsItsInput, "x is rounded to float32")):
        assert any(what in problem for problem in check_layer(layer(), (4,)).problems)


# ---- state that a layer may have


class Noise(sc.Layer):
    """y = x times random numbers, new ones each time."""

    def build(self, input_shape, rng):
        self.rng = rng
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        self._factor = self.rng.normal(size=x.shape) if training else np.ones(x.shape)
        return self.as_input(x) * self._factor

    def backward(self, dy):
        return dy * self._factor


class Standardize(sc.Layer):
    """y = x - moving mean, where the moving mean follows each training batch before it is used."""

    def build(self, input_shape, rng):
        self.state["mean"] = np.zeros(input_shape)
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        if training:
            self.state["mean"] = 0.9 * self.state["mean"] + 0.1 * x.mean(0)
        self._share = 0.1 / len(x) if training else 0
        return self.as_input(x) - self.state["mean"]

    def backward(self, dy):
        return dy - self._share * dy.sum(0)


class Assigns(Scale):
    def backward(self, dy):
        self.grads = {"w": (self._x * dy).sum(0), "v": dy.sum(0)}
        return self.params["w"] * dy


class Forgets(Scale):
    """Gives its memory back after each backward."""

    def backward(self, dy):
        dx = super().backward(dy)
        self._x = None
        return dx


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "layer", [Noise(), Standardize(), Assigns(), Forgets(), sc.BatchNorm(), sc.Dropout(0.5)], ids=repr
)
def test_a_layer_may_have_state_of_its_own(layer, training):
    check_layer(layer, (5,), batch_size=4, training=training).raise_if_wrong()
