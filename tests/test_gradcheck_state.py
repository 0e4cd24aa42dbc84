"""The gradient check is not fooled by state: what a layer keeps from earlier batches, and one call does not show.

Each planted bug here is right on fresh arrays, the first time. The kind of fault: a check that looks at less than
training does.
"""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer, check_loss, check_model


@pytest.fixture(autouse=True)
def reference():
    with sc.ops.using("reference"):
        yield


class Scale(sc.Layer):
    """y = w x + v, one w and one v for each feature; dx = w dy, dw = sum of x dy, dv = sum of dy."""

    _x = _mask = _dy = None
    _calls = 0

    def build(self, input_shape, rng):
        self.add_parameter("w", rng.normal(size=input_shape))
        self.add_parameter("v", rng.normal(size=input_shape))
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        self._x = x = self.as_input(x)
        return x * self.params["w"] + self.params["v"]

    def backward(self, dy):
        self.grads["w"][...] = (self._x * dy).sum(0)
        self.grads["v"][...] = dy.sum(0)
        return self.params["w"] * dy


class AddsUp(Scale):
    def backward(self, dy):
        self.grads["w"] += (self._x * dy).sum(0)
        self.grads["v"] += dy.sum(0)
        return self.params["w"] * dy


class AddsUpInOne(Scale):
    def backward(self, dy):
        before = self.grads["v"].copy()
        dx = super().backward(dy)
        self.grads["v"] += before
        return dx


class FillsWhereZero(Scale):
    def backward(self, dy):
        if self.grads["w"].any():
            return self.params["w"] * dy
        return super().backward(dy)


class KeepsTheFirstInput(Scale):
    def forward(self, x, training=False):
        first = self._x
        y = super().forward(x, training)
        self._x = x.copy() if first is None or len(first) != len(x) else first
        return y


class KeepsTheFirstGradient(Scale):
    def backward(self, dy):
        self._dy = dy.copy() if self._dy is None or self._dy.shape != dy.shape else self._dy
        return super().backward(self._dy)


class KeepsRowsOfALargerBatch(Scale):
    _kept = np.zeros((0, 1))

    def forward(self, x, training=False):
        if len(self._kept) < len(x):
            self._kept = np.zeros_like(x)
        self._kept[: len(x)] = x
        return super().forward(x, training)

    def backward(self, dy):
        dx = super().backward(dy)
        rows = np.resize(dy, self._kept.shape)
        self.grads["w"][...] = (self._kept * rows).sum(0)
        return dx


class KeepsTheFirstMask(Scale):
    def forward(self, x, training=False):
        self._mask = x > 0 if self._mask is None or self._mask.shape != x.shape else self._mask
        return super().forward(np.where(x > 0, x, 0), training)

    def backward(self, dy):
        return super().backward(dy) * self._mask


class KeepsWeightsOfTheFirstStep(Scale):
    def backward(self, dy):
        self._first = getattr(self, "_first", self.params["w"].copy())
        super().backward(dy)
        return self._first * dy


class DividesByTheFirstBatch(Scale):
    def backward(self, dy):
        self._samples = getattr(self, "_samples", len(dy))
        dx = super().backward(dy)
        self.grads["w"] *= len(dy) / self._samples
        return dx


class NormalizesByTheFirstBatch(Scale):
    def forward(self, x, training=False):
        self._size = getattr(self, "_size", np.abs(x).max())
        return super().forward(x / self._size, training)

    def backward(self, dy):
        return super().backward(dy) / self._size


class CountsItsCalls(Scale):
    def backward(self, dy):
        self._calls += 1
        return super().backward(dy) / self._calls


class ScattersIntoAnOldBuffer(Scale):
    def backward(self, dy):
        super().backward(dy)
        fresh = "dx" not in self._buffers
        dx = self.input_gradient_buffer()
        dx[...] = 0 if fresh else dx
        dx += self.params["w"] * dy
        return dx


class StaysInInference(Scale):
    _inference = False

    def forward(self, x, training=False):
        self._inference = self._inference or not training
        return super().forward(x, training)

    def backward(self, dy):
        dx = super().backward(dy)
        return np.zeros_like(dx) if self._inference else dx


class LearnsOnlyWithDx(Scale):
    def backward(self, dy):
        return super().backward(dy) if self.needs_input_gradient else None


BUGS = [
    *(AddsUp, AddsUpInOne, FillsWhereZero, KeepsTheFirstInput, KeepsTheFirstGradient, KeepsRowsOfALargerBatch),
    *(KeepsTheFirstMask, KeepsWeightsOfTheFirstStep, DividesByTheFirstBatch, NormalizesByTheFirstBatch),
    *(CountsItsCalls, ScattersIntoAnOldBuffer, StaysInInference, LearnsOnlyWithDx),
]


def test_the_layer_without_a_bug_is_right():
    assert check_layer(Scale(), (4,)).passed
    assert check_layer(Scale(), (4,), training=False).passed
    assert check_layer(Scale(), (4,), x=np.array([[1.0, 2, 3, 4]])).passed


