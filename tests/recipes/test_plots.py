"""Pictures: they can be drawn without a display, and show the numbers they are given."""

import subprocess
import sys

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import plots
from scratchcnn.training.learning_rate_search import LearningRateSearch
from scratchcnn.training.loop import History
from support.small_networks import some_digits

IMAGES, LABELS = some_digits(10)
PROBABILITIES = np.full((10, 10), 0.05) + 0.5 * np.eye(10)[(LABELS + (LABELS == 3)) % 10]  # each 3 is taken for a 4


def a_history():
    history = History()
    for epoch in range(3):
        history.append(epoch, {"loss": 1.0 / (epoch + 1), "accuracy": 0.5, "val_loss": 2.0, "val_accuracy": 0.25})
    return history


def drawn(figure, path):
    """Write the figure and return its text."""
    figure.savefig(path / "figure.png")
    assert (path / "figure.png").read_bytes().startswith(b"\x89PNG")
    axes = figure.get_axes()
    return [ax.get_title() for ax in axes] + [text.get_text() for ax in axes for text in ax.texts]


def test_learning_curves_show_training_and_validation_by_epoch(tmp_path):
    figure = plots.learning_curves(a_history())
    drawn(figure, tmp_path)
    loss, accuracy = figure.get_axes()
    assert [line.get_ydata().tolist() for line in loss.lines] == [[1, 1 / 2, 1 / 3], [2, 2, 2]]
    assert [line.get_xdata().tolist() for line in accuracy.lines] == [[1, 2, 3], [1, 2, 3]]
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")


def test_learning_curves_of_nothing_say_so(tmp_path):
    assert drawn(plots.learning_curves(History()), tmp_path) == ["", "", "no epoch yet", "no epoch yet"]


def test_a_single_batch_is_a_point_in_the_middle_of_its_epoch():
    history = History()
    history.append(0, {"loss": 2.0, "accuracy": 0.5})
    history.batch_losses[0] = [2.0]
    (axes,) = plots.learning_curves(history).get_axes()
    assert axes.lines[0].get_xydata().tolist() == [[0.5, 2.0]] and axes.lines[0].get_marker() == "."
    assert axes.get_xlim()[0] <= 0


def test_learning_curves_of_a_regression_show_its_loss_alone():
    history = History()
    history.append(0, {"loss": 1.0})
    (axes,) = plots.learning_curves(history).get_axes()
    assert axes.get_ylabel() == "loss"


def test_a_learning_rate_search_shows_losses_their_trend_and_the_suggestion(tmp_path):
    search = LearningRateSearch([0.001, 0.01, 0.1, 1.0], [2.0, 1.0, 0.5, 9.0], [2.0, 1.5, 1.25, 3.0])
    figure = plots.learning_rate_search(search)
    drawn(figure, tmp_path)
    (axes,) = figure.get_axes()
    assert [list(line.get_ydata()) for line in axes.lines[:2]] == [search.losses, search.smoothed_losses]
    assert axes.lines[2].get_xdata()[0] == search.suggestion == (0.001 + 0.01) / 3
    assert axes.get_xscale() == "log"


def test_predictions_show_the_answer_and_where_it_is_wrong_the_label(tmp_path):
    titles = drawn(plots.predictions(IMAGES, PROBABILITIES, LABELS, columns=4), tmp_path)
    assert titles == ["4 (55%), is 3" if label == 3 else f"{label} (55%)" for label in LABELS]
    assert drawn(plots.predictions(IMAGES[:1, ..., None], PROBABILITIES[:1]), tmp_path) == [
        f"{PROBABILITIES[0].argmax()} (55%)"
    ]
    with pytest.raises(ValueError, match="as many images as rows of probabilities"):
        plots.predictions(IMAGES, PROBABILITIES[:3])


