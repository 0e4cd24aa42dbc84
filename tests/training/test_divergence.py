"""Training that has diverged is noticed before anything is saved, and NaN is never right.

What these stand for: a number that is none, and passes for an answer.
"""

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.callbacks import Callback, EarlyStopping, ModelCheckpoint
from scratchcnn.losses.classification import count_correct
from scratchcnn.training.step import train_step
from support.small_networks import some_digits

IMAGES, LABELS = some_digits(20)
NAN, INF = np.nan, np.inf


@pytest.fixture(autouse=True)
def reference():
    with sc.ops.using("reference"), np.errstate(all="ignore"):
        yield


def network(optimizer=None, norm=False):
    layers = [sc.Flatten(), *([sc.BatchNorm()] if norm else []), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1))
    model.compile(optimizer or sc.SGD(1e-6))
    return model


class Poisons(Callback):
    """Does to the model what an update that overshoots does to it."""

    def __init__(self, place, value=NAN, epoch=0):
        self.place, self.value, self.epoch = place, value, epoch

    def on_epoch_begin(self, epoch):
        self.now = epoch

    def on_train_batch_end(self, batch, logs):
        if self.now == self.epoch:
            self.place(self.model).reshape(-1)[5] = self.value


PLACES = {
    "dense/kernel": lambda model: model.layers[-1].params["kernel"],
    "dense/bias": lambda model: model.layers[-1].params["bias"],
    "batch_norm/moving_mean": lambda model: model.layers[1].state["moving_mean"],
    "batch_norm/moving_variance": lambda model: model.layers[1].state["moving_variance"],
    "the optimizer's variance": lambda model: model.optimizer.slots["variance"],
}


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("name", PLACES)
def test_what_is_not_finite_after_the_last_update_is_an_error_and_is_not_saved(tmp_path, name, value):
    model = network(sc.Adam(1e-3), norm=True)
    saved = ModelCheckpoint(tmp_path / "model.npz")
    with pytest.raises(FloatingPointError, match=rf"{name} holds {value} after 1 updates.*; lower the learning rate"):
        model.fit(IMAGES, LABELS, callbacks=[saved, Poisons(PLACES[name], value)], verbose=0)
    assert not (tmp_path / "model.npz").exists()


def test_a_last_update_that_overshoots_is_noticed_by_fit_and_by_a_step_by_hand():
    for train in (
        lambda model: model.fit(IMAGES, LABELS, batch_size=20, verbose=0),
        lambda model: train_step(model, IMAGES[..., None], LABELS),
    ):
        with pytest.raises(FloatingPointError, match=r"dense/kernel holds .* after 1 updates, though the loss before"):
            train(network(sc.SGD(3e38)))


def test_the_averaged_weights_are_looked_at_too():
    model = network()
    with pytest.raises(FloatingPointError, match="dense/kernel holds nan"):
        average = sc.ExponentialMovingAverage()
        model.fit(IMAGES, LABELS, callbacks=[Poisons(PLACES["dense/kernel"]), average], verbose=0)


@pytest.mark.parametrize("moment", ["on_epoch_end", "on_epoch_logged", "on_train_end"])
def test_nan_that_a_callback_leaves_at_the_end_is_an_error_and_is_not_saved(tmp_path, moment):
    path = tmp_path / "model.npz"

    def poison(*_):
        model.parameters[5] = NAN

    for order in (1, -1):
        model, poisons = network(), Callback()
        setattr(poisons, moment, poison)
        saved = [] if moment == "on_epoch_logged" else [ModelCheckpoint(path)]
        with pytest.raises(FloatingPointError, match="dense/kernel holds nan after a callback") as raised:
            model.fit(IMAGES, LABELS, callbacks=[poisons, *saved][::order], verbose=0)
        assert "learning rate" not in str(raised.value) and model.history.epoch == [0]
        assert path.exists() == (moment == "on_train_end")
        assert not path.exists() or np.isfinite(sc.load_model(path).parameters).all()


def test_the_best_weights_survive_a_callback_that_leaves_nan():
    model, poisons = network(), Callback()
    poisons.on_epoch_end = lambda epoch, logs: model.parameters.fill(NAN if epoch else 1)
    stop = EarlyStopping("loss", patience=9, restore_best_weights=True)
    with pytest.raises(FloatingPointError, match="after a callback"):
        model.fit(IMAGES, LABELS, epochs=3, callbacks=[stop, poisons], verbose=0)
    assert (model.parameters == 1).all()


def test_the_best_weights_and_the_latest_file_outlive_a_divergence(tmp_path):
    model, path = network(), tmp_path / "model.npz"
    callbacks = [ModelCheckpoint(path), EarlyStopping("loss", patience=9, restore_best_weights=True)]
    with pytest.raises(FloatingPointError, match="go on from a file that was saved earlier, or from a new model"):
        model.fit(IMAGES, LABELS, epochs=3, callbacks=[*callbacks, Poisons(PLACES["dense/bias"], epoch=1)], verbose=0)
    assert np.isfinite(model.parameters).all()
    assert model.history.epoch == [0]
    assert sc.load_model(path).fit(IMAGES, LABELS, epochs=2, initial_epoch=1, verbose=0).epoch == [1]


def test_a_model_that_holds_nan_is_not_trained_and_no_learning_rate_is_blamed():
    model = network()
    model.parameters[5] = NAN
    with pytest.raises(ValueError, match="dense/kernel holds nan before this training"):
        model.fit(IMAGES, LABELS, verbose=0)
    with pytest.raises(FloatingPointError, match="dense/kernel holds nan: go on from a file that was saved earlier"):
        train_step(model, IMAGES[..., None], LABELS)


def test_an_infinite_validation_loss_is_reported_and_training_goes_on():
    model = sc.Sequential([sc.Dense(2)], input_shape=(1,))
    model.compile(sc.SGD(1e-3))
    model.parameters[:2] = [5, -5]
    huge = np.full((2, 1), 3e38), np.array([0, 1])
    history = model.fit(np.ones((2, 1)), [0, 1], epochs=2, validation_data=huge, verbose=0)
    assert history.epoch == [0, 1] and not np.isfinite(history.history["val_loss"]).any()


def test_a_row_with_a_nan_or_without_a_finite_highest_logit_is_never_right():
    logits = np.array([[NAN, 0, 1], [0, NAN, 1], [NAN, NAN, NAN], [INF, 0, 0], [-INF, -INF, -INF], [-INF, 5, -INF]])
    for label, right in ((0, 0), (1, 1), (2, 0)):
        assert count_correct(logits, np.full(6, label)) == right


@pytest.mark.parametrize("row", [[NAN, 0, 1], [0, NAN, 1], [0, 1, NAN], [NAN] * 3, [-INF] * 3, [INF, INF, 0]])
@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_rows_without_a_finite_highest_logit_have_no_finite_cross_entropy(row, smoothing, backend):
    for label in range(3):
        logits = np.array([row, [0, 0, 0]], np.float32)
        assert not np.isfinite(sc.SoftmaxCrossEntropy(smoothing).forward(logits, np.array([label, 0])))


def test_a_model_of_nan_answers_nan_and_gets_nothing_right():
    model = network()
    model.parameters[:] = NAN
    assert np.isnan(model.predict(IMAGES)).all()
    for answers in (model, sc.Ensemble([model, network()])):
        loss, accuracy = answers.evaluate(IMAGES, np.zeros(20, int))
        assert np.isnan(loss) and accuracy == 0
