"""What a user may hand over: every layout and number type gives the same result, or an error that says what to do."""

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import all_arrays, compiled_network, random_images, small_network, some_digits

IMAGES, LABELS = random_images(12), np.arange(12) % 10
AS_FLOAT32 = IMAGES.astype(np.float32)


def with_gaps(x):
    """Return an equal array, not contiguous."""
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "uint8": IMAGES,
    "uint8 with gaps": with_gaps(IMAGES),
    "uint8, Fortran order": np.asfortranarray(IMAGES),
    "uint8, read-only": read_only(IMAGES),
    "uint8, backwards": IMAGES[::-1].copy()[::-1],
    "uint8, no channel axis": IMAGES[..., 0],
    "float32 with gaps": with_gaps(AS_FLOAT32),
    "float32, Fortran order": np.asfortranarray(AS_FLOAT32),
    "float32, read-only": read_only(AS_FLOAT32),
    "float32, big-endian": AS_FLOAT32.astype(">f4"),
    "float16": AS_FLOAT32.astype(np.float16),
    "float64": AS_FLOAT32.astype(np.float64),
    "int64": IMAGES.astype(np.int64),
    "nested lists": IMAGES.tolist(),
}
LABEL_LAYOUTS = {
    "int64": LABELS,
    "uint8": LABELS.astype(np.uint8),
    "big-endian": LABELS.astype(">i2"),
    "with gaps": np.repeat(LABELS, 2)[::2],
    "read-only": read_only(LABELS),
    "list": LABELS.tolist(),
}


def trained_on(x, y, **options):
    model = compiled_network(**options)
    model.fit(x, y, batch_size=5, verbose=0)
    return model


@pytest.mark.parametrize("layout", LAYOUTS)
def test_images_of_any_layout_give_the_bits_of_their_float32_copy_and_stay(layout):
    x = LAYOUTS[layout]
    before = np.array(x)
    model, expected = trained_on(x, LABELS), trained_on(AS_FLOAT32, LABELS)
    assert all_arrays(model) == all_arrays(expected)
    assert np.array_equal(model.predict(x), expected.predict(AS_FLOAT32))
    assert model.evaluate(x, LABELS) == expected.evaluate(AS_FLOAT32, LABELS)
    assert np.array_equal(np.asarray(x), before)


@pytest.mark.parametrize("layout", LABEL_LAYOUTS)
def test_labels_of_any_integer_type_give_the_same_bits_and_are_not_changed(layout):
    y = LABEL_LAYOUTS[layout]
    assert all_arrays(trained_on(AS_FLOAT32, y)) == all_arrays(trained_on(AS_FLOAT32, LABELS))
    assert np.array_equal(np.asarray(y), LABELS)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_forward_takes_any_layout_of_arrays(layout):
    model = small_network()
    np.testing.assert_array_equal(
        model.forward(np.asarray(LAYOUTS[layout])).copy(), model.forward(AS_FLOAT32), strict=True
    )


def test_a_model_without_rescaling_takes_uint8_as_numbers():
    def model():
        model = sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
        model.compile(sc.SGD(1e-6))
        model.fit(IMAGES if given_bytes else AS_FLOAT32, LABELS, verbose=0)
        return model

    given_bytes = True
    one = model()
    given_bytes = False
    assert all_arrays(one) == all_arrays(model())


def test_a_float64_model_takes_all_of_it_too():
    expected = small_network(dtype="float64").predict(AS_FLOAT32.astype(np.float64))
    for layout in ("uint8", "float32 with gaps", "int64"):
        np.testing.assert_array_equal(small_network(dtype="float64").predict(LAYOUTS[layout]), expected, strict=True)


def test_rows_of_numbers_go_into_a_network_of_dense_layers():
    model = sc.Sequential([sc.Dense(4)], input_shape=(3,))
    assert model.predict(np.ones((2, 3))).shape == (2, 4)
    with pytest.raises(ValueError, match=r"takes images \(N, 3\), got an array of shape \(3,\); one image alone needs"):
        model.predict(np.ones(3))


def nan_at(*position, value=np.nan):
    x = AS_FLOAT32.copy()
    x[position] = value
    return x


BAD_IMAGES = {
    "wrong rank": (
        IMAGES.reshape(12, 784),
        r"takes images \(N, 28, 28, 1\), got an array of shape \(12, 784\); .* pass x.reshape\(-1, 28, 28, 1\)",
    ),
    "one image alone": (IMAGES[0], r"got an array of shape \(28, 28, 1\); one image alone .* pass x\[np.newaxis\]"),
    "one flat image alone": (IMAGES[0, ..., 0], r"shape \(28, 28\); one image alone needs a batch axis"),
    "NCHW": (
        IMAGES.transpose(0, 3, 1, 2),
        r"\(12, 1, 28, 28\); channels come last here: pass x.transpose\(0, 2, 3, 1\)",
    ),
    "other size": (IMAGES[:, :20], r"\(12, 20, 28, 1\); build the model with input_shape=\(20, 28, 1\), or"),
    "a number": (5, r"got an array of shape \(\)"),
    "no images": (IMAGES[:0], r"there are no images: the array has shape \(0, 28, 28, 1\)"),
    "NaN": (nan_at(3, 20, 7, 0), r"images must be finite float32 numbers, but image 3 holds nan at \(20, 7, 0\)"),
    "infinity": (nan_at(11, 0, 0, 0, value=-np.inf), r"image 11 holds -inf at \(0, 0, 0\)"),
    "too large for float32": (AS_FLOAT32.astype(np.float64) * 1e200, "finite float32 numbers, but image 0 holds inf"),
    "complex": (IMAGES * 1j, "images must be real numbers, got an array of dtype complex128"),
    "text": (np.full((12, 28, 28), "7"), "images must be real numbers, got an array of dtype <U1"),
    "nothing": (None, "images must be an array of numbers, got None"),
}


