"""Layers and losses with kinks, each right or wrong as asked: what a gradient check must tell apart.

``flaw`` is None for the right derivative, or the name of a mistake.
"""

from __future__ import annotations

import numpy as np

import scratchcnn as sc


class Elementwise(sc.Layer):
    """y = value(x), dx = slope(x) dy."""

    flaws: tuple[str, ...] = ("sign", "factor", "always passes")

    def __init__(self, flaw=None):
        super().__init__()
        self.flaw = flaw

    def build(self, input_shape, rng):
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        self._x = self.as_input(x)
        return self.value(self._x)

    def backward(self, dy):
        slope = self.slope(self._x) * 1.0
        if self.flaw == "sign":
            slope = -slope
        elif self.flaw == "factor":
            slope = slope * 1.001
        elif self.flaw == "always passes":
            slope = np.ones_like(slope)
        return slope * dy


class HardTanh(Elementwise):
    flaws = (*Elementwise.flaws, "threshold", "only above", "only below")

    def value(self, x):
        return np.clip(x, -1, 1)

    def slope(self, x):
        if self.flaw == "only above":
            return x < 1
        if self.flaw == "only below":
            return x > -1
        return np.abs(x) < (0.9 if self.flaw == "threshold" else 1)


class ReLU6(Elementwise):
    flaws = (*Elementwise.flaws, "threshold", "no upper end", "no lower end")

    def value(self, x):
        return np.minimum(np.maximum(x, 0), 6)

    def slope(self, x):
        lower = (x > 0) | (self.flaw == "no lower end")
        upper = (x < (5.9 if self.flaw == "threshold" else 6)) | (self.flaw == "no upper end")
        return lower & upper


class ClippedReLU(Elementwise):
    flaws = (*Elementwise.flaws, "threshold", "no upper end")

    def value(self, x):
        return np.clip(x, 0, 1.5)

    def slope(self, x):
        return (x > 0) & ((x < (1.4 if self.flaw == "threshold" else 1.5)) | (self.flaw == "no upper end"))


class Leaky(Elementwise):
    flaws = (*Elementwise.flaws, "wrong side", "wrong slope")

    def value(self, x):
        return np.where(x > 0, x, 0.1 * x)

    def slope(self, x):
        positive = x <= 0 if self.flaw == "wrong side" else x > 0
        return np.where(positive, 1, 0.11 if self.flaw == "wrong slope" else 0.1)


class Absolute(Elementwise):
    def value(self, x):
        return np.abs(x)

    def slope(self, x):
        return np.sign(x)


class SoftShrink(Elementwise):
    """A kink at 0.3 sqrt(2), on both sides."""

    flaws = (*Elementwise.flaws, "threshold")

    def value(self, x):
        return np.sign(x) * np.maximum(np.abs(x) - 0.3 * 2**0.5, 0)

    def slope(self, x):
        return np.abs(x) > (0.5 if self.flaw == "threshold" else 0.3 * 2**0.5)


class MaxOut(sc.Layer):
    """The largest of each group of three (Goodfellow et al. 2013): y[n, j] = max over k of x[n, 3 j + k]."""

    flaws = ("sign", "factor", "wrong place", "to all")

    def __init__(self, flaw=None):
        super().__init__()
        self.flaw = flaw

    def build(self, input_shape, rng):
        return self.set_shapes(input_shape, (input_shape[0] // 3,))

    def forward(self, x, training=False):
        groups = self.as_input(x).reshape(len(x), -1, 3)
        self._place = groups.argmax(2)[..., None]
        return groups.max(2)

    def backward(self, dy):
        dx = np.zeros((*dy.shape, 3))
        place = (self._place + 1) % 3 if self.flaw == "wrong place" else self._place
        np.put_along_axis(dx, place, dy[..., None], 2)
        if self.flaw == "to all":
            dx[...] = dy[..., None]
        dx *= {"sign": -1, "factor": 1.001}.get(self.flaw, 1)
        return dx.reshape(len(dy), -1)


class MaxPool(sc.MaxPool2D):
    """The library's max-pool, whose gradient can be spoilt."""

    flaws = ("sign", "factor", "wrong place")

    def __init__(self, flaw=None):
        super().__init__(2)
        self.flaw = flaw

    def backward(self, dy):
        dx = super().backward(dy)
        dx *= {"sign": -1, "factor": 1.001}.get(self.flaw, 1)
        return np.roll(dx, 1, axis=2) if self.flaw == "wrong place" else dx


class Hinge:
    """max(0, margin - logits[label] + logits[j]), summed over the wrong classes j, mean over the samples."""

    flaws = ("sign", "factor", "threshold", "no mask", "forgets the label")

    def __init__(self, flaw=None, margin=1.0):
        self.flaw, self.margin = flaw, margin

    def forward(self, logits, labels):
        rows = np.arange(len(logits))
        excess = logits - logits[rows, labels][:, None] + self.margin
        excess[rows, labels] = 0
        self._labels, self._excess = labels, excess
        return np.maximum(excess, 0).sum() / len(logits)

    def backward(self):
        rows = np.arange(len(self._excess))
        active = self._excess > (0.1 * self.margin if self.flaw == "threshold" else 0)
        if self.flaw == "no mask":
            active = self._excess != 0
        dlogits = active / len(rows)
        if self.flaw != "forgets the label":
            dlogits[rows, self._labels] = -dlogits.sum(1)
        return dlogits * {"sign": -1, "factor": 1.001}.get(self.flaw, 1)


LAYERS = [
    *((kind, (5,)) for kind in (HardTanh, ReLU6, ClippedReLU, Leaky, Absolute, SoftShrink)),
    (ClippedReLU, (3, 3, 2)),
    *((MaxOut, (6,)), (MaxPool, (4, 4, 2))),
]