@pytest.mark.parametrize("bug", BUGS)
def test_a_layer_that_keeps_something_of_earlier_batches_is_wrong(bug):
    report = check_layer(bug(), (4,))
    assert not report.passed and "WRONG" in str(report)
    assert any(sign in report.problems[0] for sign in ("after other batches", "dx is not wanted")), report.problems


@pytest.mark.parametrize("bug", BUGS)
def test_such_a_layer_is_found_in_a_network(bug):
    layers = [sc.Dense(4), *([bug()] if bug is not LearnsOnlyWithDx else []), sc.Dense(3)]
    layers = [bug(), sc.Dense(3)] if bug is LearnsOnlyWithDx else layers
    report = check_model(sc.Sequential(layers, input_shape=(4,)), batch_size=3)
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


# ---- losses


class SquaredError:
    """Mean over the samples of the sum of squares."""

    _error = None

    def forward(self, logits, targets):
        self._error = logits - targets
        return (self._error**2).sum() / len(logits)

    def backward(self):
        return 2 * self._error / len(self._error)


class PilesUp(SquaredError):
    _total = 0.0

    def forward(self, logits, targets):
        self._total += super().forward(logits, targets)
        return self._total


class MovingAverage(SquaredError):
    _average = None

    def forward(self, logits, targets):
        loss = super().forward(logits, targets)
        self._average = loss if self._average is None else 0.9 * self._average + 0.1 * loss
        return self._average


class AddsUpGradients(SquaredError):
    _sum = 0.0

    def backward(self):
        dlogits = super().backward()
        same = np.shape(self._sum) == dlogits.shape
        self._sum = self._sum + dlogits if same else dlogits
        return self._sum


class StaleLogits(SquaredError):
    def forward(self, logits, targets):
        kept = self._error
        loss = super().forward(logits, targets)
        self._error = self._error if kept is None or kept.shape != logits.shape else kept
        return loss


class StaleTargets(SquaredError):
    def forward(self, logits, targets):
        self._targets = getattr(self, "_targets", targets)
        self._targets = self._targets if len(self._targets) == len(targets) else targets
        loss = super().forward(logits, targets)
        self._error = logits - self._targets
        return loss


class RowsOfALargerBatch(SquaredError):
    _rows = np.zeros((0, 1))

    def backward(self):
        dlogits = super().backward()
        if len(self._rows) < len(dlogits):
            self._rows = np.zeros_like(dlogits)
        self._rows[: len(dlogits)] = dlogits
        return self._rows


class FirstBatchSize(SquaredError):
    _samples = None

    def backward(self):
        self._samples = self._samples or len(self._error)
        return 2 * self._error / self._samples


class WritesToLogits(SquaredError):
    def forward(self, logits, targets):
        loss = super().forward(logits, targets)
        logits -= targets
        return loss


class WritesToTargets(SquaredError):
    def backward(self):
        self._targets *= 0
        return super().backward()

    def forward(self, logits, targets):
        self._targets = targets
        return super().forward(logits, targets)


LOSS_BUGS = [
    *((PilesUp, "two different outputs"), (MovingAverage, "after other batches")),
    *((AddsUpGradients, "after other batches"), (StaleLogits, "after other batches")),
    *((StaleTargets, "after other batches"), (RowsOfALargerBatch, "after other batches")),
    *((FirstBatchSize, "after other batches"), (WritesToLogits, "changed"), (WritesToTargets, "changed")),
]


@pytest.mark.parametrize(("bug", "message"), LOSS_BUGS)
def test_a_loss_that_keeps_something_of_earlier_batches_is_wrong(bug, message):
    with pytest.raises((ValueError, AssertionError), match=message):
        check_loss(bug(), (3, 4)).raise_if_wrong()


@pytest.mark.parametrize(("bug", "message"), LOSS_BUGS)
def test_such_a_loss_is_found_in_a_network(bug, message):
    model = sc.Sequential([sc.Dense(3)], input_shape=(4,))
    with pytest.raises((ValueError, AssertionError), match=rf"{message}|must have the shape|changed|fails"):
        check_model(model, loss=bug(), batch_size=3).raise_if_wrong()


def test_a_loss_of_real_targets_is_checked_with_random_ones_or_given_ones():
    check_loss(SquaredError(), (3, 4)).raise_if_wrong()
    check_loss(SquaredError(), (5, 1)).raise_if_wrong()
    check_loss(SquaredError(), labels=np.random.default_rng(0).normal(size=(4, 10))).raise_if_wrong()
    check_model(sc.Sequential([sc.Dense(1)], input_shape=(4,)), loss=SquaredError()).raise_if_wrong()


def test_a_loss_is_not_touched():
    loss = PilesUp()
    with pytest.raises(ValueError, match="two different outputs"):
        check_loss(loss, (3, 4))
    assert loss._total == 0


def test_a_loss_that_takes_no_random_targets_says_what_to_pass():
    class Picky(SquaredError):
        def forward(self, logits, targets):
            if targets.shape != (len(logits), 7):
                raise ValueError("seven targets, please")
            return super().forward(logits, targets[:, : logits.shape[1]])

    with pytest.raises(ValueError, match=r"seven targets, please.*labels="):
        check_loss(Picky(), (3, 4))
    check_loss(Picky(), (3, 4), labels=np.ones((3, 7))).raise_if_wrong()
