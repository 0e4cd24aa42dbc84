"""Losses of the user's own: targets and answers that cannot be right, and models saved without them."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from support.own_losses import RNG, Logistic, SquaredError, X, Y, network
from support.small_networks import compiled_network, small_network, some_digits

pytestmark = pytest.mark.usefixtures("reference")


@pytest.mark.parametrize(
    "y, message",
    [
        (Y[:-1], r"one target for each sample, got 60 samples and targets \(59, 1\)"),
        (5.0, r"one target for each sample, got 60 samples and targets \(\)"),
        (np.full((60, 1), "a"), "targets must be real numbers, got an array of dtype <U1"),
        (
            np.where(np.arange(60)[:, None] == 7, np.nan, Y),
            r"targets must be finite .*, but target 7 holds nan at \(0,\)",
        ),
        (np.where(np.arange(60) == 7, 1e300, Y[:, 0]), "targets must be finite float32 numbers, but target 7 is inf"),
        (np.full((60, 1), 2**63, np.uint64), r"below 2\*\*63"),
    ],
)
def test_targets_that_cannot_be_right_are_refused_before_training(y, message):
    model = network(SquaredError())
    before = model.parameters.copy()
    for use in (lambda: model.fit(X, y, verbose=0), lambda: model.evaluate(X, y)):
        with pytest.raises(ValueError, match=message):
            use()
    assert np.array_equal(model.parameters, before)


def test_a_gradient_that_numpy_broadcast_is_refused_with_the_shapes():
    with pytest.raises(
        ValueError, match=r"of their shape \(32, 1\), got \(32, 32\); the targets have the shape \(32,\)"
    ):
        network(SquaredError()).fit(X, Y[:, 0], verbose=0)
    with pytest.raises(ValueError, match=r"the targets have the shape \(60,\): NumPy may have broadcast"):
        network(SquaredError()).fit(X, Y, validation_data=(X, Y[:, 0]), batch_size=60, verbose=0)
    with pytest.raises(ValueError, match=r"the targets have the shape \(60,\): NumPy may have broadcast"):
        network(SquaredError()).evaluate(X, Y[:, 0])


@pytest.mark.parametrize("samples", [12, 6])  # NumPy refuses the shapes, or broadcasts them to others
@pytest.mark.parametrize("repair, shape", [("y[..., np.newaxis]", (6, 6)), ("y[..., 0]", (6, 6, 1, 1))])
def test_pictures_with_an_axis_of_one_too_few_or_too_many_are_told_what_to_pass(samples, repair, shape):
    pictures = RNG.random((samples, 6, 6, 1))
    y = pictures.reshape(samples, *shape)
    model = sc.Sequential([sc.Conv2D(1, 3, padding="same")], input_shape=(6, 6, 1))
    model.compile(sc.Adam(0.02), SquaredError())
    for use in (lambda y: model.fit(pictures, y, verbose=0), lambda y: model.evaluate(pictures, y)):
        with pytest.raises(ValueError) as raised:
            use(y)
        for said in (f"({samples}, 6, 6, 1)", str(y.shape), f"pass {repair}"):
            assert said in str(raised.value)
        use(eval(repair, {"np": np, "y": y}))


@pytest.mark.parametrize(
    "value, message", [(None, "got None"), (np.ones(4), r"got an array of shape \(4,\); return its mean\(\)")]
)
def test_a_loss_that_does_not_return_a_number_is_refused(value, message):
    loss = SquaredError()
    loss.forward = lambda logits, targets: (SquaredError.forward(loss, logits, targets), value)[1]
    with pytest.raises(ValueError, match=f"must return the mean loss of the batch, a number, {message}"):
        network(loss).fit(X, Y, verbose=0)


def test_answers_and_targets_of_a_loss_must_be_a_row_for_each_sample():
    loss = SquaredError()
    loss.predictions = lambda logits: logits.mean()
    with pytest.raises(
        ValueError, match=r"predictions of .* must return one row for each of 60 samples, got shape \(\)"
    ):
        network(loss).predict(X)
    loss.check_targets = lambda y, samples, output_shape: np.zeros(3)
    with pytest.raises(ValueError, match=r"check_targets of .* one row for each of 60 samples, got shape \(3,\)"):
        network(loss).fit(X, Y, verbose=0)


def test_a_model_saved_without_its_loss_still_answers_rightly(tmp_path):
    path = tmp_path / "model.npz"
    model = network(SquaredError(), outputs=2)
    model.save(path, include_optimizer=False)
    loaded = sc.load_model(path)
    assert np.array_equal(loaded.predict(X), model.predict(X)) and loaded.predict(X).min() < 0
    loaded.save(path)
    assert np.array_equal(sc.load_model(path).predict(X), model.predict(X)), "saved again by who never had the loss"

    model = network(Logistic())
    model.save(path, include_optimizer=False)
    loaded = sc.load_model(path)
    with pytest.raises(RuntimeError, match="the business of its loss Logistic, which its file does not hold; compile"):
        loaded.predict(X)
    loaded.compile(loss=Logistic())
    assert np.array_equal(loaded.predict(X), model.predict(X))

    class Halved(sc.SoftmaxCrossEntropy):
        def backward(self):
            return super().backward() / 2

    for loss in (sc.SoftmaxCrossEntropy(), Halved()):
        model = network(loss, outputs=2)
        model.save(path, include_optimizer=False)
        assert np.array_equal(sc.load_model(path).predict(X), model.predict(X))


def test_a_model_without_a_loss_answers_with_probabilities_only_if_it_has_classes():
    model = sc.Sequential([sc.Dense(4)], input_shape=(3,))
    np.testing.assert_allclose(model.predict(X).sum(axis=1), 1, rtol=1e-6)
    one = sc.Sequential([sc.Dense(1)], input_shape=(3,))
    np.testing.assert_allclose(one.predict(X), one.forward(X))


def test_an_ensemble_averages_real_numbers_and_takes_them_for_no_probabilities(tmp_path):
    models = [network(SquaredError(), seed=seed) for seed in range(2)]
    ensemble = sc.Ensemble(models)
    np.testing.assert_allclose(ensemble.predict(X), (models[0].predict(X) + models[1].predict(X)) / 2, rtol=1e-6)
    models[0].save(tmp_path / "model.npz", include_optimizer=False)
    for average in (ensemble, sc.Ensemble([tmp_path / "model.npz"]), sc.Ensemble([sc.Ensemble(models)])):
        with pytest.raises(ValueError, match="evaluate measures the cross-entropy of class probabilities, which these"):
            average.evaluate(X, Y)
    for model in models:
        model.loss.predictions = lambda logits: np.rint(logits[:, 0]).astype(int)
    expected = (models[0].predict(X) + models[1].predict(X)) / 2
    assert np.array_equal(ensemble.predict(X), expected), "the mean of 1 and 2 is 1.5"


def test_softmax_cross_entropy_says_all_that_a_loss_can_say():
    images, labels = some_digits(20)
    model, bare = compiled_network(), small_network()
    loss, logits = model.loss, model.forward(images)
    np.testing.assert_array_equal(loss.predictions(logits), model.predict(images))
    np.testing.assert_array_equal(model.predict(images), bare.predict(images))
    assert loss.correct(logits, labels) == 20 * model.evaluate(images, labels)[1]
    assert loss.check_targets(labels, 20, (10,)).dtype == np.int64
