"""Every derivative of the library against differences in float64, on both backends."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_layer, check_loss, check_model


@pytest.fixture(autouse=True)
def one_thread(backend):
    """A check is thousands of calls on tiny arrays; where the machine is busy, threads would wait in each of them."""
    if backend == "reference":
        yield
        return
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(before)


STRIDES = [1, 2, 3, (2, 1)]
PADDINGS = ["valid", "same"]


def require_right(layer, shape, **arguments):
    report = check_layer(layer, shape, samples=12, **arguments).raise_if_wrong()
    assert report.error < 1e-7
    assert all(comparison.checked >= min(12, np.prod(comparison.shape)) for comparison in report.comparisons)
    return report


# An image of 7 x 8 leaves a remainder under most of these windows and strides.
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("strides", STRIDES)
@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4, (5, 2)])
def test_convolution(kernel_size, strides, padding, channels):
    require_right(sc.Conv2D(5, kernel_size, strides, padding), (7, 8, channels))


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize(("filters", "channels"), [(1, 1), (33, 17), pytest.param(16, 8, marks=pytest.mark.slow)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_convolution_with_any_number_of_filters_and_samples(filters, channels, use_bias, batch_size):
    report = require_right(sc.Conv2D(filters, 3, use_bias=use_bias), (5, 6, channels), batch_size=batch_size)
    assert [comparison.name for comparison in report.comparisons] == ["dx", "kernel"] + ["bias"] * use_bias


@pytest.mark.parametrize(
    ("kernel_size", "shape"), [((7, 8), (7, 8, 2)), (5, (2, 3, 2)), (1, (1, 1, 3)), ((1, 4), (1, 9, 2))]
)
def test_convolution_of_images_about_as_large_as_the_kernel(kernel_size, shape):
    require_right(sc.Conv2D(3, kernel_size, padding="same"), shape)
    if shape[0] >= np.min(kernel_size) and shape[1] >= np.max(kernel_size):
        require_right(sc.Conv2D(3, kernel_size), shape)


@pytest.mark.parametrize(
    ("filters", "options"),
    [
        (6, {"groups": 3}),
        (3, {"groups": 3}),
        (4, {"dilation_rate": 2}),
        (4, {"dilation_rate": (1, 3), "strides": 2, "padding": "same"}),
        (6, {"groups": 3, "dilation_rate": 2, "padding": 3}),
        (4, {"padding": 1}),
        (4, {"padding": ((0, 2), (1, 0))}),
        (4, {"padding": (5, 0)}),
    ],
    ids=repr,
)
def test_convolution_with_groups_dilation_and_padding(filters, options):
    require_right(sc.Conv2D(filters, 3, **options), (7, 8, 3))


@pytest.mark.parametrize(
    "layer",
    [
        sc.Residual([sc.Conv2D(2, 3, padding="same"), sc.BatchNorm(), sc.ReLU(), sc.Conv2D(2, 3, padding="same")]),
        sc.Residual([sc.Conv2D(3, 3, 2, "same"), sc.ReLU(), sc.Dropout(0.3)], [sc.Conv2D(3, 1, 2, "same")]),
        sc.Residual([sc.ReLU()]),
        sc.Residual([sc.Residual([sc.Tanh()]), sc.Conv2D(2, 1, activation="elu")]),
    ],
    ids=repr,
)
def test_residual(layer):
    require_right(layer, (5, 6, 2), batch_size=3)


@pytest.mark.parametrize("pool", [sc.MaxPool2D, sc.AveragePool2D])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("strides", [None, 1, 3, (2, 1)])
@pytest.mark.parametrize("pool_size", [1, 2, 3, (2, 4)])
def test_pooling(pool, pool_size, strides, padding, channels):
    require_right(pool(pool_size, strides, padding), (7, 8, channels))


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("shape", [(7, 8, 3), (1, 1, 1), (2, 3, 20)])
def test_global_average_pooling(shape, batch_size):
    require_right(sc.GlobalAveragePool2D(), shape, batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [1, 2, 17])
@pytest.mark.parametrize(("inputs", "units", "use_bias"), [(1, 1, True), (7, 10, True), (40, 33, False)])
def test_dense(inputs, units, use_bias, batch_size):
    require_right(sc.Dense(units, use_bias=use_bias), (inputs,), batch_size=batch_size)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("shape", "batch_size"), [((4, 5, 3), 1), ((3, 3, 1), 3), ((6,), 4), ((17,), 2)])
def test_batch_norm(shape, batch_size, training):
    require_right(sc.BatchNorm(), shape, batch_size=batch_size, training=training)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("rate", [0.0, 0.3, 0.9])
def test_dropout(rate, training):
    require_right(sc.Dropout(rate), (6, 7), training=training)


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize(
    "layer",
    [
        sc.ReLU(),
        sc.LeakyReLU(),
        sc.LeakyReLU(0),
        sc.ELU(),
        sc.ELU(0.3),
        sc.Sigmoid(),
        sc.Tanh(),
        sc.Rescaling(1 / 255, 2.0),
        sc.Flatten(),
    ],
    ids=repr,
)
def test_layers_that_treat_each_number_on_its_own(layer, batch_size):
    require_right(layer, (4, 5, 3), batch_size=batch_size)
    require_right(layer, (37,), batch_size=batch_size)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("shape", [(1, 10), (6, 2), (33, 10)])
def test_softmax_cross_entropy(shape, smoothing):
    assert check_loss(sc.SoftmaxCrossEntropy(smoothing), shape).raise_if_wrong().error < 1e-7


def test_softmax_cross_entropy_of_confident_answers():
    logits = np.random.default_rng(0).normal(0, 8, (5, 10))
    check_loss(sc.SoftmaxCrossEntropy(), logits=logits).raise_if_wrong()


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("padding", PADDINGS)
def test_a_whole_network(padding, fuse):
    layers = [
        *(sc.Conv2D(4, 3, padding=padding), sc.ReLU(), sc.MaxPool2D(2)),
        *(sc.Conv2D(6, 3, padding=padding), sc.ReLU(), sc.MaxPool2D(2)),
        *(sc.Flatten(), sc.Dense(12), sc.ReLU(), sc.Dense(10)),
    ]
    model = sc.Sequential(layers, input_shape=(12, 13, 1), fuse=fuse)
    report = check_model(model, batch_size=3).raise_if_wrong()
    assert report.error < 1e-6
    arrays = [f"{comparison.layer} {comparison.name}" for comparison in report.comparisons]
    parameters = [
        f"{layer} {name}" for layer in ("conv2d", "conv2d_1", "dense", "dense_1") for name in ("kernel", "bias")
    ]
    assert arrays == ["input dx", *parameters]


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_a_network_of_all_layers(training, fuse):
    layers = [
        *(sc.Rescaling(1 / 64), sc.Conv2D(4, 3, padding="same", use_bias=False), sc.BatchNorm(), sc.ReLU()),
        *(sc.MaxPool2D(3, 2, "same"), sc.Conv2D(5, 2, strides=2), sc.LeakyReLU(), sc.AveragePool2D(2, 1)),
        *(sc.Conv2D(6, 1), sc.BatchNorm(), sc.ReLU(), sc.GlobalAveragePool2D(), sc.Dropout(0.3), sc.Dense(7)),
    ]
    model = sc.Sequential(layers, input_shape=(11, 12, 3), fuse=fuse)
    check_model(model, batch_size=4, training=training, loss=sc.SoftmaxCrossEntropy(0.1)).raise_if_wrong()


def test_the_gradient_stops_at_the_first_parameters_with_the_same_values():
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(4, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Flatten(), sc.Dense(10)]
    model, loss = sc.Sequential(layers, input_shape=(8, 8, 1)), sc.SoftmaxCrossEntropy()
    x = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
    gradients = []
    for input_gradient in (True, False):
        loss.forward(model.forward(x, training=True), np.arange(5))
        dx = model.backward(loss.backward(), input_gradient=input_gradient)
        assert (dx is not None) == input_gradient
        gradients.append(model.gradients.copy())
    assert np.array_equal(*gradients)


def test_gradients_in_float32_are_those_in_float64_rounded():
    for layer, shape in itertools.product([sc.Conv2D(8, 3), sc.MaxPool2D(2), sc.BatchNorm()], [(9, 10, 5)]):
        results = []
        for dtype in ("float32", "float64"):
            model = sc.Sequential([type(layer)(**layer.config())], input_shape=shape, dtype=dtype)
            x = np.random.default_rng(0).normal(size=(6, *shape)).astype(np.float32)
            y = model.forward(x, training=True)
            dy = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
            results.append((model.backward(dy).copy(), model.gradients.copy()))
        for single, double in zip(*results, strict=True):
            np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-5)