@pytest.mark.parametrize("mistake", BAD_IMAGES)
def test_bad_images_end_in_an_error_before_any_work(mistake):
    x, message = BAD_IMAGES[mistake]
    model = compiled_network()
    before = all_arrays(model)
    for use in (
        lambda: model.fit(x, LABELS, verbose=0),
        lambda: model.evaluate(x, LABELS),
        lambda: model.predict(x),
        lambda: model.fit(IMAGES, LABELS, validation_data=(x, LABELS), verbose=0),
    ):
        with pytest.raises(ValueError, match=message):
            use()
    assert all_arrays(model) == before


def test_a_missing_channel_axis_of_colour_images_is_named():
    model = compiled_network(input_shape=(28, 28, 3))
    with pytest.raises(ValueError, match=r"takes images \(N, 28, 28, 3\), .* the last axis, 3 channels, is missing"):
        model.predict(np.zeros((5, 28, 28)))
    with pytest.raises(ValueError, match="channels come last here"):
        model.predict(np.zeros((5, 3, 28, 28)))


BAD_LABELS = {
    "too large": (np.where(LABELS == 7, 10, LABELS), r"between 0 and 9, .* 1 do not, the first is label 7: 10"),
    "negative": (LABELS - 1, "between 0 and 9, .* 2 do not, the first is label 0: -1"),
    "beyond int64": (LABELS.astype(np.uint64) + np.uint64(2**63), "between 0 and 9"),
    "floats": (LABELS.astype(np.float32), r"integers from 0 to 9, got dtype float32; pass y.astype\(int\)"),
    "truth values": (LABELS > 4, "integers from 0 to 9, got dtype bool"),
    "one-hot, of more classes": (np.eye(12)[LABELS], r"got one-hot rows \(12, 12\); pass y.argmax\(axis=1\)"),
    "a row": (LABELS[None], r"class numbers \(N,\), got an array of shape \(1, 12\); pass y.ravel\(\)"),
    "too few": (LABELS[:7], "one label for each image, got 12 images and 7 labels"),
    "too many": (np.append(LABELS, 1), "got 12 images and 13 labels"),
    "a number": (3, r"class numbers \(N,\), got an array of shape \(\)"),
}


@pytest.mark.parametrize("mistake", BAD_LABELS)
def test_bad_labels_end_in_an_error_before_any_work(mistake):
    y, message = BAD_LABELS[mistake]
    model = compiled_network()
    before = all_arrays(model)
    for use in (
        lambda: model.fit(IMAGES, y, verbose=0),
        lambda: model.evaluate(IMAGES, y),
        lambda: model.fit(IMAGES, LABELS, validation_data=(IMAGES, y), verbose=0),
    ):
        with pytest.raises(ValueError, match=message):
            use()
    assert all_arrays(model) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": -1}, "epochs must be at least 0, got -1"),
        ({"epochs": 1.5}, "epochs must be an integer, got 1.5"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"batch_size": "32"}, "batch_size must be an integer, got '32'"),
        ({"initial_epoch": -2}, "initial_epoch must be at least 0, got -2"),
        ({"validation_split": 1.0}, "validation_split must be a fraction between 0 and 1 .* got 1.0 with 12 samples"),
        ({"validation_split": 0.01}, "leaves samples on both sides, got 0.01 with 12 samples"),
        ({"validation_split": 5}, "validation_split must be a fraction"),
        (
            {"validation_split": 0.5, "validation_data": (IMAGES, LABELS)},
            "validation_data or validation_split, not both",
        ),
        ({"validation_data": IMAGES}, r"validation_data must be \(images, labels\)"),
        ({"verbose": 3}, 'verbose must be 0, 1, 2 or "auto", got 3'),
        ({"callbacks": [print]}, "callbacks must be Callback objects, got <built-in function print>"),
    ],
)
def test_meaningless_arguments_of_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        compiled_network().fit(IMAGES, LABELS, **arguments)


def test_training_and_measuring_need_a_compiled_model_and_predicting_does_not():
    model = small_network()
    with pytest.raises(RuntimeError, match=r"not compiled; call model.compile.* before fit"):
        model.fit(IMAGES, LABELS)
    with pytest.raises(RuntimeError, match=r"not compiled; call model.compile.* before evaluate"):
        model.evaluate(IMAGES, LABELS)
    assert model.predict(IMAGES).shape == (12, 10)


def test_a_layer_used_before_it_is_built_says_so():
    with pytest.raises(RuntimeError, match="has not been built"):
        sc.Dense(3).forward(np.zeros((1, 4), np.float32))


def test_a_model_without_parameters_has_nothing_to_train():
    model = sc.Sequential([sc.Flatten()], input_shape=(2, 5))
    model.compile()
    with pytest.raises(ValueError, match="nothing to train: the model has no parameters"):
        model.fit(np.zeros((3, 2, 5)), [0, 1, 2])


def test_the_last_batch_may_be_of_one_image_and_a_batch_larger_than_the_data():
    images, labels = some_digits(9)
    for batch_size in (8, 9, 1000):
        history = compiled_network().fit(images, labels, batch_size=batch_size, validation_split=0, verbose=0)
        assert np.isfinite(history.history["loss"][0])
    assert compiled_network().evaluate(images, labels, batch_size=8)[0] > 0
