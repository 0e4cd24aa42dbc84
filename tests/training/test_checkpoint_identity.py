"""Checkpoints: other data and another learning rate are another training, what callbacks have changed is not."""

from __future__ import annotations

import json

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.callbacks import EarlyStopping, ReduceLROnPlateau
from scratchcnn.network.image_range import some_of
from scratchcnn.training import identity
from support.small_networks import all_arrays, some_digits

pytestmark = pytest.mark.usefixtures("reference")
X, LABELS = some_digits(600)


def network(optimizer=None):
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=X.shape[1:])
    model.compile(optimizer or sc.SGD(0.1), metrics=["accuracy", "recall"])
    return model


def fit(model, folder, epochs, x=X, y=LABELS, **options):
    options = {"verbose": 0, "batch_size": 64, "checkpoint": folder, **options}
    return model.fit(x, y, epochs=epochs, **options)


def changed(array, place=-2):  # not a place that is looked at when some images stand for all
    array = np.array(array)
    array[place] = array[place] == 0
    return array


WEIGHTS = np.linspace(1, 2, 600)
CHANGES = {
    "images": ({}, {"x": changed(X)}, r"its x is \[\[600, 28, 28\], 'uint8', .*, now it is"),
    "labels": ({}, {"y": changed(LABELS)}, r"its y is"),
    "weights": ({"sample_weight": WEIGHTS}, {"sample_weight": changed(WEIGHTS)}, "its weights is"),
    "validation images": (
        {"validation_data": (X, LABELS)},
        {"validation_data": (changed(X), LABELS)},
        "its validation_data's x is",
    ),
    "validation labels": (
        {"validation_data": (X, LABELS)},
        {"validation_data": (X, changed(LABELS))},
        "its validation_data's y is",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_data_that_differ_in_one_sample_are_refused_by_name(case, tmp_path):
    before, now, message = CHANGES[case]
    fit(network(), tmp_path, 1, **before)
    model = network()
    arrays = all_arrays(model)
    with pytest.raises(ValueError, match=f"is the checkpoint of another training: {message}"):
        fit(model, tmp_path, 2, resume=True, **now)
    assert all_arrays(model) == arrays


def test_data_are_the_same_however_they_lie_in_memory(tmp_path):
    fit(network(), tmp_path, 1)
    apart = np.repeat(X, 2, axis=0)[::2]
    assert not apart.flags.c_contiguous
    assert fit(network(), tmp_path, 2, x=apart, resume=True).epoch == [0, 1]


def test_data_are_summed_only_for_a_checkpoint(tmp_path, monkeypatch):
    sums = []
    monkeypatch.setattr(identity, "_sum", lambda array, looked_at: sums.append(len(looked_at)))
    fit(network(), None, 1)
    assert sums == []
    fit(network(), tmp_path, 1)
    assert sums == [600, 600]


def test_another_learning_rate_than_at_the_beginning_is_refused_by_name(tmp_path):
    fit(network(), tmp_path, 1)
    model = network(sc.SGD(0.5))
    with pytest.raises(ValueError, match=r"another training: its start's learning_rate is 0.1, now it is 0.5; pass"):
        fit(model, tmp_path, 2, resume=True)
    assert model.optimizer.learning_rate == 0.5 and model.optimizer.iterations == 0


def test_a_rate_that_was_changed_during_the_training_is_not_another_one(tmp_path):
    halve = sc.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    model = network()
    fit(model, tmp_path, 1, callbacks=halve)
    fit(model, tmp_path, 2, callbacks=halve, resume=True)  # in the same program
    again = network()
    fit(again, tmp_path, 3, callbacks=halve, resume=True)  # and in another
    assert again.history.history["learning_rate"] == [0.05, 0.025, 0.0125]
    with pytest.raises(ValueError, match=r"learning_rate is 0.1, now it is 0.0125"):
        fit(network(sc.SGD(0.0125)), tmp_path, 4, callbacks=halve, resume=True)


@pytest.mark.parametrize("epochs", [2, 3])
def test_no_more_epochs_than_are_done_run_nothing_and_say_so(epochs, tmp_path):
    fit(network(), tmp_path, 3)
    message = f"fit runs no epoch: the checkpoint has 3 done, .* is {epochs}; for ten more pass epochs=13"
    with pytest.warns(RuntimeWarning, match=message):
        assert fit(network(), tmp_path, epochs, resume=True).epoch == [0, 1, 2]


def as_version_1(file):
    """Write a checkpoint as version 1 did: states and sums as plain JSON, some images for all, no first rate."""
    arrays = dict(np.load(file))
    told = json.loads(str(arrays["training"]))
    told["version"] = 1
    del told["identity"]["start"]
    told["identity"]["x"] = json.loads(json.dumps(identity._sum(X, some_of(X))))
    told["identity"]["callbacks"].reverse()
    states = [dict(state["dict"]) for state in reversed(told["callbacks"])]
    for place, state in enumerate(states):
        names = [name for name, value in state.items() if isinstance(value, dict)]
        arrays |= {f"callbacks/{place}/{name}": arrays.pop(state.pop(name)["array"]) for name in names}
        state |= {"class": told["identity"]["callbacks"][place].partition("(")[0], "arrays": names}

    def sums(kept):
        return arrays.pop(kept["array"]).tolist() if isinstance(kept, dict) else kept

    totals = dict(told["totals"]["dict"])
    metrics = [{name: sums(kept) for name, kept in metric["dict"]} for metric in totals["metrics"]]
    told |= {"callbacks": states, "totals": {**totals, "metrics": metrics}}
    np.savez(file, training=np.array(json.dumps(told)), **{n: a for n, a in arrays.items() if n != "training"})


class Interrupt(sc.callbacks.Callback):
    def on_epoch_begin(self, epoch):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs):
        if (self.epoch, batch) == (1, 5):
            raise InterruptedError


def test_a_checkpoint_of_version_1_goes_on(tmp_path):
    def callbacks():
        stop = EarlyStopping("loss", patience=9, restore_best_weights=True)
        return [ReduceLROnPlateau("loss", patience=1, min_delta=0.5), stop]

    whole, resumed = network(), network()
    fit(whole, tmp_path / "whole", 4, callbacks=callbacks())
    with pytest.raises(InterruptedError):
        fit(network(), tmp_path / "run", 4, callbacks=[*callbacks(), Interrupt()], checkpoint_freq=2)
    as_version_1(tmp_path / "run" / "checkpoint.npz")
    fourth = changed(X, place=3)  # one that is looked at
    with pytest.raises(ValueError, match="another training: its x is"):
        fit(network(), tmp_path / "run", 4, x=fourth, callbacks=callbacks(), resume=True)
    fit(resumed, tmp_path / "run", 4, callbacks=callbacks(), resume=True)
    assert all_arrays(resumed) == all_arrays(whole) and resumed.history.history == whole.history.history
    assert resumed.optimizer.learning_rate == whole.optimizer.learning_rate < 0.1
    with pytest.raises(ValueError, match="another training: its x is"):  # it is one of this version now
        fit(network(), tmp_path / "run", 5, x=changed(X), callbacks=callbacks(), resume=True)
