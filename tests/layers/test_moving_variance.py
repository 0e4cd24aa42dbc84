"""Faults of the kind: a number is recovered from another in which it was lost: the variance from 1 / sqrt(v + eps)."""

import numpy as np
import pytest

import scratchcnn as sc


def moving_statistics(x, epsilon=1e-3, layers=(), dtype="float32"):
    """Return moving mean and variance after one batch, with no momentum: those of the batch."""
    norm = sc.BatchNorm(momentum=0, epsilon=epsilon)
    model = sc.Sequential([norm, *(make() for make in layers)], input_shape=x.shape[1:], dtype=dtype)
    model.forward(x.astype(dtype), training=True)
    return norm.state["moving_mean"], norm.state["moving_variance"]


FUSED = [(), (sc.ReLU,), (sc.ReLU, lambda: sc.MaxPool2D(2))]


@pytest.mark.parametrize("layers", FUSED, ids=["alone", "with ReLU", "with ReLU and pool"])
@pytest.mark.parametrize("deviation", [1e-8, 1e-5, 1e-2, 1e3])
@pytest.mark.parametrize("epsilon", [1e-3, 0.1, 10])
def test_the_moving_variance_is_the_variance_at_any_deviation(deviation, epsilon, layers, backend):
    x = (np.random.default_rng(0).normal(0, deviation, (8, 4, 4, 3))).astype(np.float32)
    _, variance = moving_statistics(x, epsilon, layers)
    np.testing.assert_allclose(variance, x.astype(np.float64).var((0, 1, 2)), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_variance_of_what_does_not_vary_is_0(dtype, backend):
    x = np.full((8, 4, 4, 3), [0.1, -1e6 / 3, 0])
    for batch in (x, x[:1]):
        assert moving_statistics(batch, 0.1, dtype=dtype)[1].tolist() == [0, 0, 0]
    assert moving_statistics(x[:1, 0, 0], 0.1, dtype=dtype)[1].tolist() == [0, 0, 0]


def test_a_small_variance_far_from_0_is_right(backend):
    x = (1e4 + np.random.default_rng(0).integers(0, 4, (64, 5)) / 512).astype(np.float32)
    mean, variance = moving_statistics(x)
    np.testing.assert_allclose(variance, x.astype(np.float64).var(0), rtol=1e-5)
    np.testing.assert_allclose(mean, x.astype(np.float64).mean(0), rtol=1e-7)


def test_the_variance_of_one_outlier_among_equals_is_right(backend):
    x = np.zeros((1000, 2), np.float32)
    x[0], x[-1, 1] = 1e3, -1e-3
    np.testing.assert_allclose(moving_statistics(x)[1], x.astype(np.float64).var(0), rtol=1e-5)
