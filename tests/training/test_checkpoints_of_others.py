"""Resuming with other callbacks, data or settings is refused by what differs; batches from elsewhere go on, too."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.callbacks import CSVLogger, EarlyStopping, ReduceLROnPlateau
from support.small_networks import all_arrays, compiled_network, some_digits

pytestmark = pytest.mark.usefixtures("reference")
X, LABELS = some_digits(60)


class Interrupt(sc.callbacks.Callback):
    def on_epoch_begin(self, epoch):
        if epoch == 2:
            raise KeyboardInterrupt


def run(folder, x=X, y=LABELS, interrupted=False, optimizer=None, **options):
    model = compiled_network()
    metrics = options.pop("metrics", None)
    model.compile(optimizer or sc.SGD(0.1, momentum=0.9), metrics=metrics)
    callbacks = [*options.pop("callbacks", []), *([Interrupt()] if interrupted else [])]
    options = {"epochs": 4, "verbose": 0, "checkpoint": folder, "resume": not interrupted, **options}
    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y, callbacks=callbacks, **options)
    else:
        model.fit(x, y, callbacks=callbacks, **options)
    return model


def weights(value=1.0):
    return {"class_weight": {1: value}}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ({}, {"callbacks": [EarlyStopping("loss")]}, r"callbacks is \[\], now it is \['EarlyStopping\(loss\)'\]"),
        ({"callbacks": [EarlyStopping("loss", patience=9)]}, {}, "callbacks is"),
        (
            {"callbacks": [EarlyStopping("loss", patience=9)]},
            {"callbacks": [EarlyStopping("accuracy", patience=9)]},
            r"callbacks is \['EarlyStopping\(loss\)'\], now it is \['EarlyStopping\(accuracy\)'\]",
        ),
        ({"callbacks": [ReduceLROnPlateau("loss")]}, {"callbacks": [sc.ExponentialMovingAverage()]}, "callbacks is"),
        (weights(5.0), {}, "weights is"),
        ({}, weights(5.0), "weights is None"),
        ({"validation_data": (X, LABELS)}, {"validation_data": (X[:30], LABELS[:30])}, "validation_data's x is"),
        ({"validation_data": (X, LABELS)}, {}, "validation_data is"),
        ({"metrics": ["accuracy"]}, {"metrics": ["f1"]}, "network's metrics is"),
        ({"optimizer": sc.SGD(0.1)}, {"optimizer": sc.SGD(0.1, momentum=0.5)}, "network's optimizer is"),
    ],
)
def test_what_differs_is_named(tmp_path, before, after, message):
    run(tmp_path / "run", interrupted=True, **before)
    with pytest.raises(ValueError, match=f"is the checkpoint of another training: its {message}"):
        run(tmp_path / "run", **after)


def test_batches_in_the_place_of_arrays_are_another_training(tmp_path):
    run(tmp_path / "run", interrupted=True)
    with pytest.raises(ValueError, match="is the checkpoint of another training"):
        run(tmp_path / "run", x=[(X[:30], LABELS[:30]), (X[30:], LABELS[30:])], y=None)


def test_callbacks_that_remember_nothing_may_come_and_go(tmp_path):
    run(
        tmp_path / "run", interrupted=True, callbacks=[sc.callbacks.LambdaCallback(), EarlyStopping("loss", patience=9)]
    )
    resumed = run(tmp_path / "run", callbacks=[EarlyStopping("loss", patience=9)])
    whole = run(tmp_path / "whole", callbacks=[EarlyStopping("loss", patience=9)])
    assert all_arrays(resumed) == all_arrays(whole)


@pytest.mark.parametrize("kind", ["lambda", "partial", "def"])
def test_a_schedule_that_is_a_function_is_known_by_its_code(tmp_path, kind):
    def decay(step, rate=0.1):
        return rate * 0.9 ** (step / 10)

    def schedule(rate):
        if kind == "lambda":
            return (lambda step: 0.1 * 0.9 ** (step / 10)) if rate == 0.1 else (lambda step: 0.3 * 0.9 ** (step / 10))
        return functools.partial(decay, rate=rate) if kind == "partial" else decay

    run(tmp_path / "run", interrupted=True, optimizer=sc.SGD(schedule(0.1)))
    if kind != "def":
        with pytest.raises(ValueError, match="another training: its network's schedule is"):
            run(tmp_path / "run", optimizer=sc.SGD(schedule(0.3)))
    resumed, whole = (run(tmp_path / name, optimizer=sc.SGD(schedule(0.1))) for name in ("run", "whole"))
    assert all_arrays(resumed) == all_arrays(whole)


class Shuffled:
    """A Sequence of Keras that shuffles itself after each epoch."""

    def __init__(self):
        self.rng = np.random.default_rng(0)
        self.on_epoch_end()

    def on_epoch_end(self):
        self.order = self.rng.permutation(len(X))

    def __len__(self):
        return 3

    def __getitem__(self, number):
        chosen = self.order[20 * number : 20 * number + 20]
        return X[chosen], LABELS[chosen]


def endless():
    rng = np.random.default_rng(0)
    while True:
        chosen = rng.permutation(len(X))[:20]
        yield X[chosen], LABELS[chosen]


@pytest.mark.parametrize(("source", "options"), [(Shuffled, {}), (endless, {"steps_per_epoch": 3})])
def test_batches_from_elsewhere_go_on_where_they_were(tmp_path, source, options):
    whole = run(tmp_path / "whole", source(), None, **options)
    run(tmp_path / "run", source(), None, interrupted=True, **options)
    assert all_arrays(run(tmp_path / "run", source(), None, **options)) == all_arrays(whole)


def test_a_checkpoint_within_epochs_is_refused_for_batches_before_anything_is_trained(tmp_path):
    model = compiled_network()
    before = all_arrays(model)
    with pytest.raises(ValueError, match="checkpoint_freq needs arrays"):
        model.fit(Shuffled(), checkpoint=tmp_path / "run", checkpoint_freq=100, verbose=0)
    assert all_arrays(model) == before


def test_the_epoch_of_the_stop_is_remembered(tmp_path):
    stopping = EarlyStopping("loss", patience=1, min_delta=1000)
    run(tmp_path / "run", callbacks=[stopping])
    again = EarlyStopping("loss", patience=1, min_delta=1000)
    run(tmp_path / "run", callbacks=[again])
    assert again.stopped_epoch == stopping.stopped_epoch == 1


def test_a_table_is_not_taken_for_a_stop(tmp_path):
    run(tmp_path / "run", interrupted=True, callbacks=[CSVLogger(tmp_path / "a.csv")])
    with pytest.raises(ValueError, match=r"callbacks is .*CSVLogger"):
        run(tmp_path / "run", callbacks=[EarlyStopping("loss")])
