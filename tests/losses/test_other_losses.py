"""Mean squared error, binary cross-entropy, soft targets, weights of classes and samples: values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.gradcheck import check_loss

pytestmark = pytest.mark.usefixtures("backend")

LOGITS = np.log(np.array([[1.0, 2.0, 1.0], [4.0, 3.0, 1.0]]))  # softmax: (1/4, 1/2, 1/4), (1/2, 3/8, 1/8)
TIGHT = {"rel": 1e-12}


def value_and_gradient(loss, logits, targets):
    return loss.forward(logits, targets), loss.backward().copy()


def test_the_mean_squared_error_is_the_mean_over_samples_and_outputs():
    value, gradient = value_and_gradient(
        sc.MeanSquaredError(), np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[1.0, 4.0], [3.0, 4.0]])
    )
    assert value == (0 + 4 + 0 + 1) / 4
    assert gradient.tolist() == [[0, -1], [0, 0.5]]  # 2 (output - target) / 4


def test_binary_cross_entropy_of_one_question_is_that_of_two_classes():
    z, answers = np.array([[2.0], [-1.0], [0.5]]), np.array([1, 1, 0])
    two = sc.SoftmaxCrossEntropy().forward(np.hstack([np.zeros_like(z), z]), answers)
    assert sc.BinaryCrossEntropy().forward(z, answers) == pytest.approx(two, **TIGHT)


def test_binary_cross_entropy_takes_several_labels_at_once_and_probabilities():
    z, t = np.array([[0.0, math.log(3)]]), np.array([[1.0, 0.25]])  # p = 1/2, 3/4
    value, gradient = value_and_gradient(sc.BinaryCrossEntropy(), z, t)
    assert value == pytest.approx((math.log(2) - 0.25 * math.log(0.75) - 0.75 * math.log(0.25)) / 2, **TIGHT)
    np.testing.assert_allclose(gradient, [[-0.25, 0.25]], rtol=1e-12)


def test_binary_cross_entropy_of_extreme_logits_is_exact():
    z = np.array([[1e4], [-1e4], [1e4], [40.0]])
    value, gradient = value_and_gradient(sc.BinaryCrossEntropy(), z, np.array([1, 0, 0, 1]))
    assert value == pytest.approx(1e4 / 4, **TIGHT)
    np.testing.assert_allclose(gradient.ravel(), [0, 0, 0.25, -math.exp(-40) / 4], rtol=1e-10, atol=1e-17)


def test_soft_targets_cost_the_mean_of_the_classes_losses():
    rows = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    value, gradient = value_and_gradient(sc.SoftmaxCrossEntropy(), LOGITS, rows)
    assert value == pytest.approx(((math.log(4) + math.log(2)) / 2 + math.log(8)) / 2, **TIGHT)
    np.testing.assert_allclose(gradient, np.array([[-0.25, 0, 0.25], [0.5, 0.375, -0.875]]) / 2, atol=1e-15)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_one_hot_rows_cost_what_class_numbers_cost(smoothing):
    labels, loss = np.array([2, 0]), sc.SoftmaxCrossEntropy(smoothing)
    numbers = value_and_gradient(loss, LOGITS, labels)
    rows = value_and_gradient(loss, LOGITS, np.eye(3)[labels])
    assert rows[0] == pytest.approx(numbers[0], **TIGHT)
    np.testing.assert_allclose(rows[1], numbers[1], atol=1e-15)


def test_class_weights_multiply_the_losses_and_divide_by_the_weights_of_the_labels():
    value, gradient = value_and_gradient(sc.SoftmaxCrossEntropy(class_weights=[1, 3, 5]), LOGITS, np.array([1, 0]))
    assert value == pytest.approx((3 * math.log(2) + 1 * math.log(2)) / (3 + 1), **TIGHT)
    np.testing.assert_allclose(gradient, np.array([[0.75, -1.5, 0.75], [-0.5, 0.375, 0.125]]) / 4, atol=1e-15)


# Of PyTorch 2.13: CrossEntropyLoss(weight=[1, 3, 5], label_smoothing=0.1)(logits, labels or rows).
def test_class_weights_and_label_smoothing_together_are_those_of_pytorch():
    loss = sc.SoftmaxCrossEntropy(0.1, class_weights=[1, 3, 5])
    log_p = np.log([[0.25, 0.5, 0.25], [0.5, 0.375, 0.125]])
    w, q = np.array([1.0, 3.0, 5.0]), 0.9 * np.eye(3)[[1, 0]] + 0.1 / 3
    expected = -(w * q * log_p).sum()
    assert loss.forward(LOGITS, np.array([1, 0])) == pytest.approx(expected / 4, **TIGHT)
    rows = np.array([[0.1, 0.8, 0.1], [1.0, 0.0, 0.0]])
    mixed = -(w * (0.9 * rows + 0.1 / 3) * log_p).sum()
    assert loss.forward(LOGITS, rows) == pytest.approx(mixed / 2, **TIGHT)


@pytest.mark.parametrize("ignored", [-1, 255, 1])
def test_ignored_samples_have_no_loss_and_no_gradient_and_do_not_count(ignored):
    loss = sc.SoftmaxCrossEntropy(ignore_index=ignored)
    value, gradient = value_and_gradient(loss, LOGITS, np.array([ignored, 2]))
    alone = value_and_gradient(sc.SoftmaxCrossEntropy(), LOGITS[1:], np.array([2]))
    assert value == pytest.approx(alone[0], **TIGHT)
    np.testing.assert_allclose(gradient, np.vstack([np.zeros((1, 3)), alone[1]]), atol=1e-15)
    assert value_and_gradient(loss, LOGITS, np.array([ignored, ignored]))[0] == 0
    with pytest.raises(ValueError, match="between 0 and 2"):
        loss.forward(LOGITS, np.array([ignored, 7]))


@pytest.mark.parametrize(
    ("loss", "labels"),
    [
        (sc.MeanSquaredError(), None),
        (sc.BinaryCrossEntropy(), None),
        (sc.SoftmaxCrossEntropy(), np.random.default_rng(0).dirichlet(np.ones(10), 4)),
        (sc.SoftmaxCrossEntropy(0.1), np.random.default_rng(0).dirichlet(np.ones(10), 4)),
        (sc.SoftmaxCrossEntropy(0.1, class_weights=np.arange(10)), None),
        (sc.SoftmaxCrossEntropy(ignore_index=3), np.array([3, 1, 2, 3])),
        (sc.SoftmaxCrossEntropy(0.2, class_weights=np.arange(10), ignore_index=3), np.array([3, 1, 2, 0])),
    ],
    ids=repr,
)
def test_gradients(loss, labels):
    assert check_loss(loss, labels=labels).raise_if_wrong().error < 1e-7


@pytest.mark.parametrize("loss", [sc.MeanSquaredError(), sc.BinaryCrossEntropy()], ids=repr)
@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (3, 4), (2, 3, 4, 2)])
def test_gradients_of_any_outputs(loss, shape):
    rng = np.random.default_rng(0)
    report = check_loss(loss, logits=rng.normal(size=shape), labels=rng.random(shape)).raise_if_wrong()
    assert report.error < 1e-7


BAD = {
    "a number for each row, where there are two": (sc.MeanSquaredError(), (4, 2), np.arange(4.0), "same shape"),
    "class numbers": (sc.MeanSquaredError(), (4, 3), np.arange(4) % 3, r"np.eye\(3\)\[y\]"),
    "a missing value": (sc.MeanSquaredError(), (2, 1), np.array([1.0, np.nan]), "finite"),
    "signs": (sc.BinaryCrossEntropy(), (2, 1), np.array([-1, 1]), "0 and 1, or between, got -1 to 1"),
    "three classes": (sc.BinaryCrossEntropy(), (3, 1), np.arange(3), r"Dense\(3\)"),
    "rows that do not sum to 1": (sc.SoftmaxCrossEntropy(), (2, 3), np.full((2, 3), 0.5), "which adds up to 1.5"),
    "negative rows": (sc.SoftmaxCrossEntropy(), (1, 3), np.array([[-1.0, 1, 1]]), "numbers >= 0"),
    "weights of other classes": (sc.SoftmaxCrossEntropy(class_weights=[1, 2]), (2, 3), np.arange(2), "2 weights"),
}


@pytest.mark.parametrize("case", BAD)
def test_targets_that_are_none_are_refused(case):
    loss, shape, targets, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        loss.forward(np.zeros(shape), targets)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"class_weights": {0: 1.0}}, "a list with one weight for each class"),
        ({"class_weights": [1.0, -1.0]}, r"class_weights\[1\] must be a finite number >= 0"),
        ({"class_weights": [0.0, 0.0]}, "not all be 0"),
        ({"ignore_index": "none"}, "ignore_index must be an integer"),
    ],
)
def test_settings_that_mean_nothing_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sc.SoftmaxCrossEntropy(**arguments)


def test_a_softmax_of_a_single_output_is_refused_with_what_is_meant():
    model = sc.Sequential([sc.Dense(1)], input_shape=(3,))
    with pytest.raises(ValueError, match=r"Dense\(1\) with BinaryCrossEntropy\(\)"):
        model.compile()
    model.compile(loss=sc.BinaryCrossEntropy())
