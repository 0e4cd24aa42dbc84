"""A layer that is right, and versions that keep something of earlier batches: right on fresh arrays, the first time."""

from __future__ import annotations

import numpy as np

import scratchcnn as sc


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
