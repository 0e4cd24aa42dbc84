"""Layers that run as one step compute what they compute one by one, forward and backward."""

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops
from scratchcnn.fusion import ConvReLU, ConvReLUPool, DenseReLU

NETWORKS = {
    "conv-relu-pool": lambda: [sc.Conv2D(5, 3), sc.ReLU(), sc.MaxPool2D(2)],
    "conv-pool-relu": lambda: [sc.Conv2D(5, 3), sc.MaxPool2D(2), sc.ReLU()],
    "same padding": lambda: [sc.Conv2D(9, 5, padding="same"), sc.ReLU(), sc.MaxPool2D(2)],
    "no bias": lambda: [sc.Conv2D(4, 3, use_bias=False), sc.ReLU(), sc.MaxPool2D(2)],
    "strided conv": lambda: [sc.Conv2D(4, 2, strides=(1, 2)), sc.ReLU(), sc.MaxPool2D(2)],
    "pool 3 by 2": lambda: [sc.Conv2D(4, 3), sc.ReLU(), sc.MaxPool2D((3, 2))],
    "overlapping pool": lambda: [sc.Conv2D(4, 3), sc.ReLU(), sc.MaxPool2D(3, strides=2)],
    "conv-relu": lambda: [sc.Conv2D(6, 3), sc.ReLU()],
    "conv-relu behind conv-relu-pool": lambda: [
        sc.Conv2D(6, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Conv2D(7, 2), sc.ReLU(),
    ],
    "two conv-relu-pool": lambda: [
        sc.Conv2D(6, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Conv2D(17, 2, padding="same"), sc.ReLU(), sc.MaxPool2D(2),
    ],
    "dense-relu": lambda: [sc.Flatten(), sc.Dense(7), sc.ReLU(), sc.Dense(5, use_bias=False), sc.ReLU()],
}  # fmt: skip


def network(name, fuse, channels=3):
    layers = [*NETWORKS[name](), sc.Flatten(), sc.Dense(4)]
    return sc.Sequential(layers, input_shape=(13, 12, channels), seed=1, dtype="float64", fuse=fuse)


@pytest.mark.parametrize("backend", ops.BACKENDS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_fused_and_unfused_networks_agree_in_outputs_and_gradients(name, channels, backend):
    fused, plain = network(name, True, channels), network(name, False, channels)
    assert len(fused.steps) < len(plain.steps) == len(plain.layers)
    rng = np.random.default_rng(2)
    x, dlogits = rng.standard_normal((3, 13, 12, channels)), rng.standard_normal((3, 4))
    with ops.using(backend):
        np.testing.assert_allclose(fused.forward(x), plain.forward(x), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(fused.backward(dlogits), plain.backward(dlogits), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(fused.gradients, plain.gradients, rtol=1e-12, atol=1e-12)
        with_input_gradient = fused.gradients.copy()
        fused.gradients[:] = np.nan
        assert fused.backward(dlogits, input_gradient=False) is None
        np.testing.assert_allclose(fused.gradients, with_input_gradient, rtol=1e-12, atol=1e-12)


def test_each_pattern_becomes_its_step():
    def kinds(*layers):
        return [type(step) for step in sc.Sequential([*layers], input_shape=(9, 9, 1)).steps]

    assert kinds(sc.Conv2D(2, 3), sc.ReLU(), sc.MaxPool2D(2)) == [ConvReLUPool]
    assert kinds(sc.Conv2D(2, 3), sc.MaxPool2D(2), sc.ReLU()) == [ConvReLUPool]
    assert kinds(sc.Conv2D(2, 3), sc.ReLU(), sc.AveragePool2D(2)) == [ConvReLU, sc.AveragePool2D]
    assert kinds(sc.Flatten(), sc.Dense(3), sc.ReLU(), sc.Dense(2)) == [sc.Flatten, DenseReLU, sc.Dense]
    assert kinds(sc.Conv2D(2, 3), sc.LeakyReLU(), sc.MaxPool2D(2)) == [sc.Conv2D, sc.LeakyReLU, sc.MaxPool2D]


def test_a_pool_whose_windows_stick_out_of_the_image_is_left_to_itself():
    model = sc.Sequential([sc.Conv2D(2, 3), sc.ReLU(), sc.MaxPool2D(2, padding="same")], input_shape=(9, 9, 1))
    assert [type(step) for step in model.steps] == [ConvReLU, sc.MaxPool2D]


@pytest.mark.parametrize("backend", ops.BACKENDS)
def test_a_nan_in_an_image_is_seen_behind_a_fused_step(backend):
    model = network("conv-relu-pool", True)
    x = np.zeros((1, 13, 12, 3))
    x[0, 4, 4, 0] = np.nan
    with ops.using(backend):
        assert np.isnan(model.forward(x)).all()