def test_a_picture_does_not_call_nan_a_class():
    probabilities = np.full((2, 3), 1 / 3)
    probabilities[0] = np.nan
    figure = plots.predictions(IMAGES[:2], probabilities, [0, 0])
    assert [axes.get_title() for axes in figure.get_axes()] == ["NaN, is 0", "0 (33%)"]


def test_augmented_images_stand_in_a_row_beside_their_original(tmp_path):
    augmentation = sc.data.Augmentation(rotation=10, elastic=(34, 4))
    figure = plots.augmented(augmentation, IMAGES[:3], copies=4, seed=7)
    drawn(figure, tmp_path)
    shown = [axes.images[0].get_array() for axes in figure.get_axes()]
    assert len(shown) == 3 * (1 + 4)
    np.testing.assert_array_equal(shown[::5], IMAGES[:3])
    np.testing.assert_array_equal(shown[6:10], augmentation(np.repeat(IMAGES[:3], 4, axis=0), seed=7)[4:8])


def test_confusion_matrix_counts_labels_in_rows_and_answers_in_columns(tmp_path):
    labels, answers = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1])
    assert plots.confusion_counts(labels, answers).tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]
    assert sorted(filter(None, drawn(plots.confusion_matrix(labels, answers), tmp_path))) == ["1", "1", "1", "1"]
    with pytest.raises(ValueError, match="labels and predicted must lie between 0 and 1, got 2; see classes"):
        plots.confusion_counts(labels, answers, classes=2)
    assert plots.confusion_counts([], []).tolist() == [[0]]
    with pytest.raises(
        ValueError, match=r"1,000,000,001 classes is too large.*np.unique\(labels, return_inverse=True\)"
    ):
        plots.confusion_counts([10**9], [0])
    with pytest.raises(
        ValueError, match=r"a picture of 1,000 classes is too large, at most 200 fit; .*confusion_counts"
    ):
        plots.confusion_matrix([999], [0])
    assert plots.confusion_counts([999], [0]).shape == (1000, 1000)


def test_kernels_are_drawn_one_by_one_on_a_common_scale(tmp_path):
    kernel = np.arange(2 * 2 * 3 * 5, dtype=np.float32).reshape(2, 2, 3, 5)
    figure = plots.kernels(kernel)
    drawn(figure, tmp_path)
    images = [axes.images[0] for axes in figure.get_axes() if axes.images]  # the colour bar has none
    assert len(images) == 5
    np.testing.assert_allclose(images[4].get_array(), kernel[..., 4].mean(axis=2))
    assert {image.get_clim() for image in images} == {images[0].get_clim()}
    with pytest.raises(ValueError, match=r"kernel must be the kernel \(KH, KW, C, F\) .*got the shape \(3, 4\)"):
        plots.kernels(np.zeros((3, 4)))


def test_a_digit_in_the_terminal_stands_beside_the_probabilities():
    image = np.zeros((28, 28, 1), np.uint8)
    image[:, 14] = 255
    lines = plots.ascii_digit(image, [0.0, 0.9, 0.1] + 7 * [0.0]).split("\n")
    assert len(lines) == 14
    assert all(line[14] == "@" and line[:14].isspace() for line in lines)
    assert lines[3][28:].strip() == "1  ██████████████████    90.00% <"
    assert lines[4][28:].strip() == "2  ██                    10.00%"


def test_more_classes_than_lines_and_an_empty_image_fit_too():
    lines = plots.ascii_digit(np.zeros((4, 6)), np.full(26, 1 / 26)).split("\n")
    assert len(lines) == 26
    assert lines[25].strip().startswith("25 ")


