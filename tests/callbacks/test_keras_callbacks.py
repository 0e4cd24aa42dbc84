"""Callbacks with Keras's names, arguments and meaning."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.callbacks import LambdaCallback, LearningRateScheduler, ReduceLROnPlateau, TerminateOnNaN
from support.small_networks import all_arrays, some_digits

pytestmark = pytest.mark.usefixtures("reference")
X, LABELS = some_digits(64)


def network(optimizer=None):
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.compile(optimizer or sc.SGD(0.1))
    return model


class Scripted(sc.callbacks.Callback):
    """Lets each epoch measure what it is told to."""

    def __init__(self, values):
        self.values = values

    def on_epoch_end(self, epoch, logs):
        logs["score_loss"] = self.values[epoch]


def rates(values, **options):
    """Return the learning rate of each epoch."""
    reduce = ReduceLROnPlateau("score_loss", **options)
    model = network(sc.SGD(1.0))
    model.fit(X, LABELS, epochs=len(values), callbacks=[Scripted(values), reduce], verbose=0)
    return model.history.history["learning_rate"]


# The epochs of keras.callbacks.ReduceLROnPlateau, worked out from its rule.
@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ([3, 2, 1, 1, 1, 1], {"factor": 0.5, "patience": 2}, [1, 1, 1, 1, 1, 0.5]),
        ([1, 1, 1, 1, 1], {"factor": 0.5, "patience": 1}, [1, 1, 0.5, 0.25, 0.125]),
        ([1, 1, 1, 1, 1, 1], {"factor": 0.5, "patience": 1, "cooldown": 2}, [1, 1, 0.5, 0.5, 0.25, 0.25]),
        ([1, 0.9, 0.8, 0.7], {"factor": 0.1, "patience": 1, "min_delta": 0.5}, [1, 1, 0.1, 0.01]),
        ([1, 2, 3, 4], {"factor": 0.5, "patience": 1, "mode": "max"}, [1, 1, 1, 1]),
        ([1, 1, 1, 1], {"factor": 0.1, "patience": 1, "min_lr": 0.05}, [1, 1, 0.1, 0.05]),
    ],
)
def test_reduce_lr_on_plateau_lowers_the_rate_when_nothing_improves(values, options, expected):
    np.testing.assert_allclose(rates(values, **options), expected, rtol=1e-12)


def test_a_scheduler_sets_the_rate_of_each_epoch(capsys):
    for schedule in (lambda epoch: 0.5**epoch, lambda epoch, rate: rate if epoch == 0 else rate / 2):
        model = network(sc.SGD(1.0))
        model.fit(X, LABELS, epochs=3, callbacks=LearningRateScheduler(schedule, verbose=1), verbose=0)
        assert model.history.history["learning_rate"] == [1.0, 0.5, 0.25]
    assert capsys.readouterr().out.splitlines()[0] == "Epoch 2: the learning rate is 0.5"
    scheduled, plain = network(sc.SGD(0.1)), network(sc.SGD(0.1))
    scheduled.fit(X, LABELS, epochs=3, callbacks=LearningRateScheduler(lambda epoch: 0.1), verbose=0)
    plain.fit(X, LABELS, epochs=3, verbose=0)
    assert all_arrays(scheduled) == all_arrays(plain)


@pytest.mark.parametrize("callback", [LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau("loss")])
def test_a_rate_that_is_a_schedule_is_not_changed_without_a_word(callback):
    model = network(sc.SGD(sc.schedules.CosineDecay(0.1, 10)))
    with pytest.raises(ValueError, match=r"the optimizer's is CosineDecay.*pass SGD\(0.1\)"):
        model.fit(X, LABELS, callbacks=callback, verbose=0)


def test_a_lambda_callback_is_called_at_each_moment_with_keras_arguments():
    calls = []
    moments = ["train_begin", "epoch_begin", "train_batch_begin", "train_batch_end", "epoch_end", "train_end"]
    functions = {f"on_{m}": lambda *args, m=m: calls.append((m, *map(type, args))) for m in moments}
    network().fit(X, LABELS, batch_size=32, callbacks=LambdaCallback(**functions), verbose=0)
    batch = [("train_batch_begin", int, dict), ("train_batch_end", int, dict)]
    begin = [("train_begin", dict), ("epoch_begin", int, dict)]
    assert calls == [*begin, *batch, *batch, ("epoch_end", int, dict), ("train_end", dict)]


def test_what_a_lambda_callback_adds_to_the_logs_is_kept_and_can_be_monitored():
    def add(epoch, logs):
        logs["twice"] = 2 * logs["loss"]

    stop = sc.callbacks.EarlyStopping("twice", patience=5)
    history = network().fit(X, LABELS, epochs=2, callbacks=[LambdaCallback(on_epoch_end=add), stop], verbose=0).history
    assert history["twice"] == [2 * loss for loss in history["loss"]]


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered")
def test_terminate_on_nan_ends_a_training_without_an_error(capsys):
    class Diverging(sc.callbacks.Callback):
        def on_epoch_begin(self, epoch):
            if epoch == 2:
                self.model.optimizer.learning_rate = 3e38

    model, ended = network(), []
    callbacks = [Diverging(), LambdaCallback(on_train_end=ended.append), TerminateOnNaN()]
    history = model.fit(X, LABELS, epochs=5, batch_size=16, callbacks=callbacks, verbose=2)
    assert history.epoch == [0, 1] and ended == [{}]
    assert "The training ends here: the loss became" in capsys.readouterr().out
    with pytest.raises(FloatingPointError, match="diverged"):
        network().fit(X, LABELS, epochs=5, batch_size=16, callbacks=Diverging(), verbose=0)


def test_an_error_of_another_kind_is_not_swallowed():
    def fail(epoch, logs):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        network().fit(X, LABELS, callbacks=[TerminateOnNaN(), LambdaCallback(on_epoch_end=fail)], verbose=0)


BAD = {
    "no function": (lambda: LearningRateScheduler(0.1), r"a function of \(epoch, learning_rate\), got 0.1"),
    "a factor above 1": (lambda: ReduceLROnPlateau(factor=2), "factor must lie between 0 and 1"),
    "no moment": (lambda: LambdaCallback(on_epoch_end=3), "on_epoch_end must be a function"),
    "another name": (lambda: ReduceLROnPlateau(min_learning_rate=0.1), "did you mean min_lr|it takes"),
}


@pytest.mark.parametrize("case", BAD)
def test_arguments_that_mean_nothing_are_refused(case):
    make, message = BAD[case]
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_no_epoch_to_run_is_said():
    with pytest.warns(RuntimeWarning, match="fit runs no epoch: initial_epoch is 3"):
        network().fit(X, LABELS, epochs=3, initial_epoch=3, verbose=0)
