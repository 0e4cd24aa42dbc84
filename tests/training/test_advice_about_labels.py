"""Wrong advice about labels and what is no image: what a message says is done here, and ends well."""

import numpy as np
import pytest

import scratchcnn as sc
from support.advice import IMAGES, LABELS, Frame, Sparse, Tensor, follow, network

pytestmark = pytest.mark.usefixtures("reference")


NAMES = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])[LABELS]


WELCOME = {
    "one-hot": np.eye(10)[LABELS],
    "one-hot, integers": np.eye(10, dtype=int)[LABELS],
    "one-hot, truth values": np.eye(10, dtype=bool)[LABELS],
    "one-hot, a DataFrame": Frame(np.eye(10)[LABELS]),
    "one-hot, lists": np.eye(10)[LABELS].tolist(),
    "a column": LABELS[:, np.newaxis],
    "a column, a DataFrame": Frame(LABELS[:, np.newaxis]),
    "a column, lists": LABELS[:, np.newaxis].tolist(),
}


@pytest.mark.parametrize("case", WELCOME)
def test_one_hot_labels_and_labels_in_a_column_train_the_same_network(case):
    given, expected = network(), network()
    given.fit(IMAGES, WELCOME[case], validation_data=(IMAGES, WELCOME[case]), verbose=0)
    expected.fit(IMAGES, LABELS, validation_data=(IMAGES, LABELS), verbose=0)
    np.testing.assert_array_equal(given.parameters, expected.parameters)
    assert given.history.history == expected.history.history
    assert given.evaluate(IMAGES, WELCOME[case]) == expected.evaluate(IMAGES, LABELS)


CLASSES = {
    "one-hot, a column too many": np.eye(11)[LABELS],
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


def test_advice_about_sparse_rows_makes_an_array_of_them():
    _, y = follow(network(), IMAGES, Sparse(np.eye(10)[LABELS]))
    np.testing.assert_array_equal(y, np.eye(10)[LABELS])


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
    "soft targets of other classes": (np.full((20, 5), 0.2), "rows .* of probabilities, not one class each"),
    "several labels": (np.eye(10)[LABELS] + np.eye(10)[(LABELS + 1) % 10], "20 do not hold one 1: not one class each"),
    "no label in a row": (np.eye(10)[LABELS] * (LABELS > 0)[:, np.newaxis], "do not hold one 1: not one class each"),
    "scores": (np.arange(200.0).reshape(20, 10), r"y\[0\], \[0.0, .*\], which adds up to 45$"),
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
