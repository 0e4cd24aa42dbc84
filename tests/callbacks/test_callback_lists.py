"""Lists of callbacks: what is refused before training, and what outlives an error in one of them."""

import gc
import weakref

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.callbacks import Callback, EarlyStopping, ModelCheckpoint
from support.callback_notes import IMAGES, LABELS, Notes, network
from support.callbacks import trained

pytestmark = pytest.mark.usefixtures("reference")


def test_a_callback_that_is_listed_twice_is_refused_and_none_or_one_alone_will_do():
    stopping = EarlyStopping("loss")
    with pytest.raises(ValueError, match=r"callbacks\[2\] is in the list twice"):
        trained([stopping, Notes(), stopping])
    with pytest.raises(ValueError, match=r"callbacks\[0\] is the class EarlyStopping; write EarlyStopping\(...\)"):
        trained([EarlyStopping])
    assert trained(None, epochs=1).history.epoch == [0]
    notes = Notes()
    trained(notes, epochs=1)
    assert notes.called[-1] == "train end"


def test_a_checkpoint_that_is_a_folder_is_refused_before_training(tmp_path):
    notes = Notes()
    with pytest.raises(IsADirectoryError):
        trained([notes, ModelCheckpoint(tmp_path)])
    assert notes.called == ["train begin", "train end"]


def test_a_fit_that_is_refused_leaves_the_history_of_the_one_before():
    model = network()
    history = model.fit(IMAGES, LABELS, verbose=0)
    with pytest.raises(ValueError, match="no 'val_loss'"):
        model.fit(IMAGES, LABELS, callbacks=[EarlyStopping()], verbose=0)
    assert model.history is history


class Broken:
    """An output that nobody reads any longer; or one that cannot write what it is given."""

    encoding = "utf-8"

    def __init__(self, error):
        self.error = error

    def write(self, *_):
        raise type(self.error)(*self.error.args)  # a new one: it keeps all alive that it came through

    flush = isatty = write


@pytest.mark.parametrize("verbose", [1, 2, "auto"])
@pytest.mark.parametrize(
    "error",
    [BrokenPipeError(), ValueError("I/O operation on closed file"), UnicodeEncodeError("ascii", "█", 0, 1, "x")],
)
def test_a_training_outlives_its_display(monkeypatch, verbose, error):
    monkeypatch.setattr("sys.stdout", Broken(error))
    with pytest.warns(RuntimeWarning, match="the progress can no longer be shown .* the training goes on without"):
        model = trained([], epochs=3, verbose=verbose)
    assert model.history.epoch == [0, 1, 2]


def test_a_checkpoint_of_a_model_with_an_own_loss_is_saved_as_the_message_says(tmp_path):
    class Own(sc.SoftmaxCrossEntropy):
        def __init__(self, secret):
            super().__init__()
            self._secret = secret

        config = None

    model = network()
    model.compile(sc.SGD(1e-6), Own(3))
    with pytest.raises(ValueError, match="include_optimizer=False"):
        model.fit(IMAGES, LABELS, callbacks=[ModelCheckpoint(tmp_path / "m.npz")], verbose=0)
    model.fit(IMAGES, LABELS, callbacks=[ModelCheckpoint(tmp_path / "m.npz", include_optimizer=False)], verbose=0)
    assert np.array_equal(sc.load_model(tmp_path / "m.npz").parameters, model.parameters)


@pytest.mark.parametrize("first", [False, True], ids=["after the average", "before the average"])
def test_the_best_weights_are_restored_after_ctrl_c_wherever_an_average_is_listed(first):
    stopping, average = EarlyStopping("loss", patience=9, restore_best_weights=True), sc.ExponentialMovingAverage()

    class InterruptsTheSecondEpoch(Callback):
        def on_epoch_end(self, epoch, logs):
            self.best = self.model.parameters.copy()

        def on_train_batch_end(self, batch, logs):
            if hasattr(self, "best"):
                raise KeyboardInterrupt

    model, interrupts = network(), InterruptsTheSecondEpoch()
    with pytest.raises(KeyboardInterrupt):
        callbacks = [stopping, average, interrupts] if first else [average, stopping, interrupts]
        model.fit(IMAGES, LABELS, epochs=3, callbacks=callbacks, verbose=0)
    assert np.array_equal(model.parameters, interrupts.best)


def test_an_error_in_a_callback_does_not_keep_the_model_alive():
    model = network()
    alive = weakref.ref(model)
    try:
        model.fit(IMAGES, LABELS, callbacks=[Notes("epoch end")], verbose=0)
    except RuntimeError:
        pass
    gc.disable()
    try:
        del model
        assert alive() is None
    finally:
        gc.enable()
