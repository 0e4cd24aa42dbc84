"""What callbacks add to the logs of an epoch: monitored, shown, written and kept, whatever the order.

What these stand for: a measurement that one part of the books has and another one lacks.
"""

import csv
import math
import re

import numpy as np
import pytest

from scratchcnn.callbacks import Callback, CSVLogger, EarlyStopping, ModelCheckpoint
from support.callbacks import MANY, Adds, trained

pytestmark = pytest.mark.usefixtures("reference")


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("last", [False, True], ids=["first in the list", "last in the list"])
@pytest.mark.parametrize("verbose", [1, 2])
def test_what_a_callback_adds_is_monitored_shown_written_and_kept_in_any_order(tmp_path, capsys, last, verbose):
    others = [
        ModelCheckpoint(tmp_path / "{epoch}-{f1:.2f}.npz", "f1", save_best_only=True),
        stopping := EarlyStopping("f1", patience=2),
        CSVLogger(tmp_path / "table.csv"),
    ]
    history = trained([*others, Adds()] if last else [Adds(), *others], epochs=5, verbose=verbose).history
    assert history.epoch == [0, 1, 2, 3] and history.history["f1"] == [0.5, 0.9, 0.7, 0.6]
    assert (stopping.best_epoch, stopping.stopped_epoch) == (1, 3)
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == ["1-0.50.npz", "2-0.90.npz"]
    rows = rows_of(tmp_path / "table.csv")
    assert [float(row["f1"]) for row in rows] == history.history["f1"]
    assert re.findall(r"f1 (0\.\d{4})", capsys.readouterr().out) == ["0.5000", "0.9000", "0.7000", "0.6000"]


def test_the_history_has_a_value_for_each_epoch_and_nan_where_there_is_none():
    model = trained([Adds("late", (None, None, 3, 4)), Adds("rare", (1.5, None, None, 2.5))])
    history = model.history.history
    assert all(len(values) == 4 for values in history.values())
    np.testing.assert_equal(history["late"], [math.nan, math.nan, 3, 4])
    np.testing.assert_equal(history["rare"], [1.5, math.nan, math.nan, 2.5])


def test_numbers_of_numpy_become_python_numbers_and_other_values_stay_as_they_are(tmp_path, capsys):
    values = {"a": np.float32(0.5), "b": np.array([[7]]), "c": "two\nlines", "d": None, "e": 3, "f": 1e-5, "g": True}

    class AddsAll(Callback):
        def on_epoch_end(self, epoch, logs):
            logs.update(values)

    history = trained([CSVLogger(tmp_path / "table.csv"), AddsAll()], epochs=1, verbose=2).history.history
    kept = {name: history[name][0] for name in values}
    assert kept == {"a": 0.5, "b": 7, "c": "two\nlines", "d": None, "e": 3, "f": 1e-5, "g": True}
    assert {type(kept[name]) for name in "abe"} == {float, int}
    assert "a 0.5000  b 7  c two lines  d None  e 3  f 1.00e-05  g True\n" in capsys.readouterr().out
    (row,) = rows_of(tmp_path / "table.csv")
    assert [row[name] for name in values] == ["0.5", "7", "two\nlines", "", "3", "1e-05", "True"]


def test_logs_that_a_callback_removes_or_replaces_are_gone_or_replaced_for_all(tmp_path):
    class Edits(Callback):
        def on_epoch_end(self, epoch, logs):
            del logs["accuracy"]
            logs["loss"] = 7.0

    model = trained([EarlyStopping("loss", patience=2), CSVLogger(tmp_path / "table.csv"), Edits()], epochs=9)
    assert model.history.history == {"loss": [7.0, 7.0, 7.0]}
    assert (tmp_path / "table.csv").read_text().splitlines() == ["epoch,loss", "1,7.0", "2,7.0", "3,7.0"]


def test_what_is_added_after_the_last_batch_or_when_the_logs_are_read_is_kept_too():
    class Late(Callback):
        def on_train_batch_end(self, batch, logs):
            logs["batches"] = batch + 1

        def on_epoch_logged(self, epoch, logs):
            logs["seen"] = len(logs)

    history = trained([Late()], epochs=2, batch_size=8).history.history
    assert (history["batches"], history["seen"]) == ([3, 3], [3, 3])


def test_a_callback_sees_the_epoch_in_the_history_of_the_model_while_it_ends():
    class Looks(Callback):
        def on_epoch_end(self, epoch, logs):
            assert self.model.history.history["loss"][epoch] == logs["loss"]

        def on_epoch_logged(self, epoch, logs):
            assert self.model.history.history["f1"][epoch] == logs["f1"]

    trained([Looks(), Adds()])


