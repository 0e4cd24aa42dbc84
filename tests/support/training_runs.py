"""Short trainings whose result is known to the last bit; the tests run them here and in other processes."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import scratchcnn as sc
from support.small_networks import small_network, some_digits


def keras_network():
    """The usual network for MNIST: each of its convolutions has a fast path."""
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(32, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Conv2D(64, 3), sc.ReLU()]
    layers += [sc.MaxPool2D(2), sc.Flatten(), sc.Dropout(0.5), sc.Dense(10)]
    return sc.Sequential(layers, input_shape=(28, 28, 1))


def plain_network():
    """Layers that run one by one, two dense ones, and a convolution that no pool follows, in output tiles of 4 x 4."""
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(16, 5, strides=2, padding="same"), sc.LeakyReLU(), sc.AveragePool2D(2)]
    layers += [sc.Conv2D(24, 3, padding="same"), sc.BatchNorm(), sc.Flatten(), sc.Dense(64), sc.ReLU(), sc.Dense(10)]
    return sc.Sequential(layers, input_shape=(28, 28, 1))


def checksum_after_training():
    """Train three networks on batches of which the last is smaller; return a checksum of what they know and answer."""
    checksum = hashlib.sha256()
    optimizers = sc.Adam(1e-3), sc.SGD(0.1, momentum=0.9, nesterov=True), sc.AdamW(1e-3, global_clipnorm=0.1)
    for model, optimizer in zip((keras_network(), plain_network(), small_network()), optimizers, strict=True):
        model.compile(optimizer, sc.SoftmaxCrossEntropy(label_smoothing=0.1))
        model.fit(*some_digits(150), epochs=2, batch_size=64, verbose=0)
        for array in (*model.get_weights(), model.predict(some_digits(50)[0])):
            checksum.update(array.tobytes())
    return checksum.hexdigest()


def check_two_models_at_once():
    """Assert that two models predict the same alone and while the other one does too."""
    images = some_digits(200)[0]
    models = [keras_network(), plain_network()]
    alone = [model.predict(images) for model in models]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda model: [model.predict(images) for _ in range(10)], models))
    for expected, repeated in zip(alone, together, strict=True):
        for probabilities in repeated:
            np.testing.assert_array_equal(probabilities, expected)
