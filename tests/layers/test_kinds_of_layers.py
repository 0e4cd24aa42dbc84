"""What single kinds of layers promise: convolution, normalisation, dropout, shapes, and clear errors."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import scratchcnn as sc
from support.layer_kinds import batch, built

pytestmark = pytest.mark.usefixtures("backend")


@pytest.mark.parametrize(
    ("image", "kernel", "strides", "padding", "output", "before"),
    [
        ((28, 28), 3, 1, "valid", (26, 26), (0, 0)),
        ((28, 28), 5, 2, "valid", (12, 12), (0, 0)),
        ((28, 28), 3, 1, "same", (28, 28), (1, 1)),
        ((5, 6), 2, 1, "same", (5, 6), (0, 0)),  # one row of zeros is needed: at the end
        ((5, 6), 4, 1, "same", (5, 6), (1, 1)),  # three: one before, two after
        ((28, 7), 3, 2, "same", (14, 4), (0, 1)),  # rows 13*2+3-28 = 1, columns 3*2+3-7 = 2
        ((8, 8), 1, 3, "same", (3, 3), (0, 0)),
        ((2, 2), 5, 1, "same", (2, 2), (2, 2)),  # larger than the image
    ],
)
def test_images_are_padded_as_in_keras(image, kernel, strides, padding, output, before):
    for layer in (sc.Conv2D(4, kernel, strides, padding), sc.MaxPool2D(kernel, strides, padding)):
        assert layer.build((*image, 4), np.random.default_rng(0)) == (*output, 4)
        assert layer.window.padding == before


def test_same_padding_puts_the_extra_zero_at_the_end():
    # 1 2 3 under a kernel (1 10): 1 + 20, 2 + 30, 3 + 0
    layer = built(sc.Conv2D(1, (1, 2), padding="same", use_bias=False), (1, 3, 1))
    layer.params["kernel"][...] = np.array([1, 10]).reshape(1, 2, 1, 1)
    assert layer.forward(np.array([1, 2, 3], np.float32).reshape(1, 1, 3, 1)).ravel().tolist() == [21, 32, 3]


def test_a_convolution_starts_with_glorots_limit_and_a_bias_of_zero():
    layer = built(sc.Conv2D(32, 3), (28, 28, 16))
    limit = np.sqrt(6 / (9 * 16 + 9 * 32))
    assert 0.98 * limit < np.abs(layer.params["kernel"]).max() <= limit
    assert layer.params["kernel"].shape == (3, 3, 16, 32)
    assert not layer.params["bias"].any()


def test_multiply_adds_are_counted_where_they_matter():
    assert built(sc.Conv2D(32, 3), (28, 28, 1)).multiply_adds() == 26 * 26 * 32 * 9
    assert built(sc.Conv2D(64, 3, strides=2, padding="same"), (13, 13, 32)).multiply_adds() == 7 * 7 * 64 * 9 * 32
    assert built(sc.Dense(10), (1600,)).multiply_adds() == 16000
    assert built(sc.ReLU(), (10,)).multiply_adds() == 0


@pytest.mark.parametrize("layer", [sc.Conv2D(4, 3), sc.Dense(4), sc.Rescaling(2)], ids=repr)
def test_an_input_gradient_that_nobody_needs_is_not_computed(layer):
    shape = (5,) if isinstance(layer, sc.Dense) else (5, 5, 2)
    layer = built(layer, shape)
    y = layer.forward(batch(shape))
    layer.backward(np.ones_like(y))
    grads = {name: grad.copy() for name, grad in layer.grads.items()}
    layer.needs_input_gradient = False
    assert layer.backward(np.ones_like(y)) is None
    assert all(np.array_equal(layer.grads[name], grads[name]) for name in grads)


def test_batch_norm_remembers_the_statistics_of_training():
    # Batches with mean 2 and variance 1: moving mean 0.5*0 + 0.5*2 = 1, then 1.5; variance stays at 1.
    layer = built(sc.BatchNorm(momentum=0.5, epsilon=1e-3), (1,))
    x = np.array([[1], [3]], np.float32)
    layer.forward(x, training=True)
    layer.forward(x, training=True)
    assert layer.state["moving_mean"].tolist() == [1.5]
    assert layer.state["moving_variance"].tolist() == pytest.approx([1.0])
    before = {name: array.copy() for name, array in layer.state.items()}
    y = layer.forward(np.array([[2.5]], np.float32))
    assert y.item() == pytest.approx(1 / np.sqrt(1.001), rel=1e-6)
    assert all(np.array_equal(layer.state[name], before[name]) for name in before)


def test_batch_norm_has_the_defaults_of_keras():
    assert sc.BatchNorm().config() == {"momentum": 0.99, "epsilon": 1e-3}


def test_dropout_does_nothing_outside_of_training():
    layer, x = built(sc.Dropout(0.9), (10,)), batch((10,))
    assert np.shares_memory(layer.forward(x), x)
    assert np.array_equal(layer.backward(x), x)


def test_dropout_drops_others_in_every_batch_and_the_same_for_the_same_seed():
    x = np.ones((2, 500), np.float32)
    one, other = built(sc.Dropout(0.5), (500,), seed=3), built(sc.Dropout(0.5), (500,), seed=3)
    first, second = one.forward(x, training=True).copy(), one.forward(x, training=True).copy()
    assert not np.array_equal(first, second)
    assert np.array_equal(other.forward(x, training=True), first)
    assert np.array_equal(other.forward(x, training=True), second)


def test_dropout_backward_drops_what_forward_dropped():
    layer, x = built(sc.Dropout(0.5), (500,)), np.ones((2, 500), np.float32)
    y = layer.forward(x, training=True)
    assert np.array_equal(layer.backward(x), y)
    assert 0.4 < np.mean(y == 0) < 0.6


def test_rescaling_maps_bytes_to_the_wanted_range():
    layer = built(sc.Rescaling(1 / 127.5, offset=-1), (3,))
    np.testing.assert_allclose(layer.forward(np.array([[0, 51, 255]], np.uint8)), [[-1, -0.6, 1]], atol=1e-6)


def test_flatten_returns_a_view_in_c_order():
    layer, x = built(sc.Flatten(), (2, 3, 4)), batch((2, 3, 4))
    y = layer.forward(x)
    assert np.shares_memory(x, y)
    assert np.array_equal(y[1], x[1].ravel())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sc.Conv2D(0, 3), "filters must be at least 1, got 0"),
        (lambda: sc.Conv2D(2.5, 3), "filters"),
        (lambda: sc.Conv2D(True, 3), "filters"),
        (lambda: sc.Conv2D(4, (3, 3, 3)), "kernel_size must be one number or"),
        (lambda: sc.Conv2D(4, 3, strides=0), "strides"),
        (lambda: sc.Conv2D(4, 3, padding="full"), 'padding must be "valid"'),
        (lambda: sc.Conv2D(4, 3, kernel_initializer="xavier"), "choose one of glorot_uniform"),
        (lambda: sc.MaxPool2D(16), "at most 255"),
        (lambda: sc.MaxPool2D(2, padding=1), "padding"),
        (lambda: sc.AveragePool2D(-1), "pool_size"),
        (lambda: sc.BatchNorm(momentum=1.5), "momentum"),
        (lambda: sc.BatchNorm(epsilon=0), "epsilon"),
        (lambda: sc.Dropout(1.0), "below 1"),
        (lambda: sc.LeakyReLU(-1), "negative_slope"),
        (lambda: sc.Rescaling(float("nan")), "finite"),
        (lambda: sc.Dense("10"), "units"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (sc.Conv2D(4, 3), (784,), r"expects \(N, H, W, C\) images, got \(N, 784\)"),
        (sc.Conv2D(4, 3), (28, 28), r"got \(N, 28, 28\)"),
        (sc.Conv2D(4, 3), (1, 28, 28), "channels-last"),
        (sc.Conv2D(4, (3, 5)), (8, 4, 1), r"window of \(3, 5\) does not fit into an image of \(8, 4\)"),
        (sc.MaxPool2D(2), (1, 1, 8), "does not fit"),
        (sc.AveragePool2D(2), (10,), "images"),
        (sc.GlobalAveragePool2D(), (10,), "images"),
        (sc.Dense(10), (5, 5, 64), r"expects \(N, D\) vectors, got \(N, 5, 5, 64\); put a Flatten before it"),
    ],
)
def test_inputs_that_a_layer_cannot_take_are_refused_when_it_is_built(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        copy.deepcopy(layer).build(shape, np.random.default_rng(0))
