"""The callbacks of fit: early stopping, checkpoints, tables, and what is shown."""

import csv
import re

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import all_arrays, compiled_network
from support.trainings import IMAGES, LABELS, Interrupt, Recorder


def run_epochs(callback, values, name="val_loss"):
    """Show a callback epochs with these measurements; return the epochs until it stops, and its model."""
    model = compiled_network()
    callback.attach(model, len(values), 1)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.parameters.fill(epoch)
        logs = {"loss": 0.0, name: value}
        callback.on_epoch_end(epoch, logs)
        callback.on_epoch_logged(epoch, logs)
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch + 1, model


def test_early_stopping_waits_for_patience_epochs_without_improvement():
    values = [3.0, 2.0, 2.5, 1.0, 1.1, 1.2, 1.3, 0.5]
    for patience, epochs in ((0, 3), (1, 3), (2, 6), (3, 7), (4, 8)):
        callback = sc.callbacks.EarlyStopping(patience=patience)
        assert run_epochs(callback, values)[0] == epochs
        assert callback.stopped_epoch == (epochs - 1 if epochs < 8 else None)


def test_early_stopping_takes_a_higher_accuracy_for_better():
    assert run_epochs(sc.callbacks.EarlyStopping("val_accuracy"), [0.5, 0.6, 0.7, 0.65, 0.9], "val_accuracy")[0] == 4
    assert run_epochs(sc.callbacks.EarlyStopping("val_accuracy", mode="min"), [0.5, 0.6, 0.7], "val_accuracy")[0] == 2


def test_early_stopping_does_not_count_less_than_min_delta():
    assert run_epochs(sc.callbacks.EarlyStopping(min_delta=0.5), [3.0, 2.0, 1.9, 1.0])[0] == 3


def test_early_stopping_can_restore_the_weights_of_the_best_epoch():
    callback = sc.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    _, model = run_epochs(callback, [3.0, 1.0, 2.0, 2.0, 0.0])
    assert callback.best_epoch == 1
    assert (model.parameters == 1).all()
    _, model = run_epochs(sc.callbacks.EarlyStopping(patience=2), [3.0, 1.0, 2.0, 2.0])
    assert (model.parameters == 3).all()


def test_nan_is_never_an_improvement():
    assert run_epochs(sc.callbacks.EarlyStopping(patience=2), [np.nan, np.nan, 1.0])[0] == 2
    assert run_epochs(sc.callbacks.EarlyStopping(patience=2), [np.nan, 1.0, np.nan, 0.5])[0] == 4


def test_watching_what_is_not_measured_is_an_error_that_says_so():
    for callback in (
        sc.callbacks.EarlyStopping(),
        sc.callbacks.ModelCheckpoint("never-written.npz", save_best_only=True),
    ):
        with pytest.raises(ValueError, match="no 'val_loss' among what an epoch measures: loss, accuracy; pass valid"):
            compiled_network().fit(IMAGES, LABELS, callbacks=[callback], verbose=0)
    with pytest.raises(ValueError, match='mode must be "auto", "min" or "max", got \'most\''):
        sc.callbacks.EarlyStopping(mode="most")


def test_model_checkpoint_writes_a_file_an_epoch_with_the_numbers_in_its_name(tmp_path):
    checkpoint = sc.callbacks.ModelCheckpoint(tmp_path / "new" / "model-{epoch:02d}-{accuracy:.1f}.npz")
    model = compiled_network()
    history = model.fit(IMAGES, LABELS, epochs=2, callbacks=[checkpoint], verbose=0)
    names = [f"model-{e + 1:02d}-{value:.1f}.npz" for e, value in enumerate(history.history["accuracy"])]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == names
    assert all_arrays(sc.load_model(tmp_path / "new" / names[1])) == all_arrays(model)


def test_model_checkpoint_can_keep_the_best_only(tmp_path):
    checkpoint = sc.callbacks.ModelCheckpoint(tmp_path / "best.npz", save_best_only=True)
    run_epochs(checkpoint, [3.0, 1.0, 2.0])
    assert (sc.load_model(tmp_path / "best.npz").parameters == 1).all()


