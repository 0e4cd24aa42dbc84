"""Wrong advice: what a message tells the user to do is done here, on what the user holds, and ends well."""

import re

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import some_digits

IMAGES, LABELS = some_digits(20)[0], np.arange(20, dtype=np.uint8) % 10  # (20, 28, 28), and each of the ten classes
FLOATS = IMAGES.astype(np.float64)
COLOURS = np.stack([IMAGES] * 3, axis=-1)
RGBA = np.stack([IMAGES] * 4, axis=-1)
NAMES = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])[LABELS]


class Frame:
    """What a DataFrame, a Series or a tensor of another library is to NumPy: an object that can become an array."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype)

    def __len__(self):
        return len(self.array)

    def __iter__(self):
        return iter(self.array)


class Tensor(Frame):
    """A tensor that refuses to become an array before it is detached and brought to the CPU."""

    def __init__(self, array, on_device=False, detached=False):
        super().__init__(array)
        self.on_device, self.detached = on_device, detached
        self.shape = self.array.shape

    def __array__(self, dtype=None, copy=None):
        if self.on_device:
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor")
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    def detach(self):
        return Tensor(self.array, self.on_device, True)

    def cpu(self):
        return Tensor(self.array, False, self.detached)

    def numpy(self):
        assert self.detached and not self.on_device
        return self.array


class Sparse:
    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def toarray(self):
        return self.array


@pytest.fixture(autouse=True)
def plain_numpy():
    with sc.ops.using("reference"):
        yield


def network(input_shape=(28, 28, 1), classes=10):
    model = sc.Sequential([sc.Flatten(), sc.Dense(classes)], input_shape=input_shape)
    model.compile(sc.SGD(1e-9))
    return model


def follow(model, x, y):
    """Train as somebody would who does what each message says; return what was passed in the end."""
    for _ in range(4):
        try:
            model.fit(x, y, verbose=0)
            return x, y
        except ValueError as error:
            message = str(error)
            advice = re.search(r"\bpass (.+)$", message)
            assert advice is not None, message
            value = eval(advice[1], {"np": np, "sc": sc, "x": x, "y": y})
            x, y = (x, value) if message.startswith("labels") else (value, y)
    raise AssertionError("following the advice does not end")


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


CLASSES = {
    "one-hot": np.eye(10)[LABELS],
    "one-hot, integers": np.eye(10, dtype=int)[LABELS],
    "one-hot, truth values": np.eye(10, dtype=bool)[LABELS],
    "one-hot, a DataFrame": Frame(np.eye(10)[LABELS]),
    "one-hot, lists": np.eye(10)[LABELS].tolist(),
    "one-hot, sparse": Sparse(np.eye(10)[LABELS]),
    "one-hot, a column too many": np.eye(11)[LABELS],
    "a column": LABELS[:, np.newaxis],
    "a column, a DataFrame": Frame(LABELS[:, np.newaxis]),
    "a column, lists": LABELS[:, np.newaxis].tolist(),
    "a column of floats": LABELS[:, np.newaxis].astype(float),
    "a row": LABELS[np.newaxis],
    "floats": LABELS.astype(float),
    "floats, a list": LABELS.astype(float).tolist(),
    "floats, a Series": Frame(LABELS.astype(float)),
    "objects": LABELS.astype(object),
    "digits as text": LABELS.astype(str),
    "digits as text in a list": LABELS.astype(str).tolist(),
    "from 1": LABELS + 1,
    "from 1, unsigned": (LABELS + 1).astype(np.uint8),
    "from 1, a list": (LABELS + 1).tolist(),
    "from 1, a Series": Frame(LABELS + 1),
    "with gaps": 10 * LABELS.astype(int) + 7,
    "with gaps, a list": (10 * LABELS.astype(int)).tolist(),
    "negative": LABELS.astype(int) - 1,
    "a tensor": Tensor(LABELS.astype(int), on_device=True),
    "a generator": (int(label) for label in LABELS),
}


@pytest.mark.parametrize("case", CLASSES)
def test_advice_about_labels_leads_to_the_same_classes(case):
    _, y = follow(network(), IMAGES, CLASSES[case])
    np.testing.assert_array_equal(y, LABELS)


def test_advice_about_names_as_labels_numbers_them_in_their_order():
    for names in (NAMES, NAMES.tolist(), Frame(NAMES.astype(object))):
        _, y = follow(network(), IMAGES, names)
        np.testing.assert_array_equal(y, np.searchsorted(np.unique(NAMES), NAMES))


def test_advice_about_two_classes_takes_truth_values_and_signs():
    truth = LABELS > 4
    for labels in (truth, np.where(truth, 1, -1), np.where(truth, "yes", "no"), truth.tolist()):
        _, y = follow(network(classes=2), IMAGES, labels)
        np.testing.assert_array_equal(y, truth)


TOO_MANY = {"integers": LABELS + 5, "one-hot": np.eye(15)[LABELS + 5]}


@pytest.mark.parametrize("case", TOO_MANY)
def test_advice_about_too_few_outputs_names_as_many_as_the_labels_need(case):
    y = TOO_MANY[case]
    y = np.concatenate([y[:-1], [0]]) if y.ndim == 1 else np.concatenate([y[:-1], np.eye(15)[:1]])
    with pytest.raises(ValueError, match=r"end .* with Dense\(15\)") as error:
        network().fit(IMAGES, y)
    assert "unique" not in str(error.value)
    follow(network(classes=15), IMAGES, y)


NO_ADVICE = {
    "soft targets": (np.full((20, 10), 0.1), "rows .* of probabilities, not one class each"),
    "smoothed targets": (0.9 * np.eye(10)[LABELS] + 0.01, "rows .* of probabilities, not one class each"),
    "several labels": (np.eye(10)[LABELS] + np.eye(10)[(LABELS + 1) % 10], "20 do not hold one 1: not one class each"),
    "no label in a row": (np.eye(10)[LABELS] * (LABELS > 0)[:, np.newaxis], "do not hold one 1: not one class each"),
    "scores": (np.arange(200.0).reshape(20, 10), r"an array of shape \(20, 10\)$"),
    "ages": (LABELS + 0.5, "dtype float64: label 0 is .*5$"),
    "a missing label": (np.where(LABELS == 3, np.nan, LABELS), "label .* is nan"),
    "dates": (np.array(LABELS, "datetime64[D]"), r"dtype datetime64\[D\]$"),
    "complex": (LABELS * 1j, "dtype complex128$"),
    "more names than classes": (np.array([f"name {i}" for i in range(20)]), "dtype <U7$"),
    "more gaps than classes": (np.arange(20) * 1_000_000, "first is label 1: 1000000$"),
    "images": (IMAGES, r"shape \(20, 28, 28\); images come first, labels second"),
    "no labels": ([], "got 20 images and 0 labels$"),
    "nothing": (None, "labels must be an array of numbers, got None"),
    "a mapping": ({}, "got a dict with the keys none"),
    "a set": ({1, 2}, "got a set, which has no order"),
    "rows of different length": ([[1], [1, 2]] * 10, r"its parts have different shapes: \(1,\), \(2,\)"),
    "masked": (np.ma.masked_array(LABELS, LABELS == 3), "masked values; leave these samples out"),
}


@pytest.mark.parametrize("case", NO_ADVICE)
def test_labels_that_no_line_of_code_can_mend_are_called_what_they_are(case):
    y, message = NO_ADVICE[case]
    with pytest.raises(ValueError, match=message) as error:
        network().fit(IMAGES, y)
    assert "argmax" not in str(error.value) and " pass " not in str(error.value)


def test_advice_about_masked_labels_leaves_these_samples_out():
    y, x = np.ma.masked_array(LABELS, LABELS == 3), IMAGES
    with pytest.raises(ValueError, match=r"out: y.compressed\(\), x\[~np.ma.getmaskarray\(y\)\]"):
        network().fit(x, y)
    network().fit(x[~np.ma.getmaskarray(y)], y.compressed(), verbose=0)


NO_IMAGES = {
    "ragged": ([IMAGES[0], IMAGES[1, :20]], r"different shapes: \(20, 28\), \(28, 28\); make them of one"),
    "ragged lists": ([[[1, 2], [3]], [[1, 2]]], "the rows must all be of one length"),
    "dates": (IMAGES.astype("datetime64[D]"), r"real numbers, got an array of dtype datetime64\[D\]$"),
    "complex": (IMAGES * 1j, "real numbers, got an array of dtype complex128$"),
    "words": (["a cat", "a dog"], "real numbers, got an array of dtype <U5$"),
    "no file": ("no such file.npy", "got the text 'no such file.npy'$"),
    "bytes": (b"\x89PNG", r"real numbers, got an array of dtype \|S4$"),
    "labels": (LABELS, r"shape \(20,\); images come first, labels second; these look like labels"),
    "a function": (np.asarray, "dtype object: a builtin_function_or_method is none$"),
    "pairs": (zip(IMAGES, LABELS, strict=True), "got a zip; images and labels are two arguments$"),
    "nothing in a list": ([], r"shape \(0,\); it is empty"),
}


@pytest.mark.parametrize("case", NO_IMAGES)
def test_what_is_no_image_is_called_what_it_is(case):
    x, message = NO_IMAGES[case]
    with pytest.raises(ValueError, match=message):
        network().fit(x, LABELS)


def test_advice_about_a_pair_or_a_mapping_leads_to_its_parts():
    pair, mapping = (IMAGES, LABELS), {"image": IMAGES, "label": LABELS}
    with pytest.raises(ValueError, match=r"pass images and labels as two arguments: x\[0\], x\[1\]"):
        network().predict(pair)
    with pytest.raises(ValueError, match=r"a dict with the keys 'image', 'label'; pass one of its values: x\[key\]"):
        network().predict(mapping)
    network().fit(pair[0], mapping["label"], verbose=0)


def test_advice_about_names_of_files_reads_them(tmp_path):
    np.save(tmp_path / "images.npy", IMAGES)
    sc.data.write_idx(tmp_path / "train-images-idx3-ubyte.gz", IMAGES)
    sc.data.write_idx(tmp_path / "labels.idx1-ubyte", LABELS)
    for file in ("images.npy", "train-images-idx3-ubyte.gz"):
        x, y = follow(network(), tmp_path / file, str(tmp_path / "labels.idx1-ubyte"))
        assert np.array_equal(x, IMAGES) and np.array_equal(y, LABELS)


def small_model(*layers, input_shape=(6, 6, 1)):
    model = sc.Sequential(layers or [sc.Flatten(), sc.Dense(3)], input_shape=input_shape)
    model.compile(sc.SGD(0.01))
    return model


X, Y = np.random.default_rng(0).normal(size=(12, 6, 6, 1)).astype(np.float32), np.arange(12) % 3


def fit(model=None, **options):
    return (model or small_model()).fit(X, Y, verbose=0, **options)


def uncompiled():
    return sc.Sequential([sc.Flatten(), sc.Dense(3)], input_shape=(6, 6, 1))


def compiled_as_told():
    model = uncompiled()
    model.compile(optimizer=sc.Adam(1e-3))
    return model


class OwnLoss(sc.SoftmaxCrossEntropy):
    pass


class OwnLayer(sc.ReLU):
    pass


def saved(folder, model, **options):
    model.save(folder / "model.npz", **options)
    return folder / "model.npz"


def with_own_loss():
    model = small_model()
    model.compile(sc.SGD(0.01), OwnLoss())
    return model


VECTOR, GAPS = np.ones(8, np.float32), np.ones(16, np.float32)[::2]
ELSEWHERE = {  # what is done wrong, what the message says, and that done as it says
    "a class for a layer": (
        lambda _: small_model(sc.Flatten),
        r"is the class Flatten; write Flatten\(...\)",
        lambda _: small_model(sc.Flatten(), sc.Dense(3)),
    ),
    "no Flatten before Dense": (
        lambda _: small_model(sc.Conv2D(2, 3), sc.Dense(3)),
        "put a Flatten before it",
        lambda _: small_model(sc.Conv2D(2, 3), sc.Flatten(), sc.Dense(3)),
    ),
    "a convolution after Flatten": (
        lambda _: small_model(sc.Flatten(), sc.Conv2D(2, 3), sc.Dense(3)),
        "put it before Flatten",
        lambda _: small_model(sc.Conv2D(2, 3), sc.Flatten(), sc.Dense(3)),
    ),
    "images without channels": (
        lambda _: small_model(sc.Conv2D(2, 3), sc.Flatten(), sc.Dense(3), input_shape=(6, 6)),
        r"input_shape be \(height, width, channels\), such as \(28, 28, 1\)",
        lambda _: small_model(sc.Conv2D(2, 3), sc.Flatten(), sc.Dense(3), input_shape=(6, 6, 1)),
    ),
    "a window too large": (
        lambda _: small_model(sc.Conv2D(2, 9), sc.Flatten(), sc.Dense(3)),
        'take a smaller window, .* or padding="same"',
        lambda _: small_model(sc.Conv2D(2, 9, padding="same"), sc.Flatten(), sc.Dense(3)),
    ),
    "no end": (
        lambda _: fit(small_model(sc.Conv2D(3, 3))),
        "end with a Flatten, or a GlobalAveragePool2D, and a Dense",
        lambda _: fit(small_model(sc.Conv2D(3, 3), sc.GlobalAveragePool2D(), sc.Dense(3))),
    ),
    "no end of rows": (
        lambda _: small_model(sc.ReLU(), input_shape=(6, 1)),
        "end with a Flatten and a Dense",
        lambda _: small_model(sc.ReLU(), sc.Flatten(), sc.Dense(3), input_shape=(6, 1)),
    ),
    "the name of an optimizer": (
        lambda _: uncompiled().compile("adam"),
        r"an object such as Adam\(1e-3\)",
        lambda _: uncompiled().compile(sc.Adam(1e-3)),
    ),
    "the name of a loss": (
        lambda _: uncompiled().compile(loss="sparse_categorical_crossentropy"),
        r"an object such as SoftmaxCrossEntropy\(\)",
        lambda _: uncompiled().compile(loss=sc.SoftmaxCrossEntropy()),
    ),
    "not compiled": (
        lambda _: fit(uncompiled()),
        r"call model.compile\(optimizer=Adam\(1e-3\)\) before fit",
        lambda _: fit(compiled_as_told()),
    ),
    "an augmentation's name": (
        lambda _: fit(augmentation="rotation"),
        r"an object such as Augmentation\(rotation=10\)",
        lambda _: fit(augmentation=sc.data.Augmentation(rotation=10)),
    ),
    "one image to distort": (
        lambda _: sc.data.Augmentation(rotation=10)(X[0, ..., 0]),
        r"pass x\[np.newaxis\]",
        lambda _: sc.data.Augmentation(rotation=10)(X[0, ..., 0][np.newaxis]),
    ),
    "a list for one image to distort": (
        lambda _: sc.data.Augmentation(rotation=10)(X[0, ..., 0].tolist()),
        r"pass np.asarray\(x\)\[np.newaxis\]",
        lambda _: sc.data.Augmentation(rotation=10)(np.asarray(X[0, ..., 0].tolist())[np.newaxis]),
    ),
    "no validation": (
        lambda _: fit(callbacks=[sc.callbacks.EarlyStopping()]),
        "pass validation_data or validation_split",
        lambda _: fit(callbacks=[sc.callbacks.EarlyStopping()], validation_split=0.25),
    ),
    "validation twice": (
        lambda _: fit(validation_split=0.25, validation_data=(X, Y)),
        "pass validation_data or validation_split, not both",
        lambda _: fit(validation_data=(X, Y)),
    ),
    "a callback's class": (
        lambda _: fit(callbacks=[sc.callbacks.EarlyStopping]),
        r"write EarlyStopping\(...\)",
        lambda _: fit(callbacks=[sc.callbacks.EarlyStopping("loss")]),
    ),
    "a loss that cannot be saved": (
        lambda folder: saved(folder, with_own_loss()),
        r"save\(path, include_optimizer=False\)",
        lambda folder: sc.load_model(saved(folder, with_own_loss(), include_optimizer=False)),
    ),
    "a layer that is not known": (
        lambda folder: sc.load_model(saved(folder, small_model(OwnLayer(), sc.Flatten(), sc.Dense(3)))),
        "pass your own in custom_layers",
        lambda folder: sc.load_model(folder / "model.npz", custom_layers=[OwnLayer]),
    ),
    "gradients with gaps": (
        lambda _: sc.SGD(0.1).step(VECTOR.copy(), GAPS),
        r"pass np.ascontiguousarray\(gradients\)",
        lambda _: sc.SGD(0.1).step(VECTOR.copy(), np.ascontiguousarray(GAPS)),
    ),
    "nothing to look ahead for": (
        lambda _: sc.SGD(0.1, nesterov=True),
        "pass for example momentum=0.9",
        lambda _: sc.SGD(0.1, nesterov=True, momentum=0.9),
    ),
    "a number for a regularizer": (
        lambda _: sc.Dense(3, kernel_regularizer=0.01),
        r"write kernel_regularizer=sc.regularizers.L2\(0.01\)",
        lambda _: sc.Dense(3, kernel_regularizer=sc.regularizers.L2(0.01)),
    ),
    "an element type that IDX has not": (
        lambda folder: sc.data.write_idx(folder / "labels", Y.astype(np.int64)),
        "convert the array to one of .*int32",
        lambda folder: sc.data.write_idx(folder / "labels", Y.astype(np.int64).astype("int32")),
    ),
    "a data set's name": (
        lambda _: sc.data.load_data("MNIST digits"),
        "choose one of .*digits",
        lambda _: sc.data.load_data("digits"),
    ),
    "an initializer's name": (
        lambda _: sc.Dense(3, kernel_initializer="xavier"),
        "choose one of .*glorot_uniform",
        lambda _: sc.Dense(3, kernel_initializer="glorot_uniform"),
    ),
    "all frozen": (
        lambda _: fit(frozen()),
        "or all: model.trainable = True",
        lambda _: fit(thawed()),
    ),
}


def frozen():
    model = small_model()
    model.trainable = False
    return model


def thawed():
    model = frozen()
    model.trainable = True
    return model


@pytest.mark.parametrize("case", ELSEWHERE)
def test_advice_of_every_other_message_ends_well_when_it_is_followed(case, tmp_path):
    wrong, message, as_told = ELSEWHERE[case]
    with pytest.raises((ValueError, RuntimeError), match=message):
        wrong(tmp_path)
    as_told(tmp_path)