def test_a_table_gets_a_column_when_a_measurement_comes_and_goes_on_with_its_columns(tmp_path):
    path = tmp_path / "table.csv"
    trained([CSVLogger(path), Adds("late", (None, 0.5, None, 0.25))])
    trained([CSVLogger(path, append=True), Adds("new", (None, 2, None, None))], epochs=2)
    rows = rows_of(path)
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "late", "new"]
    assert [row["late"] for row in rows] == ["", "0.5", "", "0.25", "", ""]
    assert [row["new"] for row in rows] == ["", "", "", "", "", "2"]
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "1", "2"]


def test_a_table_cut_off_in_a_row_goes_on_in_the_next_and_other_files_are_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("epoch,loss\n1,0.5\n2,0.")
    trained([CSVLogger(path, append=True)], epochs=1)
    assert len(rows_of(path)) == 3
    path.write_text("my diary")
    with pytest.raises(ValueError, match=r"has no table to go on with: it begins with .*'my diary'.* append=False"):
        trained([CSVLogger(path, append=True)])
    assert path.read_text() == "my diary"
    trained([CSVLogger(path, append=False)], epochs=1)  # as the message says
    assert path.read_text().startswith("epoch,loss")


def test_a_subclass_may_add_to_the_logs_before_it_calls_on_epoch_end_of_its_base(tmp_path):
    class Scored(EarlyStopping):
        def on_epoch_end(self, epoch, logs):
            logs["f1"] = MANY[epoch]
            super().on_epoch_end(epoch, logs)

    class HandsOnACopy(EarlyStopping):
        def on_epoch_end(self, epoch, logs):
            super().on_epoch_end(epoch, {**logs, "copy": np.float64(epoch)})

    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.npz", "f1", save_best_only=True)
    stopping, copying = Scored("f1", patience=2), HandsOnACopy("copy", patience=3)
    history = trained([checkpoint, stopping, copying], epochs=5).history
    assert (stopping.best_epoch, history.history["f1"]) == (1, [0.5, 0.9, 0.7, 0.6])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.npz", "2.npz"]
    assert copying.best_epoch == 0 and "copy" not in history.history


def test_a_subclass_that_leaves_epochs_out_leaves_them_out(tmp_path):
    class EverySecond(ModelCheckpoint):
        def on_epoch_end(self, epoch, logs):
            if epoch % 2:
                super().on_epoch_end(epoch, logs)

    trained([EverySecond(tmp_path / "{epoch}.npz")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2.npz", "4.npz"]


def test_a_measurement_of_some_epochs_only_is_compared_among_these():
    stopping = EarlyStopping("rare", mode="max", patience=2)
    trained([stopping, Adds("rare", (1, None, 3, None, 2, None, 1, None))], epochs=8)
    assert (stopping.best_epoch, stopping.stopped_epoch) == (2, 6)


@pytest.mark.parametrize("name", ["f1", "val_auc", "top_5_accuracy", "my_recall", "Precision"])
def test_more_of_a_score_is_better_unless_the_mode_says_otherwise(name):
    assert EarlyStopping(name).monitor.sign == 1 and EarlyStopping(name, mode="min").monitor.sign == -1
    assert EarlyStopping(f"{name}_loss").monitor.sign == -1


def test_stop_training_is_obeyed_from_every_moment():
    class Stops(Callback):
        def __init__(self, moment):
            setattr(self, moment, self.stop)

        def stop(self, *_):
            self.model.stop_training = True

    for moment in ("on_epoch_begin", "on_train_batch_end", "on_epoch_train_end", "on_epoch_end", "on_epoch_logged"):
        assert trained([Stops(moment)]).history.epoch == [0]
    assert trained([Stops("on_train_begin")]).history.epoch == []


def test_a_table_or_list_that_a_callback_goes_on_writing_to_is_kept_as_it_was():
    class Confusion(Callback):
        def __init__(self):
            self.table, self.seen = np.zeros((2, 2)), []

        def on_epoch_end(self, epoch, logs):
            self.table += 1
            self.seen.append(epoch)
            logs["table"], logs["seen"] = self.table, self.seen

    history = trained([Confusion()], epochs=2).history.history
    assert [table[0, 0] for table in history["table"]] == [1, 2] and history["seen"] == [[0], [0, 1]]
