"""What must stay as it is: the loss at the start, what any network can learn, and one training to the last digits."""

import math

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import some_digits


def conv_net(dtype="float32", **options):
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(6, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Conv2D(8, 3, strides=2)]
    layers += [sc.BatchNorm(), sc.ReLU(), sc.Flatten(), sc.Dropout(0.25), sc.Dense(10)]
    return sc.Sequential(layers, input_shape=(28, 28, 1), seed=1, dtype=dtype, **options)


def dense_net():
    layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(64), sc.ReLU(), sc.Dense(10)]
    return sc.Sequential(layers, input_shape=(28, 28, 1))


def plain_conv_net():
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(8, 5, strides=2, padding="same"), sc.LeakyReLU(), sc.AveragePool2D(2)]
    return sc.Sequential([*layers, sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))


@pytest.mark.parametrize("network", [dense_net, plain_conv_net, conv_net])
def test_an_untrained_network_is_as_surprised_as_one_that_guesses(network):
    # Ten equal probabilities: the loss is -ln(1/10). Outside of training, batch normalisation does nothing yet.
    model = network()
    model.compile()
    loss, _ = model.evaluate(*some_digits(500))
    assert loss == pytest.approx(math.log(10), rel=0.1)


@pytest.mark.parametrize("network", [dense_net, plain_conv_net])
def test_any_network_learns_twenty_digits_by_heart(network):
    model = network()
    model.compile(sc.Adam(0.01))
    history = model.fit(*some_digits(20), batch_size=20, epochs=150, verbose=0).history
    assert history["loss"][-1] < 2e-3
    assert history["accuracy"][-1] == 1.0


# Ten steps of batches of 16 of the bundled digits, in float64: the mean loss so far, after each. If these change, the
# library computes something else than it did; where that is meant, print them anew with the function below, and say why
# in the commit.
PINNED_LOSSES = [
    *(2.86377523675, 2.40410091585, 2.32118003546, 2.3798653145, 2.25664171459),
    *(2.24033852217, 2.18677881122, 2.13623391972, 2.06782888285, 2.01121440634),
]


def ten_losses(**options):
    class Losses(sc.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            losses.append(logs["loss"])

    losses = []
    model = conv_net(dtype="float64", **options)
    model.compile(sc.Adam(sc.schedules.CosineDecay(0.01, 20, warmup_steps=3), global_clipnorm=2.0))
    model.fit(*some_digits(160), batch_size=16, callbacks=[Losses()], verbose=0)
    return losses


@pytest.mark.parametrize("fuse", [True, False])
def test_ten_steps_of_training_give_the_pinned_losses(backend, fuse):
    np.testing.assert_allclose(ten_losses(fuse=fuse), PINNED_LOSSES, rtol=1e-9)
