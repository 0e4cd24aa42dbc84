"""The range of the training images: saved with a model, and known to one trained by hand."""

import copy
import json
import pickle
import warnings

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.network import image_range
from support.image_ranges import IMAGES, LABELS, RANDOM, UNIT, on_bytes, trained
from support.small_networks import compiled_network

pytestmark = pytest.mark.usefixtures("reference")


def loaded(model, folder):
    model.save(folder / "model.npz")
    return sc.load_model(folder / "model.npz")


@pytest.mark.parametrize(
    "again", [loaded, lambda model, _: copy.deepcopy(model), lambda model, _: pickle.loads(pickle.dumps(model))]
)
def test_the_range_is_saved_copied_and_pickled_with_the_model(again, tmp_path):
    with pytest.warns(RuntimeWarning, match="trained on images from 0 to 255"):
        again(on_bytes(), tmp_path).predict(UNIT)


def test_a_file_without_a_range_loads_and_one_that_is_no_range_does_not(tmp_path):
    on_bytes().save(tmp_path / "model.npz")
    with np.load(tmp_path / "model.npz") as file:
        arrays = dict(file)
    config = json.loads(str(arrays["config"]))
    for wrong in ({"low": "dark"}, 5, {"low": "dark", "high": 1, "background": True}):
        arrays["config"] = np.array(json.dumps({**config, "image_range": wrong}))
        np.savez(tmp_path / "wrong.npz", **arrays)
        with pytest.raises(ValueError, match="does not hold a model that can be loaded"):
            sc.load_model(tmp_path / "wrong.npz")
    del config["image_range"]
    np.savez(tmp_path / "old.npz", **{**arrays, "config": np.array(json.dumps(config))})
    assert sc.load_model(tmp_path / "old.npz").predict(UNIT).shape == (32, 10)


def train_by_hand(model, x, batches=8):
    for _ in range(batches):
        model.loss.forward(model.forward(x[..., np.newaxis], training=True), LABELS.astype(np.int64))
        model.backward(model.loss.backward())
        model.optimizer.step(model.parameters, model.gradients)


def test_a_model_trained_by_hand_knows_its_range_too():
    model = compiled_network()
    train_by_hand(model, IMAGES)
    with pytest.warns(RuntimeWarning, match="trained on images from 0 to 255"):
        model.predict(UNIT)


def test_a_model_trained_step_by_step_knows_its_range_on_either_backend():
    for backend in ("reference", "jit"):
        with sc.ops.using(backend):
            model = compiled_network()
            for _ in range(6):
                sc.training.train_step(model, IMAGES[..., np.newaxis], LABELS)
            with pytest.warns(RuntimeWarning, match="trained on images from 0 to 255"):
                model.predict(UNIT)


def test_a_few_batches_to_try_a_model_out_are_not_remembered():
    model = compiled_network()
    train_by_hand(model, UNIT, batches=3)
    model.fit(IMAGES, LABELS, verbose=0)


def test_a_fit_that_is_refused_leaves_no_range_behind():
    model = compiled_network()
    with pytest.raises(ValueError, match="validation_split"):
        model.fit(UNIT, LABELS, validation_split=5, verbose=0)
    model.fit(IMAGES, LABELS, verbose=0)
    assert model.image_range.high == 255


def test_training_goes_on_with_what_was_trained_on_last():
    model = on_bytes()
    with pytest.warns(RuntimeWarning):
        model.fit(UNIT, LABELS, verbose=0)
    assert model.image_range.high == 1
    model = trained(IMAGES[:, :14].repeat(2, axis=1) // 2)
    model.fit(IMAGES, LABELS, verbose=0)
    assert (model.image_range.low, model.image_range.high) == (0, 255)


def test_the_range_of_many_images_is_that_of_some_spread_over_all():
    many = np.broadcast_to(np.uint8(7), (100_000, 28, 28))
    assert 128 <= len(image_range.some_of(many)) <= 256
    assert image_range.range_of(np.arange(1000).reshape(1000, 1, 1)).high > 990


def test_rows_of_a_table_are_not_judged_as_images():
    model = sc.Sequential([sc.Dense(2)], input_shape=(5,))
    model.compile()
    rows = RANDOM.normal(size=(40, 5)) * [1, 10, 100, 1e4, 1e6]
    model.fit(rows, np.zeros(40, int), verbose=0)
    for x in (rows[:1] * 100, rows / 1000, rows + 1e7):
        model.predict(x)


def test_warnings_can_be_silenced_as_any_other():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        on_bytes().predict(UNIT)
