"""Networks that train in milliseconds, and a few digits for them."""

import functools

import numpy as np

import scratchcnn as sc


@functools.cache
def some_digits(count, start=0):
    """Return images (count, 28, 28) and labels of the bundled digits, and make sure that nobody changes them."""
    images, labels = (array[start : start + count].copy() for array in sc.data.load_data("digits")[0])
    images.flags.writeable = labels.flags.writeable = False
    return images, labels


def small_network(seed=0, dropout=0.25, norm=True, input_shape=(28, 28, 1), dtype="float32", **options):
    """Return a network with a layer of every kind that matters to training, not compiled."""
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(4, 3, strides=2)]
    layers += [sc.BatchNorm()] if norm else []
    layers += [sc.ReLU(), sc.MaxPool2D(2), sc.Flatten()]
    layers += [sc.Dropout(dropout)] if dropout else []
    return sc.Sequential([*layers, sc.Dense(10)], input_shape=input_shape, seed=seed, dtype=dtype, **options)


def compiled_network(optimizer=None, **options):
    """Return the small network, compiled."""
    model = small_network(**options)
    model.compile(optimizer or sc.Adam(1e-2))
    return model


def all_arrays(model):
    """Return everything that training changes, as bytes that can be compared."""
    slots = list(model.optimizer.slots.values()) if model.optimizer else []
    return [array.tobytes() for array in (*model.get_weights(), *slots)]


def random_images(count=6, shape=(28, 28, 1), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)
