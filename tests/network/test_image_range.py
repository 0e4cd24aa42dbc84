"""Right images, wrong numbers: a model that is asked about another range than it was trained on says so, once."""

import copy
import json
import pickle
import warnings

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.network import image_range
from support.small_networks import compiled_network, some_digits

IMAGES, LABELS = some_digits(32)  # uint8 (32, 28, 28), from 0 to 255
AS_FLOATS = IMAGES.astype(np.float32)
UNIT, SYMMETRIC = AS_FLOATS / 255, AS_FLOATS / 127.5 - 1
STANDARDISED = (UNIT - UNIT.mean()) / UNIT.std()  # -0.4 to 2.8
RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def plain_numpy():
    with sc.ops.using("reference"):
        yield


def trained(x, rescaling=None):
    layers = [] if rescaling is None else [sc.Rescaling(*rescaling)]
    model = sc.Sequential([*layers, sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.compile(sc.SGD(1e-9))
    model.fit(x, LABELS, verbose=0)
    return model


def on_bytes():
    return trained(IMAGES, (1 / 255,))


WRONG = {
    "bytes, then x / 255": (on_bytes, UNIT, r"from 0 to 1, but .* trained on images from 0 to 255.*multiply .* by 255"),
    "bytes, then one image of x / 255": (on_bytes, UNIT[:1], "trained on images from 0 to 255"),
    "bytes, then x / 127.5 - 1": (on_bytes, SYMMETRIC, "from -1 to 1, but"),
    "bytes, then standardised": (on_bytes, STANDARDISED, "trained on images from 0 to 255"),
    "bytes, then truth values": (on_bytes, IMAGES > 127, "from 0 to 1, but"),
    "bytes, then x // 255": (on_bytes, (IMAGES > 127).astype(np.uint8), "from 0 to 1, but"),
    "bytes, then 16 bits": (on_bytes, AS_FLOATS * 257, "from 0 to 65535, but"),
    "bytes, then float16 of x / 255": (on_bytes, UNIT.astype(np.float16), "from 0 to 1, but"),
    "x / 255, then bytes": (lambda: trained(UNIT), IMAGES, r"from 0 to 255, but .* from 0 to 1, .*divide .* by 255"),
    "x / 255, then one image of bytes": (lambda: trained(UNIT), IMAGES[:1], "from 0 to 255, but"),
    "x / 255, then x / 255 / 255": (lambda: trained(UNIT), UNIT / 255, "from 0 to 0.00392157, but"),
    "x / 255, then x / 127.5 - 1": (lambda: trained(UNIT), SYMMETRIC, "from -1 to 1, but"),
    "x / 255, then standardised": (lambda: trained(UNIT), STANDARDISED, "from -0.4.* to 2"),
    "x / 127.5 - 1, then x / 255": (lambda: trained(SYMMETRIC), UNIT[:1], "from 0 to 1, but .* from -1 to 1"),
    "x / 127.5 - 1, then bytes": (lambda: trained(SYMMETRIC), IMAGES, "from 0 to 255, but"),
    "standardised, then x / 255": (lambda: trained(STANDARDISED), UNIT[:1], "from 0 to 1, but"),
    "standardised, then bytes": (lambda: trained(STANDARDISED), IMAGES[:1], "from 0 to 255, but"),
    "16 bits, then bytes": (lambda: trained(AS_FLOATS * 257, (1 / 65535,)), IMAGES, "from 0 to 255, but"),
}


@pytest.mark.parametrize("case", WRONG)
def test_images_in_another_range_than_the_training_images_are_warned_of_once_a_model(case):
    make, x, message = WRONG[case]
    model = make()
    with pytest.warns(RuntimeWarning, match=message) as caught:
        model.predict(x)
    assert len(caught) == 1 and caught[0].filename == __file__
    model.predict(x)  # a second warning would be an error here


@pytest.mark.parametrize(
    "use", ["predict", "evaluate", "fit", "validation_data", "forward", "Ensemble", "ShiftAverage"]
)
def test_every_way_of_asking_a_model_sees_the_range(use):
    model = on_bytes()
    ways = {
        "predict": lambda: model.predict(UNIT),
        "evaluate": lambda: model.evaluate(UNIT, LABELS),
        "fit": lambda: model.fit(UNIT, LABELS, verbose=0),
        "validation_data": lambda: model.fit(IMAGES, LABELS, validation_data=(UNIT, LABELS), verbose=0),
        "forward": lambda: model.forward(UNIT),
        "Ensemble": lambda: sc.Ensemble([model]).predict(UNIT),
        "ShiftAverage": lambda: sc.ShiftAverage(model).evaluate(UNIT, LABELS),
    }
    with pytest.warns(RuntimeWarning, match="from 0 to 1, but the model was trained on images from 0 to 255"):
        ways[use]()


def test_validation_images_in_another_range_are_seen_in_the_first_fit():
    model = compiled_network()
    with pytest.warns(RuntimeWarning, match="from 0 to 1, but the model was trained on images from 0 to 255"):
        model.fit(IMAGES, LABELS, validation_data=(UNIT, LABELS), verbose=0)


RIGHT = {
    "all black": (on_bytes, np.zeros_like(IMAGES)),
    "all black, as floats": (on_bytes, np.zeros_like(AS_FLOATS)),
    "all white": (on_bytes, np.full_like(AS_FLOATS, 255)),
    "dark": (on_bytes, IMAGES // 64),
    "dark, as floats": (on_bytes, np.floor(AS_FLOATS / 64)),
    "noise of a single unit": (on_bytes, (RANDOM.random(IMAGES.shape) < 0.01).astype(np.uint8)),
    "black and white": (on_bytes, np.where(IMAGES > 127, 255.0, 0.0)),
    "one pixel": (on_bytes, np.eye(1, 784).reshape(1, 28, 28)),
    "one image": (on_bytes, AS_FLOATS[:1]),
    "0.0 to 255.0": (on_bytes, AS_FLOATS),
    "64-bit integers": (on_bytes, IMAGES.astype(np.int64)),
    "inverted": (on_bytes, 255 - AS_FLOATS),
    "a little outside": (on_bytes, AS_FLOATS * 1.1 - 10),
    "noisy": (lambda: trained(UNIT), UNIT + RANDOM.normal(0, 0.1, UNIT.shape)),
    "a dim image": (lambda: trained(UNIT), UNIT[:1] / 10),
    "standardised": (lambda: trained(STANDARDISED), STANDARDISED[:1]),
    "from -1 to 1": (lambda: trained(SYMMETRIC), SYMMETRIC[:1]),
    "trained on dark bytes": (lambda: trained(IMAGES // 4, (1 / 255,)), AS_FLOATS),
    "trained on black images": (lambda: trained(np.zeros_like(IMAGES)), AS_FLOATS),
    "trained on raw bytes": (lambda: trained(IMAGES), AS_FLOATS),
    "0 and 1 as bytes": (lambda: trained((IMAGES > 127).astype(np.uint8)), IMAGES > 127),
}


@pytest.mark.parametrize("case", RIGHT)
def test_images_that_may_be_meant_are_taken_without_a_word(case):
    make, x = RIGHT[case]
    make().predict(x)  # warnings are errors


def test_an_untrained_model_takes_any_range_without_a_word():
    model = compiled_network()
    for x in (IMAGES, UNIT, SYMMETRIC):
        model.predict(x)


@pytest.mark.parametrize(
    ("x", "rescaling", "message"),
    [
        (UNIT, (1 / 255,), r"from 0 to 1, but starts .* divides them by 255; remove the Rescaling"),
        (UNIT, (1 / 127.5, -1), r"divides them by 127.5; remove the Rescaling, or give it images from 0 to 127.5"),
        (IMAGES, (1 / 65535,), r"from 0 to 255, but .* divides them by 65535"),
        (IMAGES > 127, (1 / 255,), r"from 0 to 1, but .* divides them by 255"),
        (AS_FLOATS * 257, (1 / 255,), r"from 0 to 65535, but .* divides them by 255; write Rescaling\(1 / 65535\)"),
    ],
)
def test_training_images_that_the_rescaling_cannot_be_meant_for_are_warned_of(x, rescaling, message):
    with pytest.warns(RuntimeWarning, match=message) as caught:
        trained(x, rescaling)
    assert len(caught) == 1


def test_the_advice_of_the_warnings_leads_to_the_answers_of_the_right_range():
    expected = on_bytes().predict(IMAGES)
    model = on_bytes()
    with pytest.warns(RuntimeWarning, match="multiply the images by 255"):
        model.predict(UNIT)
    np.testing.assert_allclose(model.predict(UNIT * 255), expected, atol=1e-6)
    model = trained(UNIT)
    with pytest.warns(RuntimeWarning, match="divide the images by 255"):
        model.predict(IMAGES)
    np.testing.assert_allclose(model.predict(IMAGES / 255), expected, atol=1e-6)
    trained(AS_FLOATS * 257, (1 / 65535,))  # "write Rescaling(1 / 65535)", without a warning


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
