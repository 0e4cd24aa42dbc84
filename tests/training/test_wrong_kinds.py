"""Values of the wrong kind are refused by name, with what was expected, and not by Python in passing."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import compiled_network, some_digits

pytestmark = pytest.mark.usefixtures("reference")
X, LABELS = some_digits(20)
CALLBACKS = sc.callbacks


def fit(**arguments):
    compiled_network().fit(X, LABELS, verbose=0, **arguments)


REFUSED = {
    "factor": (lambda: CALLBACKS.ReduceLROnPlateau(factor="0.1"), "factor must be a number, got '0.1'"),
    "split": (lambda: fit(validation_split="0.1"), "validation_split must be a number, got '0.1'"),
    "class": (lambda: fit(callbacks=CALLBACKS.EarlyStopping), r"is the class EarlyStopping; write EarlyStopping\("),
    "name": (lambda: fit(callbacks="early"), "callbacks must be Callback objects, got 'early'"),
    "number": (lambda: fit(callbacks=3), "callbacks must be Callback objects, got 3"),
    "layers": (lambda: sc.Residual(3), "layers must be a list of layers, got 3"),
    "models": (lambda: sc.Ensemble(3), "models must be a list of models, or of files, got 3"),
    "file": (lambda: sc.Ensemble("a.npz"), "models must be a list of models, or of files, got 'a.npz'"),
    "weights": (lambda: compiled_network().set_weights(None), "weights must be a list of arrays, .* got None"),
    "of a layer": (lambda: sc.Dense(3).set_weights(None), "weights must be a list of arrays, .* got None"),
}
PATHS = {
    "save": lambda path: compiled_network().save(path),
    "load_model": sc.load_model,
    "save_weights": lambda path: compiled_network().save_weights(path),
    "load_weights": lambda path: compiled_network().load_weights(path),
    "checkpoint": lambda path: fit(checkpoint=path),
    "BackupAndRestore": CALLBACKS.BackupAndRestore,
    "CSVLogger": CALLBACKS.CSVLogger,
    "ModelCheckpoint": CALLBACKS.ModelCheckpoint,
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_said_what_was_expected(case):
    call, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("path", [3, ["a.npz"], b"a.npz", True])
def test_what_is_no_path_is_refused(name, path):
    with pytest.raises(ValueError, match=r"must be the path of a (file|folder), a str or a pathlib.Path, got "):
        PATHS[name](path)


def test_a_checkpoint_is_a_folder_and_no_file(tmp_path):
    (tmp_path / "file").write_text("kept")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(ValueError, match=r"checkpoint must be a folder, .* is a file or lies in one"):
            fit(checkpoint=path)
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("moment", ["on_epoch_begin", "on_epoch_end", "on_train_batch_end", "on_train_begin"])
def test_a_function_with_other_arguments_than_its_moment_has_is_refused_before_the_training(moment):
    with pytest.raises(
        TypeError, match=rf"{moment} must be a function of \((epoch, |batch, |)logs\): .*; write lambda "
    ):
        CALLBACKS.LambdaCallback(**{moment: lambda: None})
    fit(callbacks=CALLBACKS.LambdaCallback(**{moment: lambda *arguments: None}))
    fit(callbacks=CALLBACKS.LambdaCallback(**{moment: print}))  # a built-in function


@pytest.mark.parametrize("schedule", [lambda: 0.1, lambda epoch, rate, more: rate])
def test_a_schedule_of_neither_one_argument_nor_two_is_refused(schedule):
    with pytest.raises(TypeError, match=r"a function of \(epoch, learning_rate\) or of \(epoch\), got one of \("):
        CALLBACKS.LearningRateScheduler(schedule)


@pytest.mark.parametrize(
    "metric", [sc.metrics.Accuracy(), sc.metrics.TopKAccuracy(1), sc.metrics.Precision(), sc.metrics.F1Score()]
)
@pytest.mark.parametrize("targets", [np.array([0, -1]), np.array([0, 2]), np.array([0]), [0, 2]])
def test_a_metric_refuses_what_is_no_class(metric, targets):
    with pytest.raises(ValueError, match="needs one class number from 0 to 1 for each of 2 samples, got"):
        metric.update_state(targets, np.eye(2))
    metric.reset_state()
    metric.update_state([0, 1], [[0.9, 0.1], [0.2, 0.8]])
    assert metric.result() == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (2 * np.eye(10)[LABELS], "20 are not, the first is y.0., .* which adds up to 2"),
        (np.eye(10)[LABELS] - 0.1, "numbers >= 0 that add up to 1"),
        (np.full((20, 10), np.nan), "which adds up to nan"),
    ],
)
def test_rows_that_are_no_probabilities_are_told_with_the_first_of_them(rows, message):
    with pytest.raises(ValueError, match=rf"rows \(N, 10\) of probabilities must be .*{message}"):
        compiled_network().fit(X, rows, verbose=0)
