"""The estimator of scikit-learn: its own checks, searches, pipelines, images and rows."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import some_digits

sklearn = pytest.importorskip("sklearn", reason="needs scikit-learn: python -m pip install -e '.[sklearn]'")

X, LABELS = some_digits(200)


def plain(shape, classes):
    return [sc.Flatten(), sc.Dense(classes)]


def classifier(**options):
    return sc.sklearn.CNNClassifier(**{"layers": plain, "epochs": 4, "random_state": 0, **options})


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_checks_of_scikit_learn_pass():
    from sklearn.utils.estimator_checks import check_estimator

    results = check_estimator(sc.sklearn.CNNClassifier(epochs=30, random_state=0), on_skip=None, on_fail=None)
    failed = [f"{result['check_name']}: {result['exception']!r}" for result in results if result["status"] == "failed"]
    assert failed == []
    assert sum(result["status"] == "passed" for result in results) > 40


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (784,)])
def test_rows_and_images_of_square_pictures_are_the_same(shape, reference):
    estimator = classifier().fit(X.reshape(-1, *shape), LABELS)
    assert estimator.model_.input_shape == (28, 28, 1)
    assert estimator.score(X.reshape(-1, *shape), LABELS) > 0.6
    same = classifier().fit(X, LABELS)
    assert np.array_equal(estimator.predict_proba(X.reshape(-1, *shape)), same.predict_proba(X))


def test_labels_may_be_texts(reference):
    names = np.array(["even", "odd"])[LABELS % 2]
    estimator = classifier().fit(X, names)
    assert estimator.classes_.tolist() == ["even", "odd"] and set(estimator.predict(X)) == {"even", "odd"}
    assert estimator.score(X, names) > 0.7
    assert estimator.n_iter_ == 4 and len(estimator.history_.epoch) == 4


def test_the_default_network_is_convolutional_for_images_and_dense_for_rows():
    kinds = [type(layer).__name__ for layer in sc.sklearn.default_layers((8, 8, 1), 3)]
    assert kinds.count("Conv2D") == kinds.count("MaxPool2D") == 2
    assert "Conv2D" not in [type(layer).__name__ for layer in sc.sklearn.default_layers((20,), 3)]
    sc.Sequential(sc.sklearn.default_layers((3, 2, 1), 3), input_shape=(3, 2, 1))


def test_a_row_is_seen_as_asked(reference):
    rows = X[:, ::2, :].reshape(-1, 392)
    assert classifier(image_shape=(14, 28, 1)).fit(rows, LABELS).model_.input_shape == (14, 28, 1)
    assert classifier().fit(rows, LABELS).model_.input_shape == (392,)
    assert classifier(image_shape=None).fit(X.reshape(-1, 784), LABELS).model_.input_shape == (784,)
    with pytest.raises(ValueError, match=r"\(3, 3, 1\) has 9 numbers, X has 392 features"):
        classifier(image_shape=(3, 3, 1)).fit(rows, LABELS)


def test_it_works_in_searches_pipelines_and_cross_validation(reference):
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = X.reshape(-1, 784).astype(float)
    pipeline = make_pipeline(StandardScaler(), classifier(epochs=3))
    assert cross_val_score(pipeline, rows, LABELS, cv=3).mean() > 0.4
    search = GridSearchCV(classifier(), {"learning_rate": [1e-5, 1e-2]}, cv=2).fit(rows, LABELS)
    assert search.best_params_ == {"learning_rate": 1e-2}


@pytest.mark.slow
def test_it_works_with_several_processes():
    from sklearn.model_selection import cross_val_score

    estimator = sc.sklearn.CNNClassifier(epochs=2, random_state=0)
    one, two = (cross_val_score(estimator, X, LABELS, cv=2, n_jobs=n) for n in (1, 2))
    assert np.array_equal(one, two)


def test_a_trained_one_can_be_pickled_and_cloned(reference):
    from sklearn.base import clone

    estimator = classifier().fit(X, LABELS)
    again = pickle.loads(pickle.dumps(estimator))
    assert np.array_equal(again.predict_proba(X), estimator.predict_proba(X))
    assert not hasattr(clone(estimator), "model_")


def test_one_class_and_other_features_are_refused(reference):
    with pytest.raises(ValueError, match="at least two classes"):
        classifier().fit(X, np.zeros(len(X), int))
    with pytest.raises(ValueError, match="expecting 784 features"):
        classifier().fit(X.reshape(-1, 784), LABELS).predict(X.reshape(-1, 784)[:, :10])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"layers": [sc.Flatten(), sc.Dense(10)]},
            "layers must be a function that returns fresh layers for each fit, got",
        ),
        ({"layers": sc.Dense}, "layers must be a function that returns fresh layers for each fit, got"),
        ({"layers": lambda shape, classes: None}, "layers must return a list of layers, got None; write layers=lambda"),
        (
            {"layers": lambda shape, classes: [sc.Flatten(), sc.Dense(classes + 1)]},
            r"must have \d+ outputs, .*got the shape",
        ),
        (
            {"layers": lambda shape, classes: [sc.Conv2D(classes, 3)]},
            r"one for each class, .*end in sc.Dense\(classes\)",
        ),
        ({"image_shape": 28}, r"image_shape must be \"auto\", None or \(H, W, C\) such as \(28, 28, 1\), got 28"),
        ({"image_shape": "square"}, "image_shape must be .*got 'square'"),
    ],
)
def test_what_makes_no_network_is_refused_by_name(reference, options, message):
    with pytest.raises(ValueError, match=message):
        classifier(**options).fit(X.reshape(-1, 784), LABELS)


def test_images_of_five_axes_are_refused(reference):
    with pytest.raises(ValueError, match=r"X must be rows \(N, D\), or images .*got the shape \(200, 1, 28, 28, 1\)"):
        classifier().fit(X.reshape(-1, 1, 28, 28, 1), LABELS)
