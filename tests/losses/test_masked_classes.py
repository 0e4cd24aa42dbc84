"""Faults of the kind: 0 times infinity, where logits are -inf (masked classes) or far apart, makes the loss NaN."""

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops

INF = np.inf
DTYPES = ["float32", "float64"]


def loss_of(logits, labels, smoothing=0.0, dtype="float32"):
    """Return the losses of the rows, and the gradient times the number of rows."""
    loss = sc.SoftmaxCrossEntropy(smoothing)
    logits = np.array(logits, dtype)
    loss.forward(logits, np.array(labels))
    return loss.per_sample().copy(), loss.backward() * len(logits)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_masked_class_leaves_the_loss_of_the_others_as_it_is(dtype, backend):
    # p = e/(e + e^2) and e^2/(e + e^2): -log of the first is log(1 + e) = 1.3133, and 0.3133 of the other.
    losses, gradient = loss_of([[1, 2, -INF], [1, -INF, 2], [-INF, 2, 1]], [0, 2, 1], dtype=dtype)
    p = 1 / (1 + np.e)
    np.testing.assert_allclose(losses, [np.log(1 + np.e), np.log(1 + 1 / np.e), np.log(1 + 1 / np.e)], rtol=1e-6)
    np.testing.assert_allclose(gradient, [[p - 1, 1 - p, 0], [p, 0, -p], [0, -p, p]], rtol=1e-6)
    assert gradient[[0, 1, 2], [2, 1, 0]].tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_masked_label_costs_infinitely_much_and_nothing_is_nan(dtype, backend):
    losses, gradient = loss_of([[1, 2, -INF]], [2], dtype=dtype)
    assert losses.tolist() == [INF]
    np.testing.assert_allclose(gradient, [[1 / (1 + np.e), np.e / (1 + np.e), -1]], rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_label_smoothing_asks_for_the_masked_class_too(dtype, backend):
    losses, gradient = loss_of([[1, 2, -INF]], [0], 0.1, dtype)
    assert losses.tolist() == [INF]  # as torch says
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("row", [[-INF, -INF], [INF, 0], [INF, INF], [np.nan, 0], [0, np.nan], [INF, -INF]])
@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_a_row_without_a_softmax_has_no_loss(row, smoothing, dtype, backend):
    losses, gradient = loss_of([row, [0, 0]], [0, 1], smoothing, dtype)
    assert np.isnan(losses[0]) and np.isnan(gradient[0]).any()
    assert np.isfinite(losses[1]) and np.isfinite(gradient[1]).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_as_far_apart_as_floats_can_be_have_a_loss(dtype, backend):
    far = float(np.finfo(dtype).max)
    losses, gradient = loss_of([[far, -far, 0], [0, far, -far], [-far, -far, -far]], [0, 1, 2], dtype=dtype)
    np.testing.assert_allclose(losses, [0, 0, np.log(3)], rtol=1e-6)
    np.testing.assert_allclose(gradient, [[0, 0, 0], [0, 0, 0], [1 / 3, 1 / 3, -2 / 3]], rtol=1e-6)
    # sum of q z: 0.1/3 * (2 far + far) = far/10
    np.testing.assert_allclose(loss_of([[far, -far, 0]], [0], 0.1, dtype)[0], [0.1 * far], rtol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_masked_classes_have_the_probability_0_and_a_single_class_1(dtype, backend):
    y = np.empty((2, 3), dtype)
    ops.softmax_forward(np.array([[0, -INF, 0], [-INF, 5, -INF]], dtype), out=y)
    assert y.tolist() == [[0.5, 0, 0.5], [0, 1, 0]]
    losses, gradient = loss_of([[7], [-3]], [0, 0], 0.1, dtype)
    assert losses.tolist() == [0, 0] and gradient.tolist() == [[0], [0]]
