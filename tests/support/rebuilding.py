"""What the tests of rebuilding share."""

import numpy as np

import scratchcnn as sc
from support.small_networks import random_images

IMAGES = random_images(4)


class Own(sc.Layer):
    """A layer that passes its input through, for classes below that are made and described in their own ways."""

    def build(self, input_shape, rng):
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        return x

    def backward(self, dy):
        return dy


def model_of(*layers, **options):
    return sc.Sequential([sc.Flatten(), *layers, sc.Dense(3)], input_shape=(28, 28, 1), **options)


def returned(tmp_path, *layers, **options):
    """Return a model as it comes back from a file, after checking that it answers the same."""
    model = model_of(*layers, **options)
    model.save(tmp_path / "model")
    custom = {type(layer) for layer in layers if type(layer) not in sc.layers.LAYERS.values()}
    loaded = sc.load_model(tmp_path / "model", custom_layers=list(custom))
    assert np.array_equal(loaded.predict(IMAGES), model.predict(IMAGES))
    assert repr(loaded) == repr(model)
    return loaded


class Times(Own):
    def __init__(self, times=2):
        super().__init__()
        self.times = times

    def forward(self, x, training=False):
        return x * np.float32(self.times)