def test_matplotlib_is_imported_by_the_first_picture_and_pyplot_never():
    program = """
import sys, scratchcnn as sc
assert "matplotlib" not in sys.modules
sc.plots.learning_curves(sc.History())
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=sc.__path__[0] + "/..")


WRONG = {
    "a row": (
        lambda: plots.ascii_digit(np.ones(784), [0.5]),
        r"image must be an image \(H, W\) or \(H, W, 1\), got the",
    ),
    "no chances": (
        lambda: plots.ascii_digit(IMAGES[0], "a"),
        r"probabilities must be a row of model.predict\(images\)",
    ),
    "history": (lambda: plots.learning_curves("log.csv"), r"history must be the History that model.fit\(...\) returns"),
    "search": (
        lambda: plots.learning_rate_search({}),
        r"search must be what sc.lr_find\(model, x, y\) returns, got {}",
    ),
    "no images": (
        lambda: plots.predictions(3, PROBABILITIES),
        r"images must be images \(N, H, W\), .*got the shape \(\)",
    ),
    "rows": (
        lambda: plots.predictions(np.ones((10, 784)), PROBABILITIES),
        r"images must be .*got the shape \(10, 784\)",
    ),
    "classes": (
        lambda: plots.predictions(IMAGES, LABELS),
        r"probabilities must be rows \(N, K\), .*got the shape \(10,\)",
    ),
    "columns": (lambda: plots.predictions(IMAGES, PROBABILITIES, columns=0), "columns must be"),
    "no augmentation": (lambda: plots.augmented(IMAGES, IMAGES), "augmentation must be an Augmentation or an Annealed"),
    "copies": (lambda: plots.augmented(sc.data.Augmentation(), IMAGES, copies=0), "copies must be"),
    "texts": (lambda: plots.confusion_matrix(["cat"], ["dog"]), r"labels must be class numbers \(N,\); np.unique"),
    "count": (lambda: plots.confusion_matrix([0], [0], "ten"), "classes must be"),
    "probabilities": (
        lambda: plots.confusion_matrix(LABELS, PROBABILITIES),
        r"predicted must be class numbers \(N,\), got rows .*; pass predicted.argmax\(axis=1\)",
    ),
    "one-hot": (lambda: plots.confusion_matrix(np.eye(3), [0, 1, 2]), r"labels must be .*labels.argmax\(axis=1\)"),
    "lengths": (lambda: plots.confusion_matrix([0, 1], [0]), "labels and predicted must be of one length, got 2 and 1"),
    "negative": (lambda: plots.confusion_matrix([0, 1], [0, -1]), "predicted must be class numbers from 0 on, got -1"),
    "fractions": (lambda: plots.confusion_matrix([0, 1], [0, 0.5]), r"predicted must be class numbers \(N,\), got"),
    "infinite": (
        lambda: plots.confusion_matrix([0, np.inf], [0, 1]),
        r"labels must be class numbers \(N,\), got \[0, inf",
    ),
    "a column": (
        lambda: plots.confusion_matrix([[0], [1]], [0, 1]),
        r"labels must be .*\(2, 1\); pass labels.ravel\(\)",
    ),
    "yes or no": (
        lambda: plots.confusion_matrix([0, 1], [[0.2], [0.7]]),
        r"predicted must be .*; of probabilities of yes pass \(predicted.ravel\(\) > 0.5\).astype\(int\)",
    ),
    "yes": (lambda: plots.predictions(IMAGES, PROBABILITIES[:, :1]), r"two or more classes, .*pass np.hstack\(\[1 - "),
    "names": (lambda: plots.predictions(IMAGES, PROBABILITIES, ["cat"] * 10), r"labels must be class .*np.unique"),
    "too high": (
        lambda: plots.worst_mistakes(IMAGES, PROBABILITIES, LABELS + 5),
        r"^labels must lie between 0 and 9, got 14$",
    ),
    "few labels": (lambda: plots.predictions(IMAGES, PROBABILITIES, LABELS[:3]), "as many labels as images.* 3 and 10"),
    "a layer": (lambda: plots.kernels(sc.Conv2D(3, 3)), r"kernel must be the kernel \(KH, KW, C, F\) .*got Conv2D"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_drawn_is_refused_by_name(case):
    draw, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        draw()
