"""What a layer promises: shapes, parameters, buffers of its own, clear errors, and inputs that stay as they are."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.layers import LAYERS

pytestmark = pytest.mark.usefixtures("backend")

# Every layer with arguments that are not the defaults, and an input shape that it takes.
EXAMPLES = [
    (sc.Rescaling(1 / 128, offset=-1), (6, 7, 2)),
    (sc.Conv2D(4, (3, 2), strides=(2, 1), padding="same", kernel_initializer="he_normal"), (6, 7, 2)),
    (sc.Conv2D(3, 2, use_bias=False), (6, 7, 2)),
    (sc.MaxPool2D((2, 3), strides=1, padding="same"), (6, 7, 2)),
    (sc.AveragePool2D(3, strides=2, padding="same"), (6, 7, 2)),
    (sc.GlobalAveragePool2D(), (6, 7, 2)),
    (sc.BatchNorm(momentum=0.9, epsilon=1e-5), (6, 7, 2)),
    (sc.ReLU(), (6, 7, 2)),
    (sc.LeakyReLU(0.1), (6, 7, 2)),
    (sc.Flatten(), (6, 7, 2)),
    (sc.Dropout(0.4), (6, 7, 2)),
    (sc.Dense(5, use_bias=False, kernel_initializer="lecun_uniform"), (9,)),
    (sc.Dense(5), (9,)),
]
every_layer = pytest.mark.parametrize(("layer", "shape"), EXAMPLES, ids=[repr(layer)[:30] for layer, _ in EXAMPLES])


def built(layer, shape, dtype=np.float32, seed=0):
    layer = copy.deepcopy(layer)
    layer.dtype = np.dtype(dtype)
    layer.build(shape, np.random.default_rng(seed))
    return layer


def batch(shape, count=3, dtype=np.float32, seed=1):
    return np.random.default_rng(seed).normal(size=(count, *shape)).astype(dtype)


def test_the_examples_cover_every_layer():
    assert {type(layer).__name__ for layer, _ in EXAMPLES} == set(LAYERS)


# ---- all layers


@every_layer
def test_a_layer_is_rebuilt_from_its_config_as_json(layer, shape):
    again = type(layer)(**json.loads(json.dumps(layer.config())))
    assert again.config() == layer.config()
    assert repr(again) == repr(layer)
    assert built(again, shape).output_shape == built(layer, shape).output_shape


@every_layer
@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.slow)])
def test_outputs_and_gradients_have_the_promised_shapes_and_the_layers_dtype(layer, shape, dtype):
    layer = built(layer, shape, dtype)
    for count in (3, 1, 4):
        y = layer.forward(batch(shape, count, dtype), training=True)
        assert (y.shape, y.dtype) == ((count, *layer.output_shape), dtype)
        dx = layer.backward(np.ones_like(y))
        assert (dx.shape, dx.dtype) == ((count, *shape), dtype)
        assert {name: grad.shape for name, grad in layer.grads.items()} == {
            name: parameter.shape for name, parameter in layer.params.items()
        }
        assert all(array.dtype == dtype for array in (*layer.params.values(), *layer.grads.values()))


def layouts(x):
    """The same numbers in other clothes."""
    read_only = x.copy()
    read_only.flags.writeable = False
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    backwards = np.ascontiguousarray(x[::-1])[::-1]
    return {
        "read-only": read_only,
        "Fortran": np.asfortranarray(x),
        "strided": wide[..., ::2],
        "reversed": backwards,
        "float64": x.astype(np.float64),
        "big-endian": x.astype(">f4"),
    }


@every_layer
def test_inputs_are_never_modified_and_give_the_same_result_whatever_their_layout(layer, shape):
    x = np.round(batch(shape) * 64) / 32
    usual = built(layer, shape)
    y = usual.forward(x, training=True).copy()
    dy = np.round(batch(y.shape[1:], seed=2) * 64) / 32
    dx = usual.backward(dy).copy()
    for name, other_x in layouts(x).items():
        other_dy = layouts(dy)[name]
        x_before, dy_before = other_x.copy(), other_dy.copy()
        other = built(layer, shape)
        assert np.array_equal(other.forward(other_x, training=True), y), name
        assert np.array_equal(other.backward(other_dy), dx), name
        assert np.array_equal(other_x, x_before) and np.array_equal(other_dy, dy_before), name
        for parameter in layer.params:
            assert np.array_equal(other.grads[parameter], usual.grads[parameter]), name


@every_layer
def test_bytes_give_the_same_result_as_their_float32_copy(layer, shape):
    x = np.random.default_rng(0).integers(0, 256, (3, *shape), dtype=np.uint8)
    before = x.copy()
    expected = built(layer, shape).forward(x.astype(np.float32), training=True)
    assert np.array_equal(built(layer, shape).forward(x, training=True), expected)
    assert np.array_equal(x, before)


@every_layer
def test_parameters_do_not_change_in_forward_or_backward(layer, shape):
    layer = built(layer, shape)
    before = {name: parameter.copy() for name, parameter in layer.params.items()}
    layer.backward(np.ones_like(layer.forward(batch(shape), training=True)))
    assert all(np.array_equal(layer.params[name], before[name]) for name in before)


@every_layer
def test_samples_of_the_wrong_shape_are_refused(layer, shape):
    layer = built(layer, shape)
    for wrong in ((3, *shape, 1), (3, *shape[:-1], shape[-1] + 1), shape):
        with pytest.raises(ValueError, match=r"built for a batch of shape \(N, "):
            layer.forward(np.zeros(wrong, np.float32))


@every_layer
def test_a_gradient_that_does_not_belong_to_the_latest_output_is_refused(layer, shape):
    layer = built(layer, shape)
    with pytest.raises(RuntimeError, match="forward before"):
        layer.backward(np.zeros((3, *layer.output_shape), np.float32))
    layer.forward(batch(shape, 3))
    with pytest.raises(ValueError, match="latest output"):
        layer.backward(np.zeros((4, *layer.output_shape), np.float32))


@every_layer
def test_a_layer_that_was_not_built_says_so(layer, shape):
    with pytest.raises(RuntimeError, match="not been built"):
        copy.deepcopy(layer).forward(batch(shape))


@every_layer
def test_copies_and_pickles_compute_the_same_in_buffers_of_their_own(layer, shape):
    layer, x = built(layer, shape), batch(shape)
    y = layer.forward(x).copy()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert np.array_equal(other.forward(x), y)
        assert all(buffer.ctypes.data % 64 == 0 for buffer in other._buffers.values())


def test_buffers_are_reused_and_aligned():
    layer = built(sc.Conv2D(4, 3), (6, 6, 1))
    first = layer.forward(batch((6, 6, 1), 5))
    smaller = layer.forward(batch((6, 6, 1), 2))
    assert np.shares_memory(first, smaller)
    assert first.ctypes.data % 64 == 0
    assert first.flags.c_contiguous and smaller.flags.c_contiguous


# ---- convolution


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


# ---- batch normalisation and dropout


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


# ---- pixels and shapes


def test_rescaling_maps_bytes_to_the_wanted_range():
    layer = built(sc.Rescaling(1 / 127.5, offset=-1), (3,))
    np.testing.assert_allclose(layer.forward(np.array([[0, 51, 255]], np.uint8)), [[-1, -0.6, 1]], atol=1e-6)


def test_flatten_returns_a_view_in_c_order():
    layer, x = built(sc.Flatten(), (2, 3, 4)), batch((2, 3, 4))
    y = layer.forward(x)
    assert np.shares_memory(x, y)
    assert np.array_equal(y[1], x[1].ravel())


# ---- errors


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
