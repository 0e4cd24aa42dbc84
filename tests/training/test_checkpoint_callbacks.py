"""Checkpoints: what callbacks and metrics remember comes back to the right one as it was, or is refused beforehand."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.callbacks import Callback, EarlyStopping, LambdaCallback, ReduceLROnPlateau
from support.small_networks import some_digits

X, LABELS = some_digits(40)


def network(metrics=("accuracy",)):
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=X.shape[1:])
    model.compile(sc.SGD(0.1), metrics=list(metrics))
    return model


def fit(folder, epochs, *callbacks, model=None, **options):
    model = model or network()
    model.fit(X, LABELS, epochs=epochs, verbose=0, checkpoint=folder, callbacks=callbacks, **options)
    return model


class Remembers(Callback):
    """Keeps what it was given."""

    def __init__(self, state=None):
        self.state = {} if state is None else state

    def get_state(self):
        return self.state

    def set_state(self, state):
        self.state = state


def test_states_find_their_callback_whatever_stands_between(tmp_path, reference):
    reduce = ReduceLROnPlateau("loss", patience=9, min_delta=100)
    fit(tmp_path, 3, reduce, Remembers({"own": "first"}), EarlyStopping("loss"), Remembers({"own": "second"}))
    first, second, stopping = Remembers(), Remembers(), EarlyStopping("loss")
    fit(tmp_path, 4, LambdaCallback(), stopping, first, reduce, second, resume=True)
    assert (first.state, second.state) == ({"own": "first"}, {"own": "second"})
    assert reduce._waited == 3 and stopping.best_epoch == 3


def test_of_one_class_they_find_it_by_what_it_monitors(tmp_path, reference):
    def stops():
        return EarlyStopping("loss", patience=9), EarlyStopping("accuracy", patience=9)

    fit(tmp_path, 2, *stops())
    loss, accuracy = stops()
    fit(tmp_path, 3, accuracy, loss, resume=True)
    assert loss.monitor.best < 0 < accuracy.monitor.best  # the sign of what shall fall is turned round


def test_a_state_comes_back_as_it_was(tmp_path, reference):
    state = {
        "class": "a text",
        "arrays": [1, 2.5, None, True],
        "tuple": (1, (2, "b")),
        "numbers": {1: "a", "1": "b", (2, 3): {"tuple": 1}},
        "infinite": float("inf"),
        "of numpy": [np.float32(0.1), np.int64(3), np.bool_(True), np.float64(0.1)],
        "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
        "deep": {"list": [np.arange(3, dtype=np.uint8), []]},
        5: "a number as a key",
    }
    fit(tmp_path, 1, Remembers(state))
    again = Remembers()
    fit(tmp_path, 2, again, resume=True)
    assert repr(again.state) == repr(state)
    assert [type(value) for value in again.state["of numpy"]] == [type(value) for value in state["of numpy"]]


REFUSED = {
    "a list": ([1], r"get_state of Remembers\(\) must return a dictionary, got \[1\]; for nothing, \{\}"),
    "a set": (
        {"seen": {1}},
        r"what get_state of Remembers\(\) returns: state\['seen'\] is \{1\}, of type set, and a checkpoint",
    ),
    "deep": ({"a": [{"b": object()}]}, r"state\['a'\]\[0\]\['b'\] is <object"),
    "objects": ({"a": np.array([None])}, r"state\['a'\] is array\(\[None\]"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_state_that_cannot_be_kept_is_refused_before_the_first_update(case, tmp_path, reference):
    state, message = REFUSED[case]
    model = network()
    with pytest.raises(ValueError, match=message):
        fit(tmp_path, 1, Remembers(state), model=model)
    assert model.optimizer.iterations == 0
    model.fit(X, LABELS, callbacks=Remembers(state), verbose=0)  # nobody asks it without a checkpoint


class Seen(sc.metrics.Metric):
    """How many labels there were, in a collection of some kind."""

    def __init__(self, kind):
        super().__init__("seen")
        self.kind = kind

    def config(self):
        return {"kind": self.kind.__name__}

    def reset_state(self):
        self.labels = self.kind()

    def update_state(self, targets, predictions):
        self.labels += self.kind(targets.tolist())

    def result(self):
        return float(len(self.labels))


def test_so_is_a_metric_where_an_epoch_may_go_on_in_its_middle(tmp_path, reference):
    model = network([Seen(bytes)])
    message = r"checkpoint_freq \(which may be left out\) .* sums\['metrics'\]\[0\]\['labels'\] is b'', of type bytes"
    with pytest.raises(ValueError, match=message):
        fit(tmp_path, 1, model=model, checkpoint_freq=1)
    assert model.optimizer.iterations == 0


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_metric_of_lists_goes_on_in_the_middle_of_an_epoch(kind, tmp_path, reference):
    def interrupt(batch, logs):
        if batch:
            raise InterruptedError

    options = {"checkpoint_freq": 1, "batch_size": 16}
    with pytest.raises(InterruptedError):
        fit(tmp_path, 2, LambdaCallback(on_train_batch_begin=interrupt), model=network([Seen(kind)]), **options)
    model = fit(tmp_path, 2, model=network([Seen(kind)]), resume=True, batch_size=16)
    assert model.history.history["seen"] == [40.0, 40.0]
