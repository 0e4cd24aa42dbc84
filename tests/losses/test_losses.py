"""Softmax cross-entropy, as training uses it, on both backends."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc

pytestmark = pytest.mark.usefixtures("backend")


def logits_and_labels(count=6, classes=10, dtype=np.float32):
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, classes)).astype(dtype), rng.integers(0, classes, count)


def test_knowing_nothing_about_ten_classes_costs_ln_10():
    loss = sc.SoftmaxCrossEntropy()
    assert loss.forward(np.zeros((7, 10), np.float32), np.arange(7)) == pytest.approx(np.log(10), rel=1e-6)


def test_an_untrained_classifier_starts_at_ln_10():
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(8, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Flatten(), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1))
    rng = np.random.default_rng(1)
    digits = np.zeros((200, 28, 28, 1), np.uint8)  # as many dark pixels as in handwriting, in the middle
    digits[:, 6:22, 8:20] = rng.integers(0, 256, (200, 16, 12, 1)) * (rng.random((200, 16, 12, 1)) < 0.5)
    loss = sc.SoftmaxCrossEntropy().forward(model.forward(digits), rng.integers(0, 10, 200))
    assert loss == pytest.approx(np.log(10), rel=0.1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_certainty_costs_nothing_if_right_and_the_difference_of_the_logits_if_wrong(dtype):
    loss, logits = sc.SoftmaxCrossEntropy(), np.full((2, 3), -1e4, dtype)
    logits[:, 1] = 1e4
    assert loss.forward(logits, np.array([1, 1])) == 0
    assert np.array_equal(loss.backward(), np.zeros((2, 3)))
    assert loss.forward(logits, np.array([0, 2])) == pytest.approx(2e4)
    assert loss.backward().tolist() == [[-0.5, 0.5, 0], [0, 0.5, -0.5]]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_extreme_logits_give_finite_loss_and_gradients(smoothing):
    loss = sc.SoftmaxCrossEntropy(smoothing)
    for logits in ([[1e4, -1e4, 0.0]], [[-1e4, -1e4, -1e4]], [[1e4, 1e4, 1e4]]):
        assert np.isfinite(loss.forward(np.array(logits, np.float32), np.array([1])))
        assert np.isfinite(loss.backward()).all()


def test_the_gradient_of_each_sample_sums_to_zero():
    loss = sc.SoftmaxCrossEntropy(0.1)
    loss.forward(*logits_and_labels())
    np.testing.assert_allclose(loss.backward().sum(axis=1), 0, atol=1e-7)


def test_a_doubled_batch_has_the_same_loss_and_half_the_gradients():
    logits, labels = logits_and_labels()
    loss, twice = sc.SoftmaxCrossEntropy(), sc.SoftmaxCrossEntropy()
    value = loss.forward(logits, labels)
    assert twice.forward(np.concatenate([logits, logits]), np.concatenate([labels, labels])) == pytest.approx(value)
    np.testing.assert_allclose(2 * twice.backward()[:6], loss.backward(), rtol=1e-6)


def test_label_smoothing_charges_for_being_sure():
    logits = np.array([[10.0, 0, 0]])
    plain, smoothed = sc.SoftmaxCrossEntropy(), sc.SoftmaxCrossEntropy(0.1)
    # log(exp(10) + 2) - 10 is about 9e-5; smoothing moves 2/3 of 0.1 of the target to classes whose logit is 10 lower.
    difference = smoothed.forward(logits, np.array([0])) - plain.forward(logits, np.array([0]))
    assert difference == pytest.approx(0.1 * 2 / 3 * 10)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_labels_may_have_any_whole_number_type(dtype):
    logits, labels = logits_and_labels()
    loss = sc.SoftmaxCrossEntropy()
    assert loss.forward(logits, labels.astype(dtype)) == loss.forward(logits, labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 1, 10]), "0 and 9"),
        (np.array([0, -1, 2]), "0 and 9"),
        (np.array([0.0, 1.0, 2.0]), "integers"),
        (np.ones((3, 10)), "class numbers"),
        (np.eye(11)[:3], "argmax"),
        (np.array([0, 1]), "3 images and 2 labels"),
    ],
)
def test_labels_that_are_not_class_numbers_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        sc.SoftmaxCrossEntropy().forward(np.zeros((3, 10), np.float32), labels)


@pytest.mark.parametrize("shape", [(10,), (2, 3, 4), (0, 10)])
def test_logits_that_are_not_rows_of_scores_are_refused(shape):
    with pytest.raises(ValueError, match=r"logits \(N, K\)"):
        sc.SoftmaxCrossEntropy().forward(np.zeros(shape, np.float32), np.zeros(shape[:1], int))


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, float("nan")])
def test_label_smoothing_out_of_range_is_refused(smoothing):
    with pytest.raises(ValueError, match="label_smoothing"):
        sc.SoftmaxCrossEntropy(smoothing)


def test_backward_without_forward_says_so():
    with pytest.raises(RuntimeError, match="forward"):
        sc.SoftmaxCrossEntropy().backward()


def test_logits_and_labels_are_never_modified_whatever_their_layout():
    logits, labels = logits_and_labels()
    loss = sc.SoftmaxCrossEntropy(0.1)
    expected, expected_gradient = loss.forward(logits, labels), loss.backward().copy()
    read_only = logits.copy()
    read_only.flags.writeable = False
    wide = np.zeros((6, 20), np.float32)
    wide[:, ::2] = logits
    for same in (logits, read_only, np.asfortranarray(logits), wide[:, ::2]):
        before = same.copy()
        assert loss.forward(same, labels) == expected
        assert np.array_equal(loss.backward(), expected_gradient)
        assert np.array_equal(same, before)


def test_the_constructors_arguments_are_its_config():
    loss = sc.SoftmaxCrossEntropy(0.1)
    assert sc.SoftmaxCrossEntropy(**loss.config()).label_smoothing == 0.1
