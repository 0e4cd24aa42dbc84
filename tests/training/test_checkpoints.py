"""Checkpoints: an interrupted and resumed training ends with the bits of one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.callbacks import (
    BackupAndRestore,
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from support.processes import ROOT
from support.small_networks import all_arrays, small_network, some_digits

X, LABELS = some_digits(100)


class Interrupted(Exception):
    pass


class Interrupt(sc.callbacks.Callback):
    """Fails at a batch of an epoch, or at its end."""

    def __init__(self, epoch, batch=None):
        self.at = epoch, batch

    def on_epoch_begin(self, epoch):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs):
        if self.at == (self.epoch, batch):
            raise Interrupted

    def on_epoch_train_end(self, epoch):
        if self.at == (epoch, None):
            raise Interrupted


def network(optimizer=None, **options):
    model = small_network(**options)
    model.compile(optimizer or sc.Adam(1e-2), metrics=["accuracy", "recall"])
    return model


SETTINGS = {
    "plain": (lambda: None, dict, list),
    "schedule": (lambda: sc.SGD(sc.schedules.OneCycle(0.1, 30), momentum=0.9), dict, list),
    "augmented": (
        lambda: None,
        lambda: {"augmentation": sc.data.Annealed(sc.data.Augmentation(rotation=10, shift=2)), "shuffle": False},
        list,
    ),
    "weights": (lambda: sc.RMSprop(), lambda: {"sample_weight": np.linspace(0.5, 2, 100)}, list),
    "average": (lambda: None, dict, lambda: [sc.ExponentialMovingAverage(0.9, warmup=1)]),
    "callbacks": (
        lambda: sc.SGD(0.5),
        lambda: {"validation_split": 0.2},
        lambda: [
            ReduceLROnPlateau("val_loss", patience=1, min_delta=0.2),
            EarlyStopping("val_loss", patience=2, min_delta=0.1, restore_best_weights=True),
        ],
    ),
}


def fit(model, name, folder, *others, epochs=5, **options):
    _, arguments, callbacks = SETTINGS[name]
    arguments = {"epochs": epochs, "batch_size": 16, "verbose": 0, "checkpoint": folder, **arguments(), **options}
    return model.fit(X, LABELS, callbacks=[*callbacks(), *others], **arguments)


@pytest.mark.parametrize("at", [(0, 1), (2, 3), (2, None), (4, 5)], ids=str)
@pytest.mark.parametrize("name", SETTINGS)
def test_a_resumed_training_ends_with_the_bits_of_one_that_was_not_interrupted(name, at, tmp_path, reference):
    optimizer = SETTINGS[name][0]
    whole, broken, resumed = (network(optimizer()) for _ in range(3))
    fit(whole, name, tmp_path / "whole")
    try:
        fit(broken, name, tmp_path / "run", Interrupt(*at), checkpoint_freq=2)
    except Interrupted:
        pass
    else:
        assert whole.history.epoch[-1] < at[0]  # it had ended before
    fit(resumed, name, tmp_path / "run", resume=True)
    assert all_arrays(resumed) == all_arrays(whole)
    assert repr(resumed.history.history) == repr(whole.history.history)
    assert resumed.history.epoch == whole.history.epoch
    assert resumed.optimizer.current_learning_rate() == whole.optimizer.current_learning_rate()
    assert resumed.rng.bit_generator.state == whole.rng.bit_generator.state


def test_so_does_one_on_the_compiled_operations(tmp_path):
    whole, broken, resumed = network(), network(), network()
    fit(whole, "plain", tmp_path / "whole")
    with pytest.raises(Interrupted):
        fit(broken, "plain", tmp_path / "run", Interrupt(3, 4), checkpoint_freq=3)
    fit(resumed, "plain", tmp_path / "run", resume=True)
    assert all_arrays(resumed) == all_arrays(whole)


@pytest.mark.parametrize("every", [None, 2])
def test_a_rate_that_is_set_anew_each_epoch_is_set_once(tmp_path, reference, every):
    def halve():
        return LearningRateScheduler(lambda epoch, rate: rate / 2)

    whole, broken, resumed = network(), network(), network()
    fit(whole, "plain", tmp_path / "whole", halve())
    with pytest.raises(Interrupted):
        fit(broken, "plain", tmp_path / "run", halve(), Interrupt(2, 3), checkpoint_freq=every)
    fit(resumed, "plain", tmp_path / "run", halve(), resume=True)
    assert all_arrays(resumed) == all_arrays(whole)
    assert resumed.history.history == whole.history.history


def test_a_table_and_the_best_model_go_on_too(tmp_path, reference):
    def callbacks(folder):
        return [CSVLogger(folder / "table.csv"), ModelCheckpoint(folder / "best.npz", "val_loss", save_best_only=True)]

    options = {"validation_split": 0.2}
    fit(network(), "plain", tmp_path / "a", *callbacks(tmp_path / "a"), **options)
    with pytest.raises(Interrupted):
        fit(network(), "plain", tmp_path / "b", *callbacks(tmp_path / "b"), Interrupt(3), **options)
    with open(tmp_path / "b" / "table.csv", "a", encoding="utf-8") as file:
        file.write("4,9,9,9,9,9,9\r\n")  # a row written after the checkpoint
    fit(network(), "plain", tmp_path / "b", *callbacks(tmp_path / "b"), **options, resume=True)
    for name in ("table.csv", "best.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_backup_and_restore_resumes_by_itself_and_removes_what_is_done(tmp_path, reference):
    whole, broken, resumed = network(), network(), network()
    options = {"epochs": 4, "batch_size": 16, "verbose": 0}
    whole.fit(X, LABELS, **options)
    with pytest.raises(Interrupted):
        broken.fit(X, LABELS, callbacks=[BackupAndRestore(tmp_path / "a", save_freq=2), Interrupt(2, 4)], **options)
    assert (tmp_path / "a" / "checkpoint.npz").exists()
    resumed.fit(X, LABELS, callbacks=BackupAndRestore(tmp_path / "a"), **options)
    assert all_arrays(resumed) == all_arrays(whole) and not list(tmp_path.iterdir())


def test_a_training_that_is_done_is_not_trained_again(tmp_path, reference):
    model, again = network(), network()
    fit(model, "plain", tmp_path)
    with pytest.warns(RuntimeWarning, match="fit runs no epoch: the checkpoint has 5 done, .* pass epochs=15"):
        fit(again, "plain", tmp_path, resume=True)
    assert all_arrays(again) == all_arrays(model) and again.history.epoch == [0, 1, 2, 3, 4]
    more, whole = network(), network()
    fit(more, "plain", tmp_path, resume=True, epochs=7)
    fit(whole, "plain", tmp_path / "whole", epochs=7)
    assert all_arrays(more) == all_arrays(whole)


def test_streams_have_checkpoints_after_epochs(tmp_path, reference):
    items = [(X[i : i + 25], LABELS[i : i + 25]) for i in range(0, 100, 25)]
    whole, broken, resumed = network(), network(), network()
    options = {"epochs": 3, "verbose": 0}
    whole.fit(items, **options)
    with pytest.raises(Interrupted):
        broken.fit(items, checkpoint=tmp_path, callbacks=Interrupt(1, 2), **options)
    resumed.fit(items, checkpoint=tmp_path, resume=True, **options)
    assert all_arrays(resumed) == all_arrays(whole)
    with pytest.raises(ValueError, match="checkpoint_freq needs arrays"):
        network().fit(items, checkpoint=tmp_path / "other", checkpoint_freq=2, **options)


OTHER = {
    "batch size": (network, {"batch_size": 8}, "its batch_size is 16, now it is 8"),
    "layers": (lambda: network(norm=False), {}, "its network's (layers|optimizer) is"),
    "optimizer": (lambda: network(sc.SGD(0.1)), {}, "its network's (layers|optimizer) is"),
    "data": (network, {"x": X[:50]}, "its x is"),
    "order": (network, {"shuffle": False}, "its shuffle is True, now it is False"),
}


@pytest.mark.parametrize("case", OTHER)
def test_the_checkpoint_of_another_training_is_refused_and_left_alone(case, tmp_path, reference):
    make, changes, message = OTHER[case]
    with pytest.raises(Interrupted):
        fit(network(), "plain", tmp_path, Interrupt(1))
    content = (tmp_path / "checkpoint.npz").read_bytes()
    model, x = make(), changes.pop("x", X)
    before = all_arrays(model)
    arguments = {"epochs": 5, "batch_size": 16, "verbose": 0, **changes}
    with pytest.raises(ValueError, match=message):
        model.fit(x, LABELS[: len(x)], checkpoint=tmp_path, resume=True, **arguments)
    with pytest.raises(ValueError, match="interrupted in epoch 2 at batch 0: pass resume=True to go on"):
        fit(network(), "plain", tmp_path)
    assert all_arrays(model) == before and (tmp_path / "checkpoint.npz").read_bytes() == content


def test_a_damaged_checkpoint_is_called_so(tmp_path, reference):
    (tmp_path / "checkpoint.npz").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="is not the checkpoint of a training, or is damaged"):
        fit(network(), "plain", tmp_path, resume=True)
    with pytest.raises(ValueError, match='resume needs the folder of the checkpoint: checkpoint="run"'):
        network().fit(X, LABELS, resume=True)


PROGRAM = """
import sys
import scratchcnn as sc
sc.ops.use("reference")
(x, y), _ = sc.data.load_data("digits")
layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dropout(0.2), sc.Dense(32), sc.ReLU(), sc.Dense(10)]
model = sc.Sequential(layers, input_shape=(28, 28, 1))
model.compile(sc.Adam(sc.schedules.CosineDecay(0.01, 500)))
print("begin", flush=True)
model.fit(x[:500], y[:500], epochs=20, batch_size=20, checkpoint=sys.argv[1], checkpoint_freq=3, resume=True, verbose=0)
print(sc.recipes.checksum(model), len(model.history.epoch))
"""


@pytest.mark.slow
def test_killed_again_and_again_it_ends_with_the_same_bits(tmp_path):
    def start(folder):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", PROGRAM, str(folder)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    whole = start(tmp_path / "whole").communicate()[0]
    kills = 0
    for seed in range(12):
        process = start(tmp_path / "run")
        process.stdout.readline()
        time.sleep(0.05 + 0.15 * np.random.default_rng(seed).random())
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        process.stdout.close()
    assert kills > 3
    assert start(tmp_path / "run").communicate()[0] == whole
