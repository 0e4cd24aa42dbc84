"""Recipes: they build, they learn, and the same seed gives the same weights wherever they are followed."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.recipes import LADDER, RECIPES, Recipe, checksum
from support.processes import ROOT

EXAMPLE = ROOT / "examples" / "train_recipe.py"


def follow(recipe, images, labels, seed=0):
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1), seed=seed)
    history = recipe.train(model, images, labels, verbose=0)
    return model, history.history["loss"]


def some_digits(count):
    return tuple(array[:count] for array in sc.data.load_data("digits")[0])


PARAMETERS = {
    "99.0": 53_994,
    "fast": 56_970,
    "99.2": 80_410,
    "99.4": 29_546,
    "99.5": 38_858,
    "99.6": 38_858,
    "99.7": 432_442,
    "keras": 34_826,
    "tiny": 7_250,
    "pictures": 27_162,
    "best": 432_442,
    "fashion": 432_442,
}
MANY_KERNELS = ("99.4", "99.5", "99.6", "99.7", "tiny", "pictures", "best", "fashion")  # of their own, to be compiled
SOME = [pytest.param(name, marks=pytest.mark.slow) if name in MANY_KERNELS else name for name in RECIPES]


@pytest.mark.parametrize("name", RECIPES)
def test_the_network_of_a_recipe_has_the_listed_number_of_parameters(name):
    model = sc.Sequential(RECIPES[name].network(10), input_shape=(28, 28, 1))
    assert model.parameters.size == PARAMETERS[name]


def test_the_rungs_of_the_ladder_are_recipes_in_the_order_of_their_arithmetic():
    costs = []
    for name in LADDER:
        model = sc.Sequential(RECIPES[name].network(10), input_shape=(28, 28, 1))
        costs.append(RECIPES[name].epochs * multiply_adds(model))
    assert costs == sorted(costs) and len(set(LADDER)) == len(LADDER)


def multiply_adds(model):
    return sum(layer.multiply_adds() for layer in model.layers)


@pytest.mark.parametrize("name", SOME)
def test_a_recipe_learns_from_a_few_digits(name):
    _, losses = follow(replace(RECIPES[name], epochs=4), *some_digits(512))
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("name", SOME)
def test_a_recipe_followed_twice_ends_with_the_same_weights(name):
    short = replace(RECIPES[name], epochs=2)
    first, second = (follow(short, *some_digits(150), seed=7)[0] for _ in range(2))
    assert checksum(first) == checksum(second)


def test_a_recipe_trains_with_its_augmentation_and_ends_with_averaged_weights():
    images, labels = some_digits(150)
    plain = replace(RECIPES["keras"], epochs=3, batch_size=50, augmentation=None)
    turned, decay = sc.data.Augmentation(rotation=10), 0.5
    by_recipe, _ = follow(replace(plain, augmentation=turned, average=decay), images, labels)

    by_hand = sc.Sequential(plain.network(10), input_shape=(28, 28, 1), seed=0)
    plain.compile(by_hand, samples=150)
    average = sc.ExponentialMovingAverage(decay)
    by_hand.fit(images, labels, epochs=3, batch_size=50, augmentation=turned, callbacks=[average], verbose=0)
    assert checksum(by_recipe) == checksum(by_hand)
    others = plain, replace(plain, augmentation=turned), replace(plain, average=decay)
    assert checksum(by_recipe) not in [checksum(follow(other, images, labels)[0]) for other in others]


def test_a_recipe_leaves_out_what_is_set_aside_for_validation():
    steps = []
    recipe = replace(RECIPES["keras"], epochs=2, batch_size=50, schedule=lambda count: steps.append(count) or 0.01)
    model = sc.Sequential(recipe.network(10), input_shape=(28, 28, 1))
    history = recipe.train(model, *some_digits(200), validation_split=0.25, verbose=0)
    assert steps == [6] and model.optimizer.iterations == 6
    assert len(history.history["val_accuracy"]) == 2


def test_the_schedule_of_a_recipe_spans_all_its_steps():
    asked = []

    def schedule(steps):
        asked.append(steps)
        return 0.01

    recipe = Recipe(RECIPES["keras"].network, epochs=3, batch_size=32, schedule=schedule, optimizer=sc.Adam)
    recipe.compile(sc.Sequential(recipe.network(10), input_shape=(28, 28, 1)), samples=65)
    assert asked == [9]  # two full batches and one of a single sample, three times


def test_the_checksum_tells_equal_weights_from_others():
    def model(seed):
        return sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1), seed=seed)

    assert checksum(model(0)) == checksum(model(0)) != checksum(model(1))
    both = checksum(model(0), model(1))
    assert len({both, checksum(model(1), model(0)), checksum(model(0)), checksum(model(1))}) == 4
    changed = model(0)
    changed.parameters[0] = np.nextafter(changed.parameters[0], np.float32(1))
    assert checksum(changed) != checksum(model(0))


def run_example(output, *arguments):
    done = subprocess.run(
        [sys.executable, EXAMPLE, "--data", "digits", "--output", output, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_script_follows_a_recipe_on_all_images_and_prints_the_checksum(tmp_path):
    model, _ = follow(RECIPES["fast"], *sc.data.load_data("digits")[0], seed=3)
    printed = run_example(tmp_path, "--recipe", "fast", "--seed", "3")
    assert re.search(r"Checksum of the weights: (\w+)", printed)[1] == checksum(model)


def test_the_script_trains_an_ensemble_and_saves_each_of_its_models(tmp_path):
    train, test = sc.data.load_data("digits")
    models = [follow(RECIPES["fast"], *train, seed=seed)[0] for seed in (3, 4)]
    printed = run_example(tmp_path, "--recipe", "fast", "--seed", "3", "--ensemble", "2")
    assert re.findall(r"Checksum of the weights: (\w+)", printed) == [checksum(model) for model in models]
    assert f"Checksum of the weights of all 2: {checksum(*models)}" in printed
    saved = [tmp_path / f"seed{seed}" / "model.npz" for seed in (3, 4)]
    loss, accuracy = sc.Ensemble(saved).evaluate(*test)
    assert f"Together: test loss {loss:.4f}, test accuracy {accuracy:.2%}." in printed


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        (["--shifts"], {}),
        (["--flips"], {"reach": 0, "horizontal_flip": True}),
        (["--shifts", "--flips"], {"horizontal_flip": True}),
    ],
)
def test_the_script_averages_over_changed_images_as_well(tmp_path, options, changes):
    printed = run_example(tmp_path, "--recipe", "fast", *options)
    average = sc.ShiftAverage(sc.load_model(tmp_path / "seed0" / "model.npz"), **changes)
    loss, accuracy = average.evaluate(*sc.data.load_data("digits")[1])
    assert f"Together: test loss {loss:.4f}, test accuracy {accuracy:.2%}." in printed