def test_model_checkpoint_finds_out_before_training_that_a_model_cannot_be_saved(tmp_path):
    model, recorder = compiled_network(sc.SGD(lambda step: 0.1)), Recorder()
    with pytest.raises(ValueError, match="cannot save <function"):
        model.fit(IMAGES, LABELS, callbacks=[recorder, sc.callbacks.ModelCheckpoint(tmp_path / "m.npz")], verbose=0)
    assert recorder.calls == ["train begin", "train end"]


def test_csv_logger_writes_the_history_and_can_go_on_with_a_table(tmp_path):
    path, model = tmp_path / "logs" / "history.csv", compiled_network()
    first = model.fit(IMAGES, LABELS, epochs=2, callbacks=[sc.callbacks.CSVLogger(path)], verbose=0)
    logger = sc.callbacks.CSVLogger(path, append=True)
    second = model.fit(IMAGES, LABELS, epochs=3, initial_epoch=2, callbacks=[logger], verbose=0)
    rows = list(csv.reader(path.read_text().splitlines()))
    assert rows[0] == ["epoch", "loss", "accuracy"]
    assert [row[0] for row in rows[1:]] == ["1", "2", "3"]
    assert [float(row[1]) for row in rows[1:]] == first.history["loss"] + second.history["loss"]
    model.fit(IMAGES, LABELS, callbacks=[sc.callbacks.CSVLogger(path)], verbose=0)
    assert len(path.read_text().splitlines()) == 2, "without append the table starts anew"


def test_a_row_of_the_table_is_on_disk_as_soon_as_the_epoch_ends(tmp_path):
    path = tmp_path / "history.csv"
    with pytest.raises(KeyboardInterrupt):
        compiled_network().fit(
            IMAGES, LABELS, epochs=3, callbacks=[sc.callbacks.CSVLogger(path), Interrupt(1, 0)], verbose=0
        )
    assert len(path.read_text().splitlines()) == 2


def test_verbose_0_is_silent(capfd):
    compiled_network().fit(IMAGES, LABELS, epochs=2, validation_split=0.2, verbose=0)
    assert capfd.readouterr() == ("", "")


NUMBER = r"\d\.\d{4}"


LINES = "".join(
    rf"Epoch {epoch}/2 +\d+\.\d s  loss {NUMBER}  accuracy {NUMBER}  val_loss {NUMBER}  val_accuracy {NUMBER}\n"
    for epoch in (1, 2)
)


def test_verbose_2_is_a_line_an_epoch_and_the_default_where_there_is_no_terminal(capsys):
    for verbose in (2, "auto"):
        compiled_network().fit(IMAGES, LABELS, epochs=2, validation_split=0.2, verbose=verbose)
        assert re.fullmatch(LINES, capsys.readouterr().out)


def test_verbose_1_is_a_bar_that_leaves_the_same_lines_and_the_default_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("scratchcnn.callbacks.progress.REFRESH_SECONDS", 0)
    for verbose in (1, "auto"):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        compiled_network().fit(IMAGES, LABELS, epochs=2, validation_split=0.2, batch_size=10, verbose=verbose)
        output = capsys.readouterr().out
        assert re.search(rf"\rEpoch 2/2  50%\|█+ +\| 00:00<00:00, loss {NUMBER}  accuracy {NUMBER}", output)
        left_on_screen = "".join(line.split("\r")[-1] + "\n" for line in output[:-1].split("\n"))
        assert re.fullmatch(LINES, left_on_screen)


def test_an_interrupted_bar_is_wiped_off(capsys):
    with pytest.raises(KeyboardInterrupt):
        compiled_network().fit(IMAGES, LABELS, callbacks=[Interrupt(0, 0)], verbose=1)
    assert capsys.readouterr().out.split("\r")[-1] == ""
