"""What a layer promises: shapes, parameters, buffers of its own, clear errors, and inputs that stay as they are."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.layers import LAYERS
from support.layer_kinds import batch, built

pytestmark = pytest.mark.usefixtures("backend")


# Every layer with arguments that are not the defaults, and an input shape that it takes.
EXAMPLES = [
    (sc.Rescaling(1 / 128, offset=-1), (6, 7, 2)),
    (sc.Conv2D(4, (3, 2), strides=(2, 1), padding="same", kernel_initializer="he_normal"), (6, 7, 2)),
    (sc.Conv2D(3, 2, use_bias=False), (6, 7, 2)),
    (sc.Conv2D(4, 2, padding=((1, 0), (2, 3)), dilation_rate=2, groups=2), (6, 7, 2)),
    (sc.MaxPool2D((2, 3), strides=1, padding="same"), (6, 7, 2)),
    (sc.AveragePool2D(3, strides=2, padding="same"), (6, 7, 2)),
    (sc.GlobalAveragePool2D(), (6, 7, 2)),
    (sc.BatchNorm(momentum=0.9, epsilon=1e-5), (6, 7, 2)),
    (sc.ReLU(), (6, 7, 2)),
    (sc.LeakyReLU(0.1), (6, 7, 2)),
    (sc.ELU(0.5), (6, 7, 2)),
    (sc.Sigmoid(), (6, 7, 2)),
    (sc.Tanh(), (6, 7, 2)),
    (sc.Flatten(), (6, 7, 2)),
    (sc.Dropout(0.4), (6, 7, 2)),
    (sc.Dense(5, use_bias=False, kernel_initializer="lecun_uniform"), (9,)),
    (sc.Dense(5), (9,)),
    (sc.Residual([sc.Conv2D(2, 3, padding="same"), sc.ReLU()]), (6, 7, 2)),
    (sc.Residual([sc.Conv2D(4, 3, 2, "same"), sc.BatchNorm()], [sc.Conv2D(4, 1, 2, "same")]), (6, 7, 2)),
]


every_layer = pytest.mark.parametrize(("layer", "shape"), EXAMPLES, ids=[repr(layer)[:30] for layer, _ in EXAMPLES])


def test_the_examples_cover_every_layer():
    assert {type(layer).__name__ for layer, _ in EXAMPLES} == set(LAYERS)


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
