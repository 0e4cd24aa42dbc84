"""Wrong advice: what a message tells the user to do is done here, on what the user holds, and ends well."""

import numpy as np
import pytest

from support.advice import IMAGES, LABELS, Frame, Sparse, Tensor, follow, network

pytestmark = pytest.mark.usefixtures("reference")


FLOATS = IMAGES.astype(np.float64)


COLOURS = np.stack([IMAGES] * 3, axis=-1)


RGBA = np.stack([IMAGES] * 4, axis=-1)


GREY = {
    "flattened": IMAGES.reshape(20, 784),
    "flattened, a DataFrame": Frame(IMAGES.reshape(20, 784)),
    "flattened, lists": IMAGES.reshape(20, 784).tolist(),
    "flattened, in columns": IMAGES.reshape(20, 784).T,
    "channels first": IMAGES[:, np.newaxis],
    "channels first, a tensor": Frame(IMAGES[:, np.newaxis]),
    "channels first, lists": IMAGES[:, np.newaxis].tolist(),
    "a tensor with a gradient": Tensor(FLOATS),
    "a tensor with a gradient, channels first": Tensor(FLOATS[:, np.newaxis]),
    "a tensor on a device": Tensor(FLOATS, on_device=True),
    "tensors in a list": [Tensor(image) for image in FLOATS],
    "an axis too many": IMAGES[:, :, np.newaxis, :, np.newaxis],
    "a leading axis": IMAGES[np.newaxis],
    "numbered by the last axis": IMAGES.transpose(1, 2, 0),
    "numbered by the last axis, with channels": IMAGES.transpose(1, 2, 0)[:, :, np.newaxis],
    "colours": COLOURS,
    "colours, a tensor": Frame(COLOURS),
    "colours, lists": COLOURS.tolist(),
    "colours and transparency": RGBA,
    "grey and transparency": COLOURS[..., :2],
    "colours, channels first": COLOURS.transpose(0, 3, 1, 2),
    "a Series of arrays": Frame(np.array([*IMAGES, None], object)[:-1]),
    "objects": IMAGES.astype(object),
    "text": IMAGES.astype(str),
    "text in lists": IMAGES.astype(str).tolist(),
    "sparse": Sparse(IMAGES.reshape(20, 784)),
    "masked": np.ma.masked_array(IMAGES, IMAGES == 0),
    "a generator": (image for image in IMAGES),
    "a map": map(np.asarray, IMAGES),
    "an iterator": iter(IMAGES),
    "in one row": IMAGES.ravel(),
    "a bytearray": bytearray(IMAGES.tobytes()),
    "fields": np.rec.fromarrays([IMAGES], names="image"),
}


@pytest.mark.parametrize("case", GREY)
def test_advice_about_images_leads_to_a_training_on_the_same_numbers(case):
    x, _ = follow(network(), GREY[case], LABELS)
    np.testing.assert_allclose(np.asarray(x, np.float64).reshape(20, 28, 28), IMAGES)


ONE_IMAGE = {
    "alone": IMAGES[0],
    "alone, a list": IMAGES[0].tolist(),
    "alone, a picture": Frame(IMAGES[0]),
    "alone, with channels": IMAGES[0, ..., np.newaxis],
    "alone, flattened": IMAGES[0].ravel(),
    "alone, with colours": COLOURS[0],
    "alone, with transparency": Frame(RGBA[0]),
}


@pytest.mark.parametrize("case", ONE_IMAGE)
def test_advice_about_one_image_leads_to_a_batch_of_one(case):
    x, y = follow(network(), ONE_IMAGE[case], 3)
    np.testing.assert_allclose(np.asarray(x, np.float64).reshape(28, 28), IMAGES[0])
    assert y.tolist() == [3]


IN_COLOUR = {
    "grey": IMAGES,
    "grey, lists": IMAGES.tolist(),
    "grey, with channels": IMAGES[..., np.newaxis],
    "grey, channels first": Frame(IMAGES[:, np.newaxis]),
    "one grey image": IMAGES[:1].reshape(28, 28),
    "transparency": RGBA,
    "one image with transparency": RGBA[0],
    "channels first": COLOURS.transpose(0, 3, 1, 2),
    "one, channels first": COLOURS[0].transpose(2, 0, 1),
    "numbered by the last axis": COLOURS.transpose(1, 2, 3, 0),
}


@pytest.mark.parametrize("case", IN_COLOUR)
def test_advice_to_who_has_a_network_for_colours_leads_to_three_channels(case):
    x, _ = follow(network((28, 28, 3)), IN_COLOUR[case], LABELS if "one" not in case else LABELS[:1])
    np.testing.assert_allclose(np.asarray(x), COLOURS[: len(x)])


def test_advice_about_height_and_width_leads_to_images_of_the_right_size():
    for wide, shape in ((IMAGES[:, :20], (28, 20, 1)), (COLOURS[:, :20], (28, 20, 3))):
        x, _ = follow(network(shape), wide, LABELS)
        np.testing.assert_array_equal(x, np.swapaxes(wide, 1, 2))


def test_advice_about_images_of_another_size_names_the_input_shape_that_takes_them():
    with pytest.raises(ValueError, match=r"build the model with input_shape=\(20, 28, 3\)"):
        network().fit(COLOURS[:, :20], LABELS)
    network((20, 28, 3)).fit(COLOURS[:, :20], LABELS, verbose=0)
