"""What the gradient check must not take for parameters: constants, caches, views, statistics."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer, check_model
from support.unregistered import Affine, Holds

pytestmark = pytest.mark.usefixtures("reference")


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
