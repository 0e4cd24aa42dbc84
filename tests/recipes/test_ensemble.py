"""Averages of answers: over models, over shifted images, and over both."""

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.shift_average import shifted
from support.small_networks import compiled_network, some_digits

ndimage = pytest.importorskip("scipy.ndimage")

IMAGES, LABELS = some_digits(30)


def some_models(count=3):
    models = [compiled_network(seed=seed) for seed in range(count)]
    for model in models:
        model.fit(IMAGES, LABELS, verbose=0)
    return models


def test_an_ensemble_answers_with_the_mean_of_the_probabilities():
    models = some_models()
    probabilities = sc.Ensemble(models).predict(IMAGES)
    np.testing.assert_allclose(probabilities, np.mean([model.predict(IMAGES) for model in models], axis=0), rtol=1e-6)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert probabilities.dtype == np.float32


def test_what_one_model_can_do_is_asked_of_a_member():
    model = compiled_network()
    for average in (sc.Ensemble([model]), sc.ShiftAverage(model), sc.Ensemble([sc.ShiftAverage(model)])):
        for name in ("layer_outputs", "input_gradient", "fit", "summary"):
            with pytest.raises(AttributeError, match=rf"it asks models, and members\(\)\[0\].{name} is that of"):
                getattr(average, name)
            assert hasattr(average.members()[0], name)
        with pytest.raises(AttributeError, match=r"has no attribute 'answer'$"):
            average.answer  # noqa: B018


def test_an_ensemble_of_one_model_is_that_model():
    (model,) = some_models(1)
    np.testing.assert_array_equal(sc.Ensemble([model]).predict(IMAGES), model.predict(IMAGES))
    assert sc.Ensemble([model]).evaluate(IMAGES, LABELS) == pytest.approx(model.evaluate(IMAGES, LABELS))


def test_an_ensemble_is_made_of_saved_models_too(tmp_path):
    models = some_models(2)
    for number, model in enumerate(models):
        model.save(tmp_path / f"{number}.npz")
    saved = sc.Ensemble([tmp_path / "0.npz", str(tmp_path / "1.npz")])
    np.testing.assert_array_equal(saved.predict(IMAGES), sc.Ensemble(models).predict(IMAGES))


def test_loss_and_accuracy_are_those_of_the_mean():
    ensemble = sc.Ensemble(some_models())
    probabilities = ensemble.predict(IMAGES).astype(np.float64)
    loss, accuracy = ensemble.evaluate(IMAGES, LABELS)
    assert loss == pytest.approx(-np.log(probabilities[np.arange(30), LABELS]).mean())
    assert accuracy == np.mean(probabilities.argmax(axis=1) == LABELS)


def test_a_certain_wrong_answer_has_a_finite_loss():
    model = compiled_network(norm=False)
    model.layers[-1].params["bias"][3] = 1e4
    loss, _ = sc.Ensemble([model]).evaluate(IMAGES, LABELS)
    assert 50 < loss < 100


@pytest.mark.parametrize("down, right", [(0, 0), (1, 0), (0, -1), (-2, 3)])
def test_shifted_images_are_those_of_scipy(down, right):
    images = np.random.default_rng(0).integers(1, 256, (2, 5, 6, 3), dtype=np.uint8)
    expected = ndimage.shift(images, (0, down, right, 0), order=0)
    np.testing.assert_array_equal(shifted(images, down, right), expected)


def test_a_shift_average_is_the_mean_over_nine_shifts(backend):
    (model,) = some_models(1)
    images = IMAGES[..., np.newaxis]
    answers = [model.predict(shifted(images, down, right)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    np.testing.assert_allclose(sc.ShiftAverage(model).predict(IMAGES), np.mean(answers, axis=0), rtol=1e-6)
    np.testing.assert_array_equal(sc.ShiftAverage(model, reach=0).predict(IMAGES), model.predict(IMAGES))


def test_a_shift_average_that_flips_is_the_mean_over_the_mirrored_images_as_well(backend):
    (model,) = some_models(1)
    images = IMAGES[..., np.newaxis]
    seen = [shifted(images, down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    answers = [model.predict(each) for each in seen] + [model.predict(np.flip(each, axis=2)) for each in seen]
    flipped = sc.ShiftAverage(model, horizontal_flip=True)
    np.testing.assert_allclose(flipped.predict(IMAGES), np.mean(answers, axis=0), rtol=1e-6)
    two = np.mean([model.predict(images), model.predict(np.flip(images, axis=2))], axis=0)
    both = sc.ShiftAverage(model, reach=0, horizontal_flip=True)
    np.testing.assert_allclose(both.predict(IMAGES), two, rtol=1e-6)
    np.testing.assert_allclose(both.predict(np.flip(IMAGES, axis=2)), two, rtol=1e-6)  # a mirror image: the same


def test_averages_can_be_averaged():
    models = some_models(2)
    both = sc.Ensemble([sc.ShiftAverage(model) for model in models])
    expected = np.mean([sc.ShiftAverage(model).predict(IMAGES) for model in models], axis=0)
    np.testing.assert_allclose(both.predict(IMAGES, batch_size=7), expected, rtol=1e-6)


def test_models_that_do_not_fit_together_are_refused():
    few = sc.Sequential([sc.Flatten(), sc.Dense(3)], input_shape=(28, 28, 1))
    with pytest.raises(ValueError, match=r"must know the same classes, these know \[10, 3\]"):
        sc.Ensemble([compiled_network(), few])
    with pytest.raises(ValueError, match="at least one model"):
        sc.Ensemble([])
    with pytest.raises(ValueError, match=r"models\[0\] must be a model or the file of one, got 7"):
        sc.Ensemble([7])


def test_what_cannot_be_shifted_is_refused():
    flat = sc.Sequential([sc.Dense(3)], input_shape=(784,))
    with pytest.raises(ValueError, match=r"only images \(H, W, C\) can be shifted, the model takes samples \(784,\)"):
        sc.ShiftAverage(flat)
    with pytest.raises(ValueError, match="reach must be at least 0"):
        sc.ShiftAverage(compiled_network(), reach=-1)
    with pytest.raises(ValueError, match=r"reach must be less than the images' size, \(28, 28\), got 28"):
        sc.ShiftAverage(compiled_network(), reach=28)
    with pytest.raises(ValueError, match="ShiftAverage: horizontal_flip must be True or False, got 'yes'"):
        sc.ShiftAverage(compiled_network(), horizontal_flip="yes")


def test_labels_are_checked():
    with pytest.raises(ValueError, match="one label for each image, got 30 images and 29 labels"):
        sc.Ensemble([compiled_network()]).evaluate(IMAGES, LABELS[:-1])
