"""How callbacks end, and begin again: each that was begun is ended, and nothing of an old training lives in a new one.

What these stand for: an error or an interruption in one place that leaves another half-done, or with what is stale.
"""

import sys

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.callbacks import CSVLogger, EarlyStopping, ModelCheckpoint
from support.callback_notes import IMAGES, LABELS, Notes, network
from support.callbacks import trained

pytestmark = pytest.mark.usefixtures("reference")


def notes_of(error):
    return getattr(error.value, "__notes__", [])


def test_only_callbacks_that_were_begun_are_ended():
    callbacks = [Notes(), Notes("train begin"), Notes()]
    with pytest.raises(RuntimeError, match="in train begin"):
        trained(callbacks)
    assert [callback.called for callback in callbacks] == [["train begin", "train end"]] * 2 + [[]]


@pytest.mark.parametrize("moment", ["batch end", "epoch trained", "epoch end", "epoch logged"])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_at_any_moment_reaches_the_caller_and_all_are_ended(moment, error):
    callbacks = [Notes(), Notes(moment, error), Notes()]
    with pytest.raises(error, match=f"in {moment}"):
        trained(callbacks)
    assert all(callback.called[-1] == "train end" for callback in callbacks)


@pytest.mark.parametrize("moment", ["epoch end", "epoch logged"])
def test_an_error_at_the_end_of_an_epoch_keeps_nobody_from_theirs(moment, tmp_path):
    others = [Notes(), ModelCheckpoint(tmp_path / "model.npz"), CSVLogger(tmp_path / "table.csv")]
    with pytest.raises(RuntimeError):
        trained([Notes(moment), *others])
    assert others[0].called == ["train begin", "batch end", "epoch trained", "epoch end", "epoch logged", "train end"]
    assert (tmp_path / "model.npz").exists()
    assert len((tmp_path / "table.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize("moment, epochs", [("batch end", 0), ("epoch end", 1), ("epoch logged", 1), ("train end", 4)])
def test_the_history_keeps_the_epoch_that_was_trained_when_the_error_came(moment, epochs):
    model = network()
    with pytest.raises(RuntimeError):
        model.fit(IMAGES, LABELS, epochs=4, callbacks=[Notes(moment)], verbose=0)
    assert model.history.epoch == list(range(epochs))


def test_an_interrupted_validation_leaves_its_epoch_in_the_history_without_it(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    model = network()
    monkeypatch.setattr("scratchcnn.training.fit_data.measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(IMAGES, LABELS, validation_split=0.5, verbose=0)
    assert model.history.epoch == [0] and list(model.history.history) == ["loss", "accuracy"]


def test_the_first_error_is_raised_and_tells_of_those_that_followed():
    callbacks = [Notes("epoch end"), Notes("train end", ValueError), Notes("train end", OSError), Notes()]
    with pytest.raises(RuntimeError, match="in epoch end") as error:
        trained(callbacks)
    assert callbacks[-1].called[-1] == "train end"
    if sys.version_info >= (3, 11):
        assert notes_of(error) == [
            "then another callback failed: ValueError: in train end",
            "then another callback failed: OSError: in train end",
        ]


def test_ctrl_c_at_the_end_of_training_is_not_lost_and_ends_the_others_first():
    callbacks = [Notes("train end", ValueError), Notes("train end", KeyboardInterrupt), Notes()]
    with pytest.raises(KeyboardInterrupt):
        trained(callbacks)
    assert callbacks[-1].called[-1] == "train end"


def test_a_reused_early_stopping_never_writes_weights_of_an_earlier_training():
    stopping, first, second = EarlyStopping("loss", patience=9, restore_best_weights=True), network(), network(units=12)
    first.fit(IMAGES, LABELS, epochs=2, callbacks=[stopping], verbose=0)
    before = second.parameters.copy()
    for failing in (Notes("train begin"), Notes("batch end", KeyboardInterrupt)):
        with pytest.raises((RuntimeError, KeyboardInterrupt)):
            second.fit(IMAGES, LABELS, callbacks=[failing, stopping], batch_size=20, verbose=0)
        if failing.moment == "train begin":
            assert np.array_equal(second.parameters, before), "and not the best weights of the first model"
    assert stopping.best_epoch is None
    second.fit(IMAGES, LABELS, callbacks=[stopping], verbose=0)
    assert stopping.best_epoch == 0


def test_an_early_stopping_interrupted_in_the_first_epoch_restores_nothing():
    model, stopping = network(), EarlyStopping("loss", restore_best_weights=True)
    with pytest.raises(KeyboardInterrupt):
        model.fit(IMAGES, LABELS, callbacks=[stopping, Notes("batch end", KeyboardInterrupt)], verbose=0)
    assert not np.array_equal(model.parameters, network().parameters), "the updates that were done are kept"


def test_what_was_best_in_an_earlier_training_is_forgotten(tmp_path):
    checkpoint = ModelCheckpoint(tmp_path / "best.npz", "loss", save_best_only=True)
    trained([checkpoint])
    (tmp_path / "best.npz").unlink()
    model = network()
    model.fit(IMAGES * 0, LABELS, callbacks=[checkpoint], verbose=0)
    assert model.history.history["loss"][0] > 1 and (tmp_path / "best.npz").exists()


def test_a_reused_average_starts_at_the_new_model_and_leaves_it_alone_before():
    average, first, second = sc.ExponentialMovingAverage(), network(), network(seed=1)
    first.fit(IMAGES, LABELS, callbacks=[average], verbose=0)
    before = [second.parameters.copy(), first.parameters.copy()]
    with pytest.raises(RuntimeError):
        second.fit(IMAGES, LABELS, callbacks=[Notes("train begin"), average], verbose=0)
    assert np.array_equal(second.parameters, before[0]) and np.array_equal(first.parameters, before[1])
    fresh = network(seed=1)
    second.fit(IMAGES, LABELS, callbacks=[average], verbose=0)
    fresh.fit(IMAGES, LABELS, callbacks=[sc.ExponentialMovingAverage()], verbose=0)
    assert np.array_equal(second.parameters, fresh.parameters)
