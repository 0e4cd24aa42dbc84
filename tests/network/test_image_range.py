"""Right images, wrong numbers: a model that is asked about another range than it was trained on says so, once."""

import numpy as np
import pytest

import scratchcnn as sc
from support.image_ranges import AS_FLOATS, IMAGES, LABELS, RANDOM, SYMMETRIC, UNIT, on_bytes, trained
from support.small_networks import compiled_network

pytestmark = pytest.mark.usefixtures("reference")


STANDARDISED = (UNIT - UNIT.mean()) / UNIT.std()  # -0.4 to 2.8


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
