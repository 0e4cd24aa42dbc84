"""What the shapes of a Keras model's weights do not show: activations, zeros around images, depthwise kernels."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc

pytestmark = pytest.mark.usefixtures("reference")
RNG = np.random.default_rng(0)


def stand_in(kind, weights=(), **attributes):
    """Return an object of a class of that name, with the weights and attributes of a layer of Keras."""
    layer = type(kind, (), {"get_weights": lambda self: self.weights, "name": kind.lower()})()
    vars(layer).update(weights=list(weights), set_weights=lambda arrays: setattr(layer, "weights", arrays))
    vars(layer).update(attributes)
    return layer


def relu(x):
    return x


def my_own(x):
    return x


def dense(width, units, **attributes):
    return stand_in("Dense", [np.ones((width, units)), np.zeros(units)], **attributes)


def keras_model(*layers, kind="Sequential"):
    return stand_in(kind, layers=layers)


def network(*between):
    return sc.Sequential([sc.Dense(4), *between, sc.Dense(2)], input_shape=(3,))


SAME = {
    "an argument": (network(sc.ReLU()), keras_model(dense(3, 4, activation=relu), dense(4, 2))),
    "a layer": (network(sc.ReLU()), keras_model(dense(3, 4), stand_in("ReLU", max_value=None), dense(4, 2))),
    "a layer of a function": (
        network(sc.ReLU()),
        keras_model(dense(3, 4), stand_in("Activation", activation=relu), dense(4, 2)),
    ),
    "a slope": (
        network(sc.LeakyReLU(0.1)),
        keras_model(dense(3, 4), stand_in("LeakyReLU", negative_slope=0.1), dense(4, 2)),
    ),
    "a softmax at the end": (network(), keras_model(dense(3, 4), dense(4, 2), stand_in("Softmax"))),
    "a function that nobody knows": (network(), keras_model(dense(3, 4, activation=my_own), dense(4, 2))),
    "layers in any order": (network(sc.ReLU()), keras_model(dense(3, 4), dense(4, 2), kind="Functional")),
}
OTHER = {
    "none here": (network(), keras_model(dense(3, 4, activation=relu), dense(4, 2)), "no activation and relu"),
    "none there": (network(sc.Tanh()), keras_model(dense(3, 4), dense(4, 2)), "tanh and no activation"),
    "another": (network(sc.Tanh()), keras_model(dense(3, 4, activation=relu), dense(4, 2)), "tanh and relu"),
    "another slope": (
        network(sc.LeakyReLU(0.1)),
        keras_model(dense(3, 4), stand_in("LeakyReLU", negative_slope=0.3), dense(4, 2)),
        r"leaky_relu\(0.1\) and leaky_relu\(0.3\)",
    ),
    "a largest value": (
        network(sc.ReLU()),
        keras_model(dense(3, 4), stand_in("ReLU", max_value=6), dense(4, 2)),
        r"relu and relu\(max_value=6\)",
    ),
    "an argument in any order": (
        network(),
        keras_model(dense(3, 4, activation=relu), dense(4, 2), kind="Functional"),
        "no activation and relu",
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_activations_that_are_the_same_are_taken_whatever_they_are_written_as(case):
    model, there = SAME[case]
    sc.interchange.from_keras(model, there)
    assert model.layers[0].params["kernel"].tolist() == np.ones((3, 4)).tolist()


@pytest.mark.parametrize("case", OTHER)
def test_other_activations_are_refused_by_the_layers_they_follow(case):
    model, there, message = OTHER[case]
    for convert in (sc.interchange.from_keras, sc.interchange.to_keras):
        with pytest.raises(ValueError, match=f"{model.layers[0].name} and the Keras model's dense are .*{message}"):
            convert(model, there)


def images(*layers):
    return sc.Sequential(list(layers), input_shape=(5, 6, 2))


def conv(**attributes):
    return stand_in("Conv2D", [np.ones((3, 3, 2, 4)), np.zeros(4)], **attributes)


PADDED = stand_in("ZeroPadding2D", padding=((1, 1), (1, 1)))


def test_zeros_around_an_image_are_the_same_however_they_are_written():
    model = images(sc.Conv2D(4, 3, padding=1))
    for there in (keras_model(PADDED, conv(padding="valid")), keras_model(conv(padding="same"))):
        sc.interchange.from_keras(model, there)


@pytest.mark.parametrize(
    ("own", "there", "message"),
    [
        ("valid", [PADDED, conv(padding="valid")], r"have padding='valid' and \(\(1, 1\), \(1, 1\)\)"),
        ("same", [PADDED, conv(padding="same")], "have padding='same' and 'same after ZeroPadding2D"),
        (2, [conv(padding="same")], r"have padding=\(\(2, 2\), \(2, 2\)\) and 'same'"),
    ],
)
def test_other_zeros_around_an_image_are_refused(own, there, message):
    with pytest.raises(ValueError, match=message):
        sc.interchange.from_keras(images(sc.Conv2D(4, 3, padding=own)), keras_model(*there))


def depthwise_by_hand(x, kernel):
    """Return what the definition says: output c M + m is channel c under its filter m."""
    KH, KW, C, M = kernel.shape
    y = np.zeros((x.shape[0] - KH + 1, x.shape[1] - KW + 1, C * M))
    for oy, ox, c, m in np.ndindex(*y.shape[:2], C, M):
        y[oy, ox, c * M + m] = (x[oy : oy + KH, ox : ox + KW, c] * kernel[:, :, c, m]).sum()
    return y


@pytest.mark.parametrize("M", [1, 3])
def test_the_kernel_of_a_depthwise_convolution_is_that_of_a_group_for_each_channel(M):
    x, kernel = RNG.normal(size=(5, 6, 2)), RNG.normal(size=(3, 2, 2, M))
    model = images(sc.Conv2D(2 * M, (3, 2), groups=2, use_bias=False))
    there = keras_model(stand_in("DepthwiseConv2D", [kernel], padding="valid", strides=(1, 1)))
    sc.interchange.from_keras(model, there)
    np.testing.assert_allclose(model(x[None].astype(np.float32))[0], depthwise_by_hand(x, kernel), atol=1e-5)
    there.layers[0].weights = [0 * kernel]
    sc.interchange.to_keras(model, there)
    np.testing.assert_allclose(there.layers[0].weights[0], kernel, rtol=1e-6)


def test_a_depthwise_convolution_is_no_convolution_of_other_groups():
    there = keras_model(stand_in("DepthwiseConv2D", [np.ones((3, 3, 2, 2)), np.zeros(4)]))
    with pytest.raises(ValueError, match="have groups=1 and 2; make one as the other is"):
        sc.interchange.from_keras(images(sc.Conv2D(4, 3)), there)


def test_the_real_keras_agrees_on_depthwise_kernels_zeros_and_activations():
    keras = pytest.importorskip("keras", reason="needs keras and one of its backends")
    layers = keras.layers
    there = keras.Sequential(
        [
            *(keras.Input((5, 6, 2)), layers.DepthwiseConv2D(3, depth_multiplier=2, activation="leaky_relu")),
            *(layers.ZeroPadding2D(1), layers.Conv2D(3, 3, strides=2), layers.Activation("elu"), layers.Flatten()),
            *(layers.Dense(4, activation=layers.ReLU()), layers.Dense(2, activation="softmax")),
        ]
    )
    for layer in there.layers:
        layer.set_weights([RNG.normal(size=array.shape) for array in layer.get_weights()])

    def here(activation):
        convolutions = [sc.Conv2D(4, 3, groups=2, activation="leaky_relu"), sc.Conv2D(3, 3, strides=2, padding=1)]
        dense = [sc.Dense(4, activation=activation), sc.Dense(2)]
        return images(*convolutions, sc.ELU(), sc.Flatten(), *dense)

    model = here("relu")
    sc.interchange.from_keras(model, there)
    x = RNG.normal(size=(7, 5, 6, 2)).astype(np.float32)
    expected = keras.ops.convert_to_numpy(there(x, training=False))
    np.testing.assert_allclose(model.predict(x), expected, atol=1e-5)
    with pytest.raises(ValueError, match="are followed by no activation and relu"):
        sc.interchange.from_keras(here(None), there)
