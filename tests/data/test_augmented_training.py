"""Augmentation in fit: anew in each batch, weakening, continued, and never in validation."""

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.callbacks import Callback
from scratchcnn.data import Annealed, Augmentation
from support.augmentations import EVERYTHING, IMAGES, LABELS
from support.small_networks import all_arrays, compiled_network


def test_fit_augments_anew_in_each_batch_by_the_seed_of_the_model(backend):
    weights = []
    for augmentation in (EVERYTHING, EVERYTHING, None):
        model = compiled_network(dropout=0)
        model.fit(IMAGES, LABELS, epochs=2, batch_size=16, augmentation=augmentation, verbose=0)
        weights.append(all_arrays(model))
    assert weights[0] == weights[1], "the same seed, the same training"
    assert weights[0] != weights[2], "the images were augmented"


class StopAfterOne(Callback):
    def on_epoch_end(self, epoch, logs):
        self.model.stop_training = True


@pytest.mark.parametrize(
    ("augmentation", "first_fit"),
    [(EVERYTHING, {"epochs": 1}), (Annealed(EVERYTHING), {"epochs": 2, "callbacks": [StopAfterOne()]})],
    ids=["constant", "annealed"],
)
def test_a_training_with_augmentation_continues_from_a_file_to_the_same_bits(augmentation, first_fit, tmp_path):
    options = {"batch_size": 16, "augmentation": augmentation, "verbose": 0}
    whole, half = compiled_network(), compiled_network()
    whole.fit(IMAGES, LABELS, epochs=2, **options)
    half.fit(IMAGES, LABELS, **first_fit, **options)
    half.save(tmp_path / "half.npz")
    rest = sc.load_model(tmp_path / "half.npz")
    rest.fit(IMAGES, LABELS, epochs=2, initial_epoch=1, **options)
    assert all_arrays(rest) == all_arrays(whole)


def test_an_annealed_augmentation_weakens_evenly_to_nothing():
    whole = Augmentation(rotation=10, shift=2, zoom=0.25, shear=8, elastic=(34, 4))
    annealed = Annealed(whole)
    assert annealed.at(0) == whole
    assert annealed.at(0.75) == Augmentation(rotation=2.5, shift=0.5, zoom=0.0625, shear=2, elastic=(8.5, 4))
    np.testing.assert_array_equal(annealed.at(1)(IMAGES), IMAGES)
    assert whole.at(0.75) is whole, "an augmentation by itself stays as it is"


def test_fit_tells_an_annealed_augmentation_how_much_is_done(monkeypatch):
    told = []
    monkeypatch.setattr(Annealed, "at", lambda self, progress: told.append(progress) or EVERYTHING)
    model = compiled_network()
    model.fit(IMAGES, LABELS, epochs=4, initial_epoch=2, batch_size=8, augmentation=Annealed(EVERYTHING), verbose=0)
    np.testing.assert_allclose(told, np.linspace(0.5, 1, 10, endpoint=False))


def test_what_cannot_be_annealed_is_refused():
    with pytest.raises(ValueError, match=r"augmentation must be an Augmentation, such as .*got 10"):
        Annealed(10)
    with pytest.raises(ValueError, match=r"strength must be a fraction from 0 to 1, got 1.5"):
        EVERYTHING.scaled(1.5)
    with pytest.raises(ValueError, match=r"progress must be a fraction from 0 to 1, got -1"):
        Annealed(EVERYTHING).at(-1)


def test_validation_images_are_not_augmented(backend):
    model = compiled_network()
    model.fit(IMAGES, LABELS, validation_data=(IMAGES, LABELS), augmentation=EVERYTHING, verbose=0)
    assert model.history.history["val_loss"][-1] == model.evaluate(IMAGES, LABELS, batch_size=32)[0]


def test_fit_refuses_an_augmentation_of_what_is_not_images():
    model = sc.Sequential([sc.Dense(10)], input_shape=(784,))
    model.compile()
    with pytest.raises(ValueError, match=r"augmentation needs images \(H, W, C\), the model takes samples \(784,\)"):
        model.fit(np.zeros((4, 784)), np.zeros(4, int), augmentation=EVERYTHING)
    with pytest.raises(ValueError, match=r"augmentation must be an object such as .*got 'rotate'"):
        compiled_network().fit(IMAGES, LABELS, augmentation="rotate")
