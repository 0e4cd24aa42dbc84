"""Layers that jump at integers, look-ups above all, are right or wrong for what they are; and reports can be read.

The kind of fault: correct code that is called wrong, because a check of dx makes no sense where the input is a table's
index, or because it meets a threshold exactly.
"""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer, check_loss, check_model
from support.kinked_layers import Elementwise

WORDS = np.random.default_rng(0).integers(0, 5, (3, 4))


@pytest.fixture(autouse=True)
def reference():
    with sc.ops.using("reference"):
        yield


class Embedding(sc.Layer):
    """y = the row of a table that x is the index of. ``dx`` is what backward returns: zeros, ones, or None."""

    def __init__(self, flaw=None, dx=np.zeros):
        super().__init__()
        self._flaw, self._dx = flaw, dx

    def build(self, input_shape, rng):
        self.add_parameter("table", rng.normal(size=(5, 3)))
        return self.set_shapes(input_shape, (*input_shape, 3))

    def forward(self, x, training=False):
        self._index = x.astype(int)
        return self.params["table"][self._index]

    def backward(self, dy):
        self.grads["table"] = np.zeros((5, 3))
        if self._flaw == "assigns":
            self.grads["table"][self._index] = dy
        else:
            np.add.at(self.grads["table"], self._index, dy)
        return None if self._dx is None else self._dx(self._index.shape)


class OneHot(sc.Layer):
    """y = 1 where the class is x, else 0."""

    def build(self, input_shape, rng):
        return self.set_shapes(input_shape, (*input_shape, 5))

    def forward(self, x, training=False):
        return (x[..., None] == np.arange(5)) * 1.0

    def backward(self, dy):
        return np.zeros(dy.shape[:-1])


class Thresholded(Elementwise):
    """y = x above 1, else 0, as Keras's ThresholdedReLU."""

    def value(self, x):
        return np.where(x > 1, x, 0)

    def slope(self, x):
        return x > 1


@pytest.mark.parametrize("layer", [Embedding(), Embedding(dx=None), OneHot()])
def test_a_layer_that_looks_up_integers_is_right(layer):
    check_layer(layer, x=WORDS).raise_if_wrong()
    check_model(sc.Sequential([layer, sc.Flatten(), sc.Dense(3)], (4,)), WORDS, samples=8).raise_if_wrong()


@pytest.mark.parametrize("layer", [Embedding("assigns"), Embedding(dx=np.ones), Embedding("assigns", None)])
def test_a_wrong_look_up_is_caught(layer):
    assert check_layer(layer, x=WORDS).verdict == "WRONG"


def test_only_a_layer_that_looks_up_integers_may_return_no_input_gradient():
    class Forgets(Elementwise):
        def value(self, x):
            return 2 * x

        def backward(self, dy):
            return None

    for layer, arguments in ((Forgets(), {"x": WORDS}), (Embedding(dx=None), {"input_shape": (4,)})):
        with pytest.raises(ValueError, match=r"got None; return dx or, where integers are looked up, pass x="):
            check_layer(layer, **arguments)


@pytest.mark.parametrize("flaw", [None, *Thresholded.flaws])
def test_integers_on_a_threshold_have_no_derivative_and_the_others_are_checked(flaw):
    report = check_layer(Thresholded(flaw), x=WORDS)
    assert report.passed == (flaw is None)
    assert report.comparisons[0].kinks == np.count_nonzero(WORDS == 1) and report.comparisons[0].rough == 0
    assert " = 1: the output jumps" in str(report)


def test_a_jump_does_not_hide_a_small_error_beside_it():
    class JumpsAndIsSlightlyWrong(Thresholded):
        def backward(self, dy):
            return super().backward(dy) * (1 + 3e-7)

    assert check_layer(JumpsAndIsSlightlyWrong(), x=WORDS).verdict == "WRONG"


def test_a_loss_that_refuses_large_outputs_is_right_where_it_works():
    class Cautious:
        def forward(self, logits, targets):
            if np.abs(logits).max() > 3:
                raise ValueError("outputs above 3")
            self._error = logits - targets
            return (self._error**2).sum() / len(logits)

        def backward(self):
            return 2 * self._error / len(self._error)

    assert check_loss(Cautious(), (3, 4)).passed


def test_a_report_fits_the_line_and_names_a_loss_without_its_address():
    class Wrong:
        def forward(self, logits, targets):
            self._error = logits - targets
            return (self._error**2).sum()

        def backward(self):
            return self._error

    printed = str(check_loss(Wrong(), (3, 4)))
    assert printed.startswith("WRONG  Wrong on logits of shape (3, 4)\n")
    assert max(map(len, printed.splitlines())) <= 120
    assert " at logits[" in " ".join(printed.split())
