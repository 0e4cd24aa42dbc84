"""Recipes: they build, they learn, and the same seed gives the same weights wherever they are followed."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from processes import ROOT

import scratchcnn as sc
from scratchcnn.recipes import RECIPES, Recipe, checksum

EXAMPLE = ROOT / "examples" / "train_mnist.py"


def follow(recipe, images, labels, seed=0):
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1), seed=seed)
    recipe.compile(model, samples=len(images))
    history = model.fit(images, labels, epochs=recipe.epochs, batch_size=recipe.batch_size, verbose=0)
    return model, history.history["loss"]


@pytest.mark.parametrize(("name", "parameters"), [("fast", 108_874), ("keras", 34_826)])
def test_the_network_of_a_recipe_has_the_listed_number_of_parameters(name, parameters):
    model = sc.Sequential(RECIPES[name].network(10), input_shape=(28, 28, 1))
    assert model.parameters.size == parameters


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_learns_from_a_few_digits(name):
    images, labels = (array[:512] for array in sc.data.load_data("digits")[0])
    _, losses = follow(replace(RECIPES[name], epochs=4), images, labels)
    assert losses[-1] < 0.8 * losses[0]


def test_the_schedule_of_a_recipe_spans_all_its_steps():
    asked = []

    def schedule(steps):
        asked.append(steps)
        return sc.schedules.Constant(0.01)

    recipe = Recipe(RECIPES["keras"].network, epochs=3, batch_size=32, schedule=schedule, optimizer=sc.Adam)
    recipe.compile(sc.Sequential(recipe.network(10), input_shape=(28, 28, 1)), samples=65)
    assert asked == [9]  # two full batches and one of a single sample, three times


def test_the_checksum_tells_equal_weights_from_others():
    def model(seed):
        return sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1), seed=seed)

    assert checksum(model(0)) == checksum(model(0)) != checksum(model(1))
    changed = model(0)
    changed.parameters[0] = np.nextafter(changed.parameters[0], np.float32(1))
    assert checksum(changed) != checksum(model(0))


def test_the_example_follows_a_recipe_on_all_images_and_prints_the_checksum_of_its_weights(tmp_path):
    images, labels = sc.data.load_data("digits")[0]
    model, _ = follow(RECIPES["fast"], images, labels, seed=3)
    command = [sys.executable, EXAMPLE, "--data", "digits", "--recipe", "fast", "--seed", "3", "--output", tmp_path]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert re.search(r"Checksum of the weights: (\w+)", done.stdout)[1] == checksum(model)
