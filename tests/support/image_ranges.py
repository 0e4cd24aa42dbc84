"""What the tests of image ranges share."""

import numpy as np

import scratchcnn as sc
from support.small_networks import some_digits

IMAGES, LABELS = some_digits(32)  # uint8 (32, 28, 28), from 0 to 255


AS_FLOATS = IMAGES.astype(np.float32)


UNIT, SYMMETRIC = AS_FLOATS / 255, AS_FLOATS / 127.5 - 1


RANDOM = np.random.default_rng(0)


def trained(x, rescaling=None):
    layers = [] if rescaling is None else [sc.Rescaling(*rescaling)]
    model = sc.Sequential([*layers, sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.compile(sc.SGD(1e-9))
    model.fit(x, LABELS, verbose=0)
    return model


def on_bytes():
    return trained(IMAGES, (1 / 255,))
