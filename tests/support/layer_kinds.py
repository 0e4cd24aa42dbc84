"""What the tests of layer kinds share."""

from __future__ import annotations

import copy

import numpy as np


def built(layer, shape, dtype=np.float32, seed=0):
    layer = copy.deepcopy(layer)
    layer.dtype = np.dtype(dtype)
    layer.build(shape, np.random.default_rng(seed))
    return layer


def batch(shape, count=3, dtype=np.float32, seed=1):
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype(dtype)
