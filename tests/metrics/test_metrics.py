"""Metrics: values counted by hand, in fit, evaluate, callbacks and files."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import all_arrays, some_digits

X, LABELS = some_digits(100)
TRUTH, ANSWERS = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 2])  # 4 of 6; class 3 does not appear


def network(*metrics, loss=None, outputs=10):
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(outputs)], input_shape=(28, 28, 1))
    model.compile(sc.Adam(1e-3), loss, metrics=list(metrics))
    return model


def measured(metric, truth=TRUTH, predictions=None, parts=1):
    predictions = np.eye(4)[ANSWERS] if predictions is None else predictions
    metric.reset_state()
    for some, answers in zip(np.array_split(truth, parts), np.array_split(predictions, parts), strict=True):
        metric.update_state(some, answers)
    return metric.result()


@pytest.mark.parametrize("parts", [1, 3])
def test_accuracy_precision_recall_and_f1_of_three_classes(parts):
    # TP, FP, FN of the classes: 2 1 1, 1 1 1, 1 0 0
    assert measured(sc.metrics.Accuracy(), parts=parts) == 4 / 6
    assert measured(sc.metrics.Precision(), parts=parts) == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert measured(sc.metrics.Recall(), parts=parts) == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert measured(sc.metrics.F1Score(), parts=parts) == pytest.approx((4 / 6 + 2 / 4 + 1) / 3)


def test_a_class_that_is_never_found_has_no_precision_and_no_recall():
    assert measured(sc.metrics.Precision(), np.array([0, 1]), np.eye(2)[[0, 0]]) == (1 / 2 + 0) / 2
    assert measured(sc.metrics.Recall(), np.array([0, 1]), np.eye(2)[[0, 0]]) == (1 + 0) / 2


def test_precision_and_recall_of_one_question_are_those_of_yes():
    truth, p = np.array([[1.0], [1.0], [0.0], [0.0]]), np.array([[0.9], [0.2], [0.8], [0.1]])
    assert measured(sc.metrics.Precision(), truth, p) == measured(sc.metrics.Recall(), truth, p) == 0.5


def test_top_k_counts_the_classes_before_the_right_one():
    p = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25], [np.nan, 0, 0, 1]])
    truth = np.array([1, 1, 2, 3])
    assert [measured(sc.metrics.TopKAccuracy(k), truth, p) for k in (1, 2, 3, 4)] == [0.25, 0.5, 0.75, 0.75]


def test_a_row_of_nan_is_never_right():
    p = np.full((2, 3), np.nan)
    for metric in (sc.metrics.Accuracy(), sc.metrics.Recall(), sc.metrics.TopKAccuracy(3)):
        assert measured(metric, np.array([0, 1]), p) == 0


def test_fit_and_evaluate_tell_the_metrics_in_their_order(capsys):
    def error_of_the_class_number(targets, predictions):
        return np.abs(predictions.argmax(axis=1) - targets)

    model = network("accuracy", sc.metrics.TopKAccuracy(3), "f1_score", error_of_the_class_number)
    history = model.fit(X, LABELS, epochs=2, validation_split=0.2, verbose=2).history
    names = ["loss", "accuracy", "top_k_accuracy", "f1_score", "error_of_the_class_number"]
    assert list(history) == [*names, *(f"val_{name}" for name in names)]
    assert "val_f1_score" in capsys.readouterr().out
    answers = model.predict(X)
    values = model.evaluate(X, LABELS, batch_size=7)
    assert values[1] == np.mean(answers.argmax(axis=1) == LABELS)
    assert values[4] == pytest.approx(np.abs(answers.argmax(axis=1) - LABELS.astype(int)).mean())
    assert model.evaluate(X, LABELS, batch_size=7, return_dict=True) == dict(zip(names, values, strict=True))
    assert network().evaluate(X, LABELS) == pytest.approx(2.3, abs=0.5)


def test_metrics_do_not_change_what_is_learnt():
    plain, measuring = network(), network("accuracy", "precision", lambda targets, predictions: 1.0)
    for model in (plain, measuring):
        model.fit(X, LABELS, epochs=2, verbose=0)
    assert all_arrays(plain) == all_arrays(measuring)
    assert measuring.history.history["lambda"] == [1.0, 1.0]


def test_soft_targets_are_of_their_most_probable_class():
    rows = 0.9 * np.eye(10)[LABELS] + 0.01
    model = network("accuracy", sc.metrics.F1Score(), sc.metrics.TopKAccuracy(2))
    assert model.evaluate(X, rows)[1:] == model.evaluate(X, LABELS)[1:]


def test_callbacks_can_watch_a_metric():
    model = network("recall")
    stopping = sc.callbacks.EarlyStopping("val_recall", patience=0)
    model.fit(X, LABELS, epochs=3, validation_split=0.3, callbacks=stopping, verbose=0)
    assert stopping.monitor.sign == 1  # higher is better
    with pytest.raises(ValueError, match="there is no 'val_f1_score' among what an epoch measures"):
        model.fit(X, LABELS, validation_split=0.3, callbacks=sc.callbacks.EarlyStopping("val_f1_score"), verbose=0)


def test_metrics_come_back_from_a_file(tmp_path):
    model = network("accuracy", sc.metrics.TopKAccuracy(2, name="top_2"))
    model.fit(X, LABELS, verbose=0)
    model.save(tmp_path / "model.npz")
    loaded = sc.load_model(tmp_path / "model.npz")
    assert loaded.evaluate(X, LABELS, return_dict=True) == model.evaluate(X, LABELS, return_dict=True)
    model.compile(metrics=[lambda targets, predictions: 0.0])
    with pytest.raises(ValueError, match=r"only Accuracy, .* can be loaded again"):
        model.save(tmp_path / "model.npz")


BAD = {
    "a name": (["acuracy"], r"there is no metric 'acuracy'; there are Accuracy, TopKAccuracy"),
    "a class": ([sc.metrics.Recall], r"is the class Recall; write Recall\(...\)"),
    "a number": ([3], "must be a metric, its name or a function, got 3"),
    "twice": (["recall", "recall"], "two metrics are called 'recall'"),
    "a function of nothing": ([lambda: 0], r"a function of \(targets, predictions\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_metrics_that_are_none_are_refused(case):
    metrics, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        network(*metrics)


def test_metrics_that_do_not_fit_the_loss_are_refused_before_training():
    model = network("accuracy", loss=sc.MeanSquaredError(), outputs=1)
    with pytest.raises(ValueError, match=r"no accuracy with MeanSquaredError .* compile\(metrics=\[\]\)"):
        model.fit(X, LABELS / 9)
    model = network(lambda targets, predictions: predictions)
    with pytest.raises(ValueError, match="must return a number, or one for each of 32 samples"):
        model.fit(X, LABELS, verbose=0)
