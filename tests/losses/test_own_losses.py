"""Losses of the user's own: targets of every form, and answers that are right for them.

What these stand for: the loop takes something for granted, class numbers or a softmax, that is the loss's business.
"""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.training.learning_rate_finder import lr_find
from scratchcnn.training.step import train_step
from support.own_losses import RNG, Logistic, SquaredError, X, Y, network

pytestmark = pytest.mark.usefixtures("reference")


class OfRows(SquaredError):
    """The same for targets (N,) and outputs (N, 1)."""

    def forward(self, logits, targets):
        return super().forward(logits, targets[:, None])


@pytest.mark.parametrize("loss, y", [(SquaredError(), Y), (OfRows(), Y[:, 0])], ids=["(N, 1)", "(N,)"])
def test_a_regression_with_a_squared_error_of_ones_own_finds_the_line(loss, y):
    model = network(loss)
    history = model.fit(X, y, epochs=60, batch_size=20, validation_split=0.2, verbose=0).history
    np.testing.assert_allclose(model.parameters, [1, -2, 0.5, 3], atol=1e-4)
    np.testing.assert_allclose(model.predict(X), Y, atol=1e-3)
    assert set(history) == {"loss", "val_loss"} and history["val_loss"][-1] < 1e-7
    mean, accuracy = model.evaluate(X, y)
    assert mean < 1e-7 and np.isnan(accuracy)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_float_targets_come_in_the_dtype_of_the_model_and_integers_as_int64(dtype):
    for given, expected in ((Y, dtype), (Y.astype(np.float32), dtype), (np.ones((60, 1), np.uint8), "int64")):
        model = network(SquaredError(), dtype=dtype)
        model.fit(X, given, verbose=0)
        assert model.loss.seen.dtype == expected


def test_targets_are_those_of_their_samples_under_shuffle_split_and_augmentation():
    # The network is the identity, whose loss is 0 as long as the target of a sample is the sample itself.
    model = sc.Sequential([sc.Dense(3)], input_shape=(3,), dtype="float64")
    model.compile(sc.SGD(0.0), SquaredError())
    model.parameters[:] = [*np.eye(3).ravel(), 0, 0, 0]
    history = model.fit(X, X, epochs=2, batch_size=7, validation_split=0.3, verbose=0).history
    assert history == {"loss": [0, 0], "val_loss": [0, 0]}

    pictures = RNG.integers(0, 256, (12, 6, 6, 1)).astype(np.float32)
    model = sc.Sequential([sc.Conv2D(1, 1)], input_shape=(6, 6, 1))
    model.compile(sc.SGD(0.0), SquaredError())
    model.parameters[:] = [1, 0]
    assert model.fit(pictures, pictures, batch_size=5, verbose=0).history == {"loss": [0]}
    no_distortion = sc.data.Augmentation()
    model.fit(pictures, pictures, batch_size=5, augmentation=no_distortion, verbose=0)
    assert model.history.history["loss"] == [pytest.approx(0, abs=1e-6)]


def test_a_network_may_end_in_pictures():
    pictures = RNG.random((12, 6, 6, 2))
    model = sc.Sequential([sc.Conv2D(2, 3, padding="same")], input_shape=(6, 6, 2))
    model.compile(sc.Adam(0.02), SquaredError())
    history = model.fit(pictures, pictures, epochs=60, verbose=0).history
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    assert model.predict(pictures, batch_size=5).shape == pictures.shape
    np.testing.assert_allclose(
        model.evaluate(pictures, pictures)[0], np.mean((model.predict(pictures) - pictures) ** 2)
    )
    with pytest.raises(ValueError, match=r"a classifier ends in one number for each class, this model in \(6, 6, 2\)"):
        model.compile()


def test_predict_returns_copies_of_logits_not_the_buffer_of_the_model():
    model = network(SquaredError())
    first = model.predict(X[:5])
    kept = first.copy()
    model.predict(X[5:10])
    assert np.array_equal(first, kept)


def test_a_loss_may_check_its_targets_make_the_predictions_and_count_what_is_right():
    answers = np.where(X[:, 0] > 0, "yes", "no")
    model = network(Logistic())
    history = model.fit(X, answers, epochs=50, batch_size=20, validation_split=0.2, verbose=0).history
    assert set(history) == {"loss", "accuracy", "val_loss", "val_accuracy"} and history["accuracy"][-1] > 0.9
    probabilities = model.predict(X)
    assert probabilities.shape == (60,) and probabilities.min() > 0 and probabilities.max() < 1
    assert model.evaluate(X, answers)[1] == np.mean((probabilities > 0.5) == (answers == "yes"))
    assert lr_find(network(Logistic()), X, answers, steps=30, verbose=0).losses
    assert train_step(model, X[:4], answers[:4])[1] in range(5)
    with pytest.raises(ValueError, match="yes or no"):
        model.fit(X, np.ones(60), verbose=0)


def test_class_numbers_count_as_such_for_a_loss_that_says_nothing():
    class Hinge:  # of Crammer and Singer
        def forward(self, logits, labels):
            rows = np.arange(len(labels))
            margins = 1 + logits - logits[rows, labels][:, None]
            margins[rows, labels] = 0
            worst = margins.argmax(axis=1)
            self.gradient = np.zeros_like(logits)
            over = margins[rows, worst] > 0
            self.gradient[rows[over], worst[over]] = 1 / len(labels)
            self.gradient[rows[over], labels[over]] = -1 / len(labels)
            return margins.max(axis=1).mean()

        def backward(self):
            return self.gradient

    labels = X.argmax(axis=1)
    model = network(Hinge(), outputs=3)
    history = model.fit(X, labels, epochs=50, validation_split=0.2, verbose=0).history
    assert history["val_accuracy"][-1] > 0.9
    assert model.evaluate(X, labels)[1] == np.mean(model.predict(X).argmax(axis=1) == labels)
