"""``train``, as examples/train_recipe.py: every choice it offers learns, and no option is accepted and ignored.

What it does with a recipe is compared with the recipe itself in ``test_recipes.py``.
"""

import csv

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import commands
from scratchcnn.commands import train
from support.example_scripts import TRAIN_RECIPE, run_here


def test_without_mnist_the_bundled_digits_are_used_and_that_is_said(monkeypatch, capsys):
    load_data = sc.data.load_data

    def no_mnist(name, data_dir=None):
        if name == "mnist":
            raise sc.data.DataUnavailableError("no network")
        return load_data(name, data_dir)

    monkeypatch.setattr(sc.data, "load_data", no_mnist)
    (learnt, held_out), name = commands.load("auto", None)
    assert (len(learnt[0]), len(held_out[0]), name) == (4000, 1000, "digits")
    assert "using the 5,000 bundled digits" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no network"):
        commands.load("mnist", None)


def test_a_folder_of_data_that_is_named_is_the_only_place_to_look(tmp_path):
    for name in (str(tmp_path), ""):
        with pytest.raises(SystemExit, match="data_dir"):
            commands.load("auto", name)


@pytest.mark.parametrize("model", ["keras", "lenet5"])
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_every_network_and_optimizer_on_offer_learns(model, optimizer):
    network = sc.Sequential(train.MODELS[model](10), input_shape=(28, 28, 1))
    network.compile(train.OPTIMIZERS[optimizer](0.05 if optimizer == "sgd" else 0.005))
    images, labels = (array[:64] for array in sc.data.load_data("digits")[0])
    losses = network.fit(images, labels, epochs=10, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    assert np.isfinite(network.parameters).all()


def test_epochs_batches_optimizer_rate_and_seed_are_what_the_options_say(capsys, tmp_path):
    options = ["--epochs", "2", "--batch-size", "8", "--optimizer", "sgd", "--learning-rate", "0.01", "--seed", "4"]
    run_here(TRAIN_RECIPE, "--data", "digits", "--model", "lenet5", *options, "--output", str(tmp_path))
    with open(tmp_path / "history.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2
    assert (tmp_path / "learning_curve.png").exists()
    model = sc.load_model(tmp_path / "model.npz")
    assert model.optimizer.iterations == 2 * 3  # 22 of 24 digits, in batches of 8
    assert isinstance(model.optimizer, sc.SGD) and model.optimizer.learning_rate.learning_rate == 0.01
    assert model.seed == 4 and model.layers[1].filters == 6
    assert "Data: digits, 24 training and 12 test images." in capsys.readouterr().out


REFUSED = {
    "--recipe fast --epochs 3": "--epochs would be ignored beside --recipe",
    "--recipe fast --model keras": "--model would be ignored beside --recipe",
    "--recipe fast --batch-size 128": "--batch-size would be ignored beside --recipe",
    "--recipe fast --optimizer adam --learning-rate 1": "--optimizer, --learning-rate would be ignored beside",
    "--data digits --data-dir .": "--data-dir would be ignored",
    "--epochs 0": "--epochs: must be at least 1, got 0",
    "--epochs -3": "--epochs: must be at least 1, got -3",
    "--epochs 1.5": "--epochs: must be an integer, got 1.5",
    "--batch-size 0": "--batch-size: must be at least 1, got 0",
    "--learning-rate 0": "--learning-rate: must be above 0 and finite, got 0",
    "--learning-rate nan": "--learning-rate: must be above 0 and finite, got nan",
    "--learning-rate inf": "--learning-rate: must be above 0 and finite, got inf",
    "--ensemble 0": "--ensemble: must be at least 1, got 0",
    "--ensemble -2": "--ensemble: must be at least 1, got -2",
    "--seed -1": "--seed: must be at least 0, got -1",
    f"--output {TRAIN_RECIPE}": "--output: cannot write there",
}


@pytest.mark.parametrize("options", REFUSED)
def test_options_that_would_be_ignored_or_mean_nothing_are_refused_first(monkeypatch, capsys, tmp_path, options):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sc.data, "load_data", lambda *arguments: pytest.fail("data were loaded"))
    with pytest.raises(SystemExit, match="2"):
        run_here(TRAIN_RECIPE, *options.split())
    assert REFUSED[options] in capsys.readouterr().err


@pytest.mark.parametrize("model", ["keras", "lenet5"])
def test_colours_are_learnt_too(model, monkeypatch, capsys, tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    y = np.arange(40, dtype=np.uint8) % 10
    monkeypatch.setattr(sc.data, "load_data", lambda *arguments: ((x, y), (x[:12], y[:12])))
    options = ("--data", "cifar10", "--model", model, "--epochs", "1", "--output", str(tmp_path))
    run_here(TRAIN_RECIPE, *options)
    assert sc.load_model(tmp_path / "model.npz").input_shape == (32, 32, 3)
    assert "What is the first test image? Its label says 4" in capsys.readouterr().out


SLOW = {"99.7", "best", "fashion", "pictures"}  # the networks whose kernels take longest to compile


@pytest.mark.parametrize(
    "recipe", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in sc.recipes.RECIPES]
)
def test_every_recipe_fits_every_size_of_image_on_offer(recipe):
    for shape in ((28, 28, 1), (32, 32, 3)):
        model = sc.Sequential(sc.recipes.RECIPES[recipe].network(10), shape)
        assert model.predict(np.zeros((1, *shape), np.uint8)).shape == (1, 10)
