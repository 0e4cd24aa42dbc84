"""Names of measurements that are monitored or filled into paths, and of methods: refused before training if wrong.

What these stand for: a misspelling that is found only after hours.
"""

import pytest

from scratchcnn.callbacks import Callback, EarlyStopping, ModelCheckpoint
from scratchcnn.callbacks.monitors import not_measured
from support.callbacks import Adds, trained
from support.small_networks import some_digits

pytestmark = pytest.mark.usefixtures("reference")

IMAGES, LABELS = some_digits(20)
MEASURED = "loss, accuracy, val_loss, val_accuracy"


class FailsIfTrained(Callback):
    """Is no obstacle: it adds nothing that anybody could monitor."""

    def on_train_begin(self):
        raise AssertionError("the training has begun")


@pytest.mark.parametrize("own", [[], [FailsIfTrained()]], ids=["alone", "with a callback that might add it"])
@pytest.mark.parametrize(
    "name, meant",
    [
        ("val_acc", "val_accuracy"),
        ("acc", "accuracy"),
        ("val_los", "val_loss"),
        ("validation_loss", "val_loss"),
        ("val-accuracy", "val_accuracy"),
        ("Val_Loss", "val_loss"),
        ("accurracy", "accuracy"),
        ("valloss", "val_loss"),
    ],
)
def test_a_misspelt_name_is_refused_before_training_with_the_right_one(own, name, meant):
    message = f"there is no '{name}' among what an epoch measures: {MEASURED}; did you mean '{meant}'?$"
    best = ModelCheckpoint("x.npz", name, save_best_only=True)
    for callback in (EarlyStopping(name), best, ModelCheckpoint(f"{{{name}:.3f}}")):
        with pytest.raises(ValueError, match=message.replace("?", r"\?")):
            trained([callback, *own], validation_split=0.5)
    trained([EarlyStopping(meant)], epochs=1, validation_split=0.5)  # as the message says


def test_what_needs_validation_data_is_refused_without_and_the_advice_works():
    for name in ("val_loss", "val_accuracy", "val_acc"):
        with pytest.raises(ValueError, match=r"measures: loss, accuracy.*; pass validation_data or validation_split"):
            trained([EarlyStopping(name)])
    trained([EarlyStopping("val_accuracy")], epochs=1, validation_split=0.5)
    trained([EarlyStopping("val_accuracy")], epochs=1, validation_data=(IMAGES, LABELS))


def test_a_name_that_nobody_adds_is_refused_before_training_and_the_advice_works():
    for callback in (EarlyStopping("f1"), ModelCheckpoint("{f1}.npz")):
        with pytest.raises(ValueError, match=r"no 'f1' .*; monitor one of these, or let a callback add it to logs in"):
            trained([callback])
    trained([EarlyStopping("f1"), Adds("f1")], epochs=1)


@pytest.mark.parametrize(
    "name", ["val_f1", "val_loss2", "my_accuracy", "val_auc", "cost", "val_cost", "gap", "val_loss"]
)
def test_a_name_that_another_callback_adds_is_not_refused(name):
    stopping = EarlyStopping(name, mode="min")
    trained([stopping, Adds(name, (1.0, 2.0))], epochs=2)
    assert stopping.best_epoch == 0


def test_what_no_epoch_measures_is_an_error_after_the_others_had_their_turn(tmp_path):
    seen = []

    class Sees(Callback):
        def on_epoch_logged(self, epoch, logs):
            seen.append((epoch, self.model))

    with pytest.raises(ValueError, match="there is no 'gap' among what an epoch measures: loss, accuracy, f1"):
        trained([EarlyStopping("gap"), Adds("f1"), ModelCheckpoint(tmp_path / "model.npz"), Sees()])
    ((epoch, model),) = seen
    assert epoch == 0 and model.history.history["f1"] == [0.5]
    assert (tmp_path / "model.npz").exists()


@pytest.mark.parametrize("value", ["high", [1, 2]])
def test_a_monitored_value_that_is_no_number_is_an_error_that_shows_it(value):
    with pytest.raises(ValueError, match="'f1' is monitored, but this epoch's value is not a number: "):
        trained([EarlyStopping("f1"), Adds("f1", (value,))])


@pytest.mark.parametrize(
    "pattern, message",
    [
        ("model-{}.npz", "needs names in its braces"),
        ("model-{0}.npz", "needs names in its braces"),
        ("model-{epoch.npz", "is not a pattern"),
        ("model-{epoch}}.npz", "is not a pattern"),
    ],
)
def test_a_path_that_is_no_pattern_is_refused_at_once(pattern, message):
    with pytest.raises(ValueError, match=message):
        ModelCheckpoint(pattern)


def test_a_path_that_cannot_be_filled_in_is_refused_before_training():
    with pytest.raises(ValueError, match=r"'\{loss:d\}.npz' cannot be filled in with \{'loss': 0.5\}: Unknown format"):
        trained([ModelCheckpoint("{loss:d}.npz"), FailsIfTrained()])
    with pytest.raises(ValueError, match=r"'\{f1:.2f\}.npz' cannot be filled in with \{'f1': 'high'\}"):
        trained([ModelCheckpoint("{f1:.2f}.npz"), Adds("f1", ("high",))])


def test_monitor_must_be_a_name():
    with pytest.raises(ValueError, match="monitor must be the name of one of the logs"):
        EarlyStopping(monitor=5)


@pytest.mark.parametrize(
    "name, meant",
    [
        ("on_batch_end", "on_train_batch_end"),
        ("on_train_batch_start", "on_train_batch_begin"),
        ("on_epoch_start", "on_epoch_begin"),
        ("on_epoch_ends", "on_epoch_end"),
        ("on_training_begin", "on_train_begin"),
    ],
)
def test_a_method_that_would_never_be_called_is_refused_with_the_right_name(name, meant):
    own = type("Own", (Callback,), {name: lambda *_: None})
    with pytest.raises(ValueError, match=rf"has a method {name}, which is never called; did you mean {meant}\?"):
        trained([own()])


def test_methods_of_other_names_are_left_alone():
    names = ("on_improvement", "one")
    trained([type("Own", (Callback,), {name: lambda *_: None for name in names})()], epochs=1)


@pytest.mark.parametrize("name", ["on_test_batch_end", "on_test_end", "on_predict_begin"])
def test_methods_of_keras_for_other_loops_are_refused_with_what_there_is(name):
    own = type("Own", (FailsIfTrained,), {name: lambda *_: None})
    with pytest.raises(ValueError, match=rf"has a method {name}, which is never called: .* on_epoch_end"):
        trained([own()])


def test_a_hook_that_cannot_be_called_is_refused_before_training():
    class Needs(FailsIfTrained):
        def on_train_end(self, logs):
            pass

    class Takes(Callback):
        def on_train_end(self, logs=None):
            pass

        def on_epoch_begin(self, *args):
            pass

    with pytest.raises(ValueError, match=r"can be called as on_train_end\(\): missing a required argument: 'logs'"):
        trained([Needs()])
    trained([Takes()], epochs=1)


def test_the_advice_for_train_loss_is_loss_and_not_val_loss():
    measured = ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert "did you mean 'loss'?" in not_measured("train_loss", measured)
    assert "did you mean 'accuracy'?" in not_measured("training_accuracy", measured)
