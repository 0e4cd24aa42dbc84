"""Losses of the user's own: targets of every form, and answers that are right for them.

What these stand for: the loop takes something for granted, class numbers or a softmax, that is the loss's business.
"""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.training.learning_rate_finder import lr_find
from scratchcnn.training.step import train_step
from support.small_networks import compiled_network, small_network, some_digits

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X @ [[1.0], [-2.0], [0.5]] + 3.0  # (60, 1)


class SquaredError:
    """The mean over all outputs; targets have the outputs' shape."""

    def forward(self, logits, targets):
        self.seen = targets
        self.error = logits - targets
        return float(np.mean(self.error**2))

    def backward(self):
        return 2 * self.error / self.error.size


class OfRows(SquaredError):
    """The same for targets (N,) and outputs (N, 1)."""

    def forward(self, logits, targets):
        return super().forward(logits, targets[:, None])


class Logistic(SquaredError):
    """Two classes from one logit: says itself what targets are, what is predicted, and what is right."""

    def check_targets(self, y, samples, output_shape):
        if set(np.unique(y)) - {"no", "yes"} or output_shape != (1,):
            raise ValueError("yes or no, please")
        return (np.asarray(y) == "yes").astype(np.float32)[:, None]

    def predictions(self, logits):
        return 1 / (1 + np.exp(-logits[:, 0]))  # (N,)

    def correct(self, logits, targets):
        return np.count_nonzero((logits > 0) == (targets > 0.5))

    def forward(self, logits, targets):
        super().forward(1 / (1 + np.exp(-logits)), targets)
        return float(np.mean(np.logaddexp(0, np.where(targets > 0.5, -logits, logits))))

    def backward(self):
        return self.error / self.error.size


@pytest.fixture(autouse=True)
def reference():
    with sc.ops.using("reference"):
        yield


def network(loss, outputs=1, **options):
    model = sc.Sequential([sc.Dense(outputs)], input_shape=(3,), **options)
    model.compile(sc.SGD(0.1), loss)
    return model


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
