"""What the tests of unregistered share."""

from __future__ import annotations

import numpy as np

import scratchcnn as sc


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
