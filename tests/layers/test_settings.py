"""Settings that are assigned: checked as in the constructor, and they count from the next batch on."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import scratchcnn as sc
from support.processes import ROOT
from support.small_networks import all_arrays, compiled_network, small_network, some_digits

pytestmark = pytest.mark.usefixtures("reference")


REFUSED = [
    (lambda: sc.Dropout(0.5), "rate", 1.5, "Dropout: rate is the share to drop, at least 0 and below 1, got 1.5"),
    (lambda: sc.Dropout(0.5), "rate", "0.5", "Dropout: rate must be a number, got '0.5'"),
    (lambda: sc.LeakyReLU(), "negative_slope", -1, "LeakyReLU: negative_slope must be a finite number >= 0, got -1"),
    (lambda: sc.BatchNorm(), "momentum", 2, "BatchNorm: momentum must be from 0 to 1, got 2"),
    (lambda: sc.BatchNorm(), "epsilon", 0, "BatchNorm: epsilon must be above 0, got 0"),
    (lambda: sc.Rescaling(1), "scale", np.inf, "Rescaling: scale must be a finite number, got inf"),
    (lambda: sc.Rescaling(1), "offset", None, "Rescaling: offset must be a number, got None"),
    (lambda: sc.Conv2D(2, 3), "filters", 0, "Conv2D: filters must be at least 1, got 0"),
    (lambda: sc.Conv2D(2, 3), "use_bias", "False", "Conv2D: use_bias must be True or False, got 'False'"),
    (lambda: sc.MaxPool2D(), "pool_size", 16, "MaxPool2D: pool_size may cover at most 255 pixels"),
    (lambda: sc.SoftmaxCrossEntropy(), "label_smoothing", 1, "label_smoothing must be at least 0 and below 1, got 1"),
    (lambda: sc.callbacks.EarlyStopping(), "patience", -1, "patience must be at least 0, got -1"),
    (lambda: sc.callbacks.EarlyStopping(), "restore_best_weights", "no", "restore_best_weights must be True or False"),
    (lambda: sc.callbacks.EarlyStopping(), "monitor", "val_acc", r'must be a Monitor, such as sc.callbacks.Monitor\("'),
    (lambda: sc.callbacks.ModelCheckpoint("x"), "save_best_only", 2, "save_best_only must be True or False, got 2"),
    (lambda: sc.callbacks.ModelCheckpoint("x"), "path", "{}", "needs names in its braces"),
    (lambda: sc.callbacks.CSVLogger("x"), "append", "no", "append must be True or False, got 'no'"),
    (lambda: sc.ExponentialMovingAverage(), "decay", 1, r"decay must lie in \[0, 1\), got 1"),
    (small_network, "optimizer", "adam", r"optimizer must be an object such as sc.Adam\(1e-3\), got 'adam'"),
    (small_network, "loss", "mse", r"loss must be an object such as sc.SoftmaxCrossEntropy\(\), .*got 'mse'"),
    (lambda: sc.Dense(3), "dtype", "float16", 'Dense.dtype must be "float32" or "float64", got float16'),
    (lambda: sc.Dense(3), "name", "a/b", "the name of a layer must be a text without /, got 'a/b'"),
]


@pytest.mark.parametrize(("make", "name", "value", "message"), REFUSED, ids=[f"{r[1]}={r[2]}" for r in REFUSED])
def test_an_assigned_setting_is_checked_as_in_the_constructor(make, name, value, message):
    thing = make()
    before = getattr(thing, name)
    with pytest.raises(ValueError, match=message):
        setattr(thing, name, value)
    assert getattr(thing, name) == before


@pytest.mark.parametrize(
    "arguments", [{"seed": True}, {"fuse": "no"}, {"dtype": "float16"}], ids=["seed", "fuse", "dtype"]
)
def test_arguments_that_mean_something_else_are_refused(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be"):
        small_network(**arguments)


def test_an_optimizer_that_is_assigned_is_tied_to_the_model_and_saved(tmp_path):
    model = compiled_network(sc.SGD(0.1))
    model.optimizer = sc.Adam()
    model.save(tmp_path / "model.npz")
    assert sc.load_model(tmp_path / "model.npz").optimizer.slots.keys() == {"mean", "variance"}
    with pytest.raises(ValueError, match="already optimizes another model"):
        small_network().optimizer = model.optimizer


def test_shuffle_must_be_yes_or_no():
    with pytest.raises(ValueError, match="shuffle must be True or False, got 'batch'"):
        compiled_network().fit(*some_digits(20), shuffle="batch", verbose=0)


def test_an_assigned_setting_counts_from_the_next_batch_on():
    def trained(change):
        model = compiled_network(dropout=0.25)
        for _ in range(4):
            model.fit(*some_digits(40), batch_size=20, verbose=0)
        change(model)
        return all_arrays(model), all_arrays_after(model)

    def all_arrays_after(model):
        model.fit(*some_digits(40), batch_size=20, verbose=0)
        return all_arrays(model)

    same, usual = trained(lambda model: None)
    for change in (
        lambda model: setattr(model.layers[6], "rate", 0.5),
        lambda model: setattr(model.layers[2], "momentum", 0.5),
        lambda model: setattr(model.layers[2], "epsilon", 0.5),
        lambda model: setattr(model.layers[0], "scale", 0.5),
        lambda model: setattr(model.loss, "label_smoothing", 0.5),
        lambda model: setattr(model.optimizer, "beta_1", 0.5),
    ):
        before, after = trained(change)
        assert before == same and after != usual


def test_a_name_that_was_given_stays_and_is_saved(tmp_path):
    layers = [sc.Flatten(), sc.Dense(4), sc.ReLU(), sc.Dense(5), sc.Dense(10)]
    layers[1].name, layers[3].name = "features", "dense"
    model = sc.Sequential(layers, (28, 28, 1))
    assert [layer.name for layer in model.layers] == ["flatten", "features", "relu", "dense", "dense_1"]
    model.save(tmp_path / "model.npz")
    twin = sc.load_model(tmp_path / "model.npz")
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert [w.tobytes() for w in twin.get_weights()] == [w.tobytes() for w in model.get_weights()]


def test_two_layers_of_one_name_are_refused():
    layers = [sc.Flatten(), sc.Dense(4), sc.Dense(10)]
    layers[1].name = layers[2].name = "dense"
    with pytest.raises(ValueError, match="two layers are called 'dense'; the names in a model must differ"):
        sc.Sequential(layers, (28, 28, 1))


def test_a_dtype_given_to_a_layer_belongs_to_the_model():
    layer = sc.Dense(10)
    layer.dtype = "float64"
    with pytest.raises(ValueError, match="was given the dtype float64; pass it to the model"):
        sc.Sequential([sc.Flatten(), layer], (28, 28, 1))
    model = sc.Sequential([sc.Flatten(), layer], (28, 28, 1), dtype="float64")
    assert model.parameters.dtype == np.float64


def test_a_schedule_cannot_be_changed_and_says_how_to_make_another():
    schedule = sc.schedules.OneCycle(0.1, 100)
    with pytest.raises(
        AttributeError, match=r"a OneCycle cannot be changed; make a new one, OneCycle\(\.\.\., peak=0.2\)"
    ):
        schedule.peak = 0.2
    assert schedule == sc.schedules.OneCycle(0.1, 100) and hash(schedule) == hash(sc.schedules.OneCycle(0.1, 100))


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"SCRATCHCNN_BACKEND": "refrence"}, "SCRATCHCNN_BACKEND is 'refrence'; it must be one of jit, reference"),
        ({"SCRATCHCNN_BAKEND": "reference"}, "SCRATCHCNN_BAKEND is not used; did you mean SCRATCHCNN_BACKEND"),
    ],
)
def test_misspelt_environment_variables_are_pointed_out(variables, message):
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", "import scratchcnn.ops"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and message in done.stderr


def test_no_environment_variable_that_the_readme_names_is_called_unused():
    named = set(re.findall(r"SCRATCHCNN_\w+", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named == set(sc.ops.VARIABLES)
    subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", "import scratchcnn.ops"],
        env={**os.environ, **dict.fromkeys(named, "")},
        check=True,
    )
