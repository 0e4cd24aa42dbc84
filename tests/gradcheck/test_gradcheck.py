"""A gradient check finds what is wrong and says where. The kind of fault: a wrong derivative that is called right.

Kinks are in test_gradcheck_kinks.py, what is left of earlier batches in test_gradcheck_state.py.
"""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import GradientError, check_layer, check_loss, check_model
from scratchcnn.gradcheck import __main__ as command_line


@pytest.fixture(autouse=True)
def reference():
    with sc.ops.using("reference"):
        yield


class WrongKernel(sc.Dense):
    """Adds 0.5 to one element of the kernel's gradient."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["kernel"][2, 1] += 0.5
        return dx


class WrongInput(sc.ReLU):
    """Lets the whole gradient pass."""

    def backward(self, dy):
        return super().backward(dy) + dy


class ForgottenScale(sc.BatchNorm):
    """Forgets gamma, which is 1 at first, in dx."""

    def backward(self, dy):
        return super().backward(dy) / self.params["gamma"]


def test_a_wrong_derivative_is_reported_with_layer_parameter_index_and_both_values():
    report = check_layer(WrongKernel(3), (4,))
    assert not report.passed
    (kernel,) = [comparison for comparison in report.comparisons if comparison.name == "kernel"]
    assert kernel.index == (2, 1)
    assert kernel.worst.analytic - kernel.worst.numeric == pytest.approx(0.5)
    with pytest.raises(GradientError) as caught:
        report.raise_if_wrong()
    sentence = str(caught.value).splitlines()[0]
    assert sentence.startswith("WrongKernel: kernel[2, 1]: backward gives ")
    assert f"{kernel.worst.analytic:.10g}" in sentence and f"{kernel.worst.numeric:.10g}" in sentence
    assert "bias" not in sentence and "WRONG" in str(report)


@pytest.mark.parametrize(("layer", "shape"), [(WrongInput(), (10,)), (ForgottenScale(), (3, 3, 2))])
def test_a_wrong_input_gradient_is_found(layer, shape):
    with pytest.raises(GradientError, match=rf"{type(layer).__name__}: dx\["):
        check_layer(layer, shape).raise_if_wrong()


def test_a_tiny_error_is_found_and_a_tolerated_one_is_not():
    class SlightlyWrong(sc.Dense):
        def backward(self, dy):
            return super().backward(dy) * (1 + 3e-7)

    assert not check_layer(SlightlyWrong(3), (4,)).passed
    assert check_layer(SlightlyWrong(3), (4,), tolerance=1e-6).passed


def test_the_random_direction_finds_and_names_a_wrong_element_not_sampled():
    class WrongCorner(sc.Dense):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grads["kernel"][-1, -1] += 5
            return dx

    report = check_layer(WrongCorner(40), (40,), samples=5)
    assert report.problems[0].startswith("WrongCorner: kernel[39, 39]: backward gives ")


def test_the_input_is_told_where_only_some_inputs_go_wrong():
    class WrongAbove(sc.ReLU):
        def forward(self, x, training=False):
            self._x = x
            return super().forward(x, training)

        def backward(self, dy):
            return super().backward(dy) * (self._x < 50)

    (problem,) = check_layer(WrongAbove(), (5,)).problems
    assert problem.startswith("WrongAbove: dx[") and " at x[" in problem and "of 410 inputs from -64 to 64" in problem


def test_input_shape_is_that_of_x_where_x_is_given():
    assert check_layer(sc.Dense(3), x=np.random.default_rng(0).normal(size=(2, 4))).passed
    for arguments, message in (({}, "needs input_shape"), ({"input_shape": (5,), "x": np.ones((2, 4))}, "asks for")):
        with pytest.raises(ValueError, match=message):
            check_layer(sc.Dense(3), **arguments)


def test_forgotten_and_broken_gradients_are_found():
    class Forgotten(sc.Dense):
        def backward(self, dy):
            super().backward(dy)
            self.grads["bias"][...] = 0
            return self.input_gradient_buffer()

    class NotANumber(sc.Dense):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grads["kernel"][0, 0] = np.nan
            return dx

    assert "bias[" in check_layer(Forgotten(3), (4,)).problems[0]
    assert "backward gives nan" in check_layer(NotANumber(3), (4,)).problems[0]


def test_layers_that_break_their_contract_are_refused():
    class Returns(sc.ReLU):
        def backward(self, dy):
            return None

    class Overwrites(sc.ReLU):
        def backward(self, dy):
            dy *= 2
            return super().backward(dy)

    class Unseeded(sc.ReLU):
        def forward(self, x, training=False):
            return super().forward(x + np.random.default_rng().normal(), training)

    for layer, message in ((Returns(), "must have the shape"), (Overwrites(), "changed"), (Unseeded(), "different")):
        with pytest.raises(ValueError, match=message):
            check_layer(layer, (5,))


def test_a_wrong_layer_in_a_network_is_named():
    layers = [sc.Dense(6), sc.ReLU(), WrongKernel(4)]
    report = check_model(sc.Sequential(layers, input_shape=(5,)), samples=30)
    assert len(report.problems) == 1
    assert report.problems[0].startswith("wrong_kernel: kernel[2, 1]: ")


def test_a_wrong_loss_is_found():
    class NotDivided(sc.SoftmaxCrossEntropy):
        def backward(self):
            return super().backward() * len(self._targets)

    with pytest.raises(GradientError, match=r"NotDivided: dlogits\["):
        check_loss(NotDivided()).raise_if_wrong()


def test_what_is_checked_is_not_touched():
    model = sc.Sequential([sc.Conv2D(2, 3), sc.BatchNorm(), sc.Flatten(), sc.Dense(3)], input_shape=(5, 5, 1))
    before, rng = model.get_weights(), model.rng.bit_generator.state
    check_model(model, samples=2)
    check_layer(model.layers[0], (5, 5, 1), samples=2)
    assert all(np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))
    assert model.rng.bit_generator.state == rng
    assert model.layers[0].dtype == np.float32


def test_a_check_is_repeatable():
    first, again, other = (str(check_layer(sc.Dense(2), (5,), seed=seed)) for seed in (1, 1, 2))
    assert first == again != other


# ---- the command


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["gradcheck", *arguments])
    return command_line.main()


def test_the_command_reports_every_layer_and_whole_networks(monkeypatch, capsys):
    assert run(monkeypatch, "--backend", "reference") == 0
    printed = capsys.readouterr().out
    for name in [*sc.layers.LAYERS, *sc.losses.LOSSES]:
        assert re.search(rf"^right  .*  {name}\(", printed, re.MULTILINE), name
    assert "fuse=True" in printed and "fuse=False" in printed
    assert ", 0 wrong," in printed


def test_the_command_fails_if_a_derivative_is_wrong(monkeypatch, capsys):
    monkeypatch.setattr(command_line, "layer_reports", lambda: iter([check_layer(WrongKernel(3), (4,))]))
    monkeypatch.setattr(command_line, "model_reports", lambda: iter([]))
    assert run(monkeypatch, "--backend", "reference") == 1
    assert "WRONG WrongKernel: kernel[2, 1]" in capsys.readouterr().out
