"""benchmarks/time_to_accuracy.py: what the contestants are given is the recipe."""

import importlib
import json

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.recipes import RECIPES, Recipe
from scratchcnn.training.batches import Batches
from support.processes import ROOT


def a_network(classes):
    return [
        sc.Rescaling(1 / 255),
        *(sc.Conv2D(8, 3), sc.BatchNorm(), sc.ReLU(), sc.MaxPool2D(2)),
        *(sc.GlobalAveragePool2D(), sc.Dropout(0.2), sc.Dense(classes)),
    ]


WITH_EVERYTHING = Recipe(
    network=a_network,
    epochs=2,
    batch_size=128,
    schedule=lambda steps: sc.schedules.OneCycle(0.1, steps),
    optimizer=lambda schedule: sc.SGD(schedule, momentum=0.9, nesterov=True, l2_penalty=5e-4),
    augmentation=sc.data.Annealed(sc.data.Augmentation(rotation=10, shift=1)),
    average=0.9,
)


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("time_to_accuracy")


@pytest.fixture
def digits(monkeypatch):
    digits = sc.data.load_data("digits")
    monkeypatch.setattr(sc.data, "load_data", lambda name, data_dir=None: digits)
    return digits


def options_of(program, folder, *more):
    return program.options_of(["--seeds", "1", "--points", "3", "--threads", "1", "--output", str(folder), *more])


def test_our_contestant_ends_with_the_accuracy_that_fit_reaches(program, digits, tmp_path):
    options = options_of(program, tmp_path)
    program.write_job(tmp_path, options, "fast", seed=5)
    result = program.race("scratchcnn", tmp_path, options)
    (images, labels), test = digits
    recipe = RECIPES["fast"]
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1), seed=5)
    recipe.train(model, images, labels, verbose=0)
    steps, seconds, accuracies = zip(*result["points"], strict=True)
    assert accuracies[-1] == model.evaluate(*test)[1]
    assert steps[-1] == 32 and np.all(np.diff(seconds) > 0) and result["seconds"] == seconds[-1]
    assert len(json.loads((tmp_path / "job.json").read_text())["learning_rates"]) == 32
    timed = {"seconds": 9.0, "points": [], "warm_up": 1.0, "versions": {}, "whole": False}
    results = {"fast": {"scratchcnn": [result | {"whole": True}], "torch": [timed], "torch-channels-last": [timed]}}
    assert f"{9.0 / result['seconds']:.2f}x" in program.render(results, options)
    assert list((tmp_path / "plots").glob("time_to_accuracy-*.png"))


def test_pytorch_is_given_the_images_that_fit_draws(program, digits, monkeypatch, tmp_path):
    monkeypatch.setitem(RECIPES, "all", WITH_EVERYTHING)
    program.write_job(tmp_path, options_of(program, tmp_path, "--recipes", "all"), "all", seed=3)
    seen, draw = [], Batches.draw

    def watched(batches, *arguments, **named):
        batch = draw(batches, *arguments, **named)
        seen.append((batch.images.copy(), batch.targets.copy()))
        return batch

    monkeypatch.setattr(Batches, "draw", watched)
    model = sc.Sequential(a_network(10), input_shape=(28, 28, 1), seed=3)
    WITH_EVERYTHING.train(model, *digits[0], verbose=0)
    images, labels = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    with np.load(tmp_path / "job.npz") as job:
        np.testing.assert_array_equal(job["labels"][job["order"]].ravel(), labels)
    np.testing.assert_array_equal(np.load(tmp_path / "distorted.npy"), images)


def test_of_a_long_recipe_pytorch_is_given_some_steps(program, digits, monkeypatch, tmp_path):
    monkeypatch.setitem(RECIPES, "all", WITH_EVERYTHING)
    options = options_of(program, tmp_path, "--recipes", "all", "--whole", "60", "--timed", "5")
    program.write_job(tmp_path, options, "all", seed=3)
    settings = json.loads((tmp_path / "job.json").read_text())
    assert settings["steps"] == 5 and len(settings["learning_rates"]) == 64 and not program.is_whole(tmp_path)
    assert len(np.load(tmp_path / "distorted.npy")) == 4000  # of one epoch
    assert importlib.import_module("peers.race").of_all_steps(0.5, settings) == 0.5 * 64 / 5
