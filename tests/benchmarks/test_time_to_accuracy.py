"""benchmarks/time_to_accuracy.py: what the contestants are given is the recipe."""

import importlib
import json

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.recipes import RECIPES
from support.processes import ROOT


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("time_to_accuracy")


def test_our_contestant_ends_with_the_accuracy_that_fit_reaches(program, monkeypatch, tmp_path):
    digits = sc.data.load_data("digits")
    monkeypatch.setattr(sc.data, "load_data", lambda name, data_dir=None: digits)
    options = program.options_of(["--seeds", "1", "--points", "3", "--threads", "1", "--output", str(tmp_path)])
    program.write_job(tmp_path, options, seed=5)
    result = program.race("scratchcnn", tmp_path, options)
    (images, labels), test = digits
    recipe = RECIPES["fast"]
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1), seed=5)
    recipe.train(model, images, labels, verbose=0)
    seconds = [point[0] for point in result["points"]]
    assert result["points"][-1][1] == model.evaluate(*test)[1]
    assert len(seconds) == 3 and np.all(np.diff(seconds) > 0)
    assert len(json.loads((tmp_path / "job.json").read_text())["learning_rates"]) == 32
    assert "scratchcnn" in program.render({"scratchcnn": [result]}, options)
    assert list((tmp_path / "plots").glob("time_to_accuracy-*.png"))
