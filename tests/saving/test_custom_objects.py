"""Optimizers, losses, schedules, metrics and functions of the user's own, in files; ensembles; weights; paths."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import all_arrays, some_digits

pytestmark = pytest.mark.usefixtures("reference")
X, LABELS = some_digits(60)


class SignSGD(sc.optimizers.Optimizer):
    slot_names = ("count",)

    def __init__(self, learning_rate=0.01, scale=1.0):
        super().__init__(learning_rate)
        self._scale = scale

    def update(self, parameters, gradients, learning_rate):
        self.slots["count"] += 1
        parameters -= learning_rate * self._scale * np.sign(gradients)

    def config(self):
        return {"learning_rate": self.learning_rate, "scale": self._scale}


class Halving(sc.schedules.Schedule):
    def __init__(self, start):
        self.start = start

    def __call__(self, step):
        return self.start * 0.5 ** (step // 2)

    def config(self):
        return {"start": self.start}


class Squared:
    def forward(self, logits, targets):
        self.error = logits - np.eye(10)[targets]
        return float(np.mean(self.error**2))

    def backward(self):
        return 2 * self.error / self.error.size


class Share(sc.metrics.Metric):
    def __init__(self, number=3):
        super().__init__("share")
        self.number = number
        self.reset_state()

    def reset_state(self):
        self._found, self._samples = 0, 0

    def update_state(self, targets, predictions):
        self._found += int((predictions.argmax(axis=1) == self.number).sum())
        self._samples += len(targets)

    def result(self):
        return self._found / self._samples

    def config(self):
        return {"number": self.number}


def surprise(targets, predictions):
    return -np.log(np.maximum(predictions[np.arange(len(targets)), targets], 1e-9))


def slower(step):
    return 0.01 / (1 + step)


OWN = [SignSGD, Halving, Squared, Share, surprise, slower]


def network(optimizer=None, loss=None, metrics=None):
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.compile(optimizer, loss, metrics)
    return model


CASES = {
    "optimizer": lambda: network(SignSGD(0.01, scale=0.5)),
    "schedule": lambda: network(SignSGD(Halving(0.1))),
    "loss": lambda: network(sc.SGD(0.1), Squared()),
    "metrics": lambda: network(metrics=["accuracy", Share(7), surprise]),
    "function": lambda: network(sc.SGD(slower)),
}


@pytest.mark.parametrize(
    "given", [list, lambda things: {thing.__name__: thing for thing in things}], ids=["list", "dict"]
)
@pytest.mark.parametrize("case", CASES)
def test_what_is_of_ones_own_comes_back_from_a_file_and_goes_on(case, given, tmp_path):
    model = CASES[case]()
    model.fit(X, LABELS, verbose=0)
    model.save(tmp_path / "model.npz")
    loaded = sc.load_model(tmp_path / "model.npz", custom_objects=given(OWN))
    for each in (model, loaded):
        each.fit(X, LABELS, epochs=2, verbose=0)
    assert all_arrays(loaded) == all_arrays(model)
    assert loaded.history.history == model.history.history
    assert loaded.optimizer.current_learning_rate() == model.optimizer.current_learning_rate()


@pytest.mark.parametrize("case", CASES)
def test_without_it_the_error_says_what_to_pass(case, tmp_path):
    CASES[case]().save(tmp_path / "model.npz")
    with pytest.raises(ValueError, match=r"pass (your own|it) in custom_objects"):
        sc.load_model(tmp_path / "model.npz")


def test_what_cannot_come_back_is_refused_by_save(tmp_path):
    class NoConfig(Squared):
        def __init__(self, weight):
            self.weight = weight

    for model in (network(loss=NoConfig(2)), network(metrics=[lambda t, p: 0.0]), network(sc.SGD(lambda step: 0.1))):
        with pytest.raises(ValueError, match=r"classes of your own with a config\(\)"):
            model.save(tmp_path / "model.npz")
        model.save(tmp_path / "model.npz", include_optimizer=False)

    class Wrong(NoConfig):
        def config(self):
            return {"wait": 2}

    with pytest.raises(ValueError, match=r"Wrong\(\*\*config\(\)\) fails"):
        network(loss=Wrong(2)).save(tmp_path / "model.npz")


@pytest.mark.parametrize("objects", ["Squared", [3], {"a": 3}, 7])
def test_custom_objects_that_are_none_are_refused(objects, tmp_path):
    network().save(tmp_path / "model.npz")
    with pytest.raises(ValueError, match="custom_objects must be classes and functions"):
        sc.load_model(tmp_path / "model.npz", custom_objects=objects)


def test_an_ensemble_comes_back_from_one_file(tmp_path):
    models = [sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1), seed=seed) for seed in range(3)]
    models[0].compile(SignSGD())
    ensemble = sc.Ensemble(models)
    ensemble.save(tmp_path / "three.npz")
    loaded = sc.Ensemble.load(tmp_path / "three.npz", custom_objects=[SignSGD])
    assert loaded.predict(X).tobytes() == ensemble.predict(X).tobytes()
    assert isinstance(loaded.models[0].optimizer, SignSGD)
    with pytest.raises(ValueError, match="does not hold a model"):
        sc.load_model(tmp_path / "three.npz")
    models[1].save(tmp_path / "one.npz")
    with pytest.raises(ValueError, match=r"it is no ensemble; sc.load_model\(path\)"):
        sc.Ensemble.load(tmp_path / "one.npz")
    with pytest.raises(ValueError, match="is a ShiftAverage"):
        sc.Ensemble([sc.ShiftAverage(models[0])]).save(tmp_path / "no.npz")


def test_weights_of_another_network_are_refused_and_nothing_is_changed(tmp_path):
    network().save_weights(tmp_path / "weights.npz")
    other = sc.Sequential([sc.Flatten(), sc.Dense(5)], input_shape=(28, 28, 1))
    before = all_arrays(other)
    with pytest.raises(ValueError, match="does not hold weights for this model"):
        other.load_weights(tmp_path / "weights.npz")
    other = sc.Sequential([sc.Flatten(), sc.Dense(10), sc.BatchNorm()], input_shape=(28, 28, 1))
    with pytest.raises(ValueError, match="another network"):
        other.load_weights(tmp_path / "weights.npz")
    assert all_arrays(sc.Sequential([sc.Flatten(), sc.Dense(5)], input_shape=(28, 28, 1))) == before


def test_weights_come_from_the_file_of_a_model_too(tmp_path):
    model, other = network(), network()
    model.fit(X, LABELS, verbose=0)
    model.save(tmp_path / "model.npz")
    other.load_weights(tmp_path / "model.npz")
    assert np.array_equal(other.parameters, model.parameters)


def test_a_model_from_json_has_the_architecture_and_its_initial_weights():
    model = sc.Sequential(
        [sc.Conv2D(3, 3, name="first"), sc.Residual([sc.ReLU()]), sc.Flatten(), sc.Dense(2)], (5, 5, 1)
    )
    again = sc.model_from_json(model.to_json())
    assert repr(again) == repr(model) and np.array_equal(again.parameters, model.parameters)
    assert again.layers[0].name == "first"
    for text in ("{}", "[]", "nonsense", json.dumps({**json.loads(model.to_json()), "version": 99})):
        with pytest.raises(ValueError, match="does not describe a model"):
            sc.model_from_json(text)


def test_a_tilde_in_a_path_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    model = network()
    model.save("~/model.npz")
    model.save_weights("~/weights.npz")
    sc.data.write_idx("~/labels-idx1-ubyte", LABELS)
    keep = sc.callbacks.ModelCheckpoint("~/deep/best.npz"), sc.callbacks.CSVLogger("~/table.csv")
    model.fit(X, LABELS, callbacks=keep, verbose=0, checkpoint="~/run")
    assert np.array_equal(sc.data.read_idx("~/labels-idx1-ubyte"), LABELS)
    assert repr(sc.load_model("~/model.npz")) == repr(model)
    names = {os.path.relpath(path, tmp_path) for path in map(str, tmp_path.rglob("*.*"))}
    assert names == {
        *("model.npz", "weights.npz", "table.csv"),
        *(os.path.join("deep", "best.npz"), os.path.join("run", "checkpoint.npz")),
    }


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no such folder; make it first: os.makedirs") as error:
        network().save(tmp_path / "nowhere" / "model.npz")
    assert error.value.filename == str(tmp_path / "nowhere")
