"""Networks trained with each loss: what fit takes and predict answers, recorded steps, files, weights."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops
from support.marks import without_numba
from support.small_networks import all_arrays, some_digits

X, LABELS = some_digits(120)
ROWS = (0.9 * np.eye(10)[LABELS] + 0.01).astype(np.float32)
FIVE = (LABELS[:, None] >> np.arange(3)) & 1  # the digit in binary: three labels at once

TASKS = {
    "soft targets": (sc.SoftmaxCrossEntropy, {}, 10, ROWS),
    "class weights": (sc.SoftmaxCrossEntropy, {"class_weights": np.arange(10) + 1}, 10, LABELS),
    "unlabelled": (sc.SoftmaxCrossEntropy, {"ignore_index": -1}, 10, np.where(LABELS == 3, -1, LABELS.astype(int))),
    "all together": (
        sc.SoftmaxCrossEntropy,
        {"label_smoothing": 0.1, "ignore_index": 3, "class_weights": np.arange(10) + 1},
        10,
        LABELS,
    ),
    "two classes": (sc.BinaryCrossEntropy, {}, 1, LABELS > 4),
    "several labels": (sc.BinaryCrossEntropy, {}, 3, FIVE),
    "a regression": (sc.MeanSquaredError, {}, 1, LABELS / 9),
    "an image": (sc.MeanSquaredError, {}, None, X[:, ::2, ::2, None] / 255),
}


def network(task, **options):
    kind, settings, outputs, _ = TASKS[task]
    head = [sc.Flatten(), sc.Dense(outputs)] if outputs else [sc.Conv2D(1, 1)]
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(4, 3, padding="same"), sc.ReLU(), sc.MaxPool2D(2), *head]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), **options)
    model.compile(sc.Adam(1e-2), kind(**settings))
    return model


@pytest.mark.parametrize("task", TASKS)
def test_a_network_learns_and_a_recorded_step_is_the_same_to_the_bit(task, backend, without_recordings):
    y = TASKS[task][3]

    def everything():
        model = network(task)
        weights = np.linspace(0.5, 2, len(X))
        history = model.fit(X, y, epochs=4, batch_size=50, sample_weight=weights, verbose=0).history
        measured = [model.evaluate(X[:90], y[:90], batch_size=40, sample_weight=weights[:90]) for _ in range(2)]
        return all_arrays(model), history, repr(measured), model.predict(X[:70], batch_size=30).tobytes(), model

    *played, model = everything()
    if ops.backend() == "jit":
        recorded = [entry for entry in model.recordings.values() if entry.recording is not None]
        assert len(model.recordings) == 6 and len(recorded) == 5  # ten images were asked about once
    assert played[1]["loss"][-1] < played[1]["loss"][0]
    without_recordings()
    *plain, model = everything()
    assert plain == played and not model.recordings


@without_numba
@pytest.mark.parametrize("task", TASKS)
def test_both_implementations_learn_the_same(task):
    results = []
    for name in ops.BACKENDS:
        with ops.using(name):
            model = network(task, dtype="float64")
            model.fit(X / 1.0, TASKS[task][3], epochs=2, batch_size=50, class_weight=None, verbose=0)
            results.append((model.parameters.copy(), model.evaluate(X, TASKS[task][3])))
    np.testing.assert_allclose(results[0][0], results[1][0], atol=1e-9)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-9)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("include_optimizer", [True, False])
def test_a_model_from_a_file_answers_and_goes_on_as_before(task, include_optimizer, tmp_path):
    model, y = network(task), TASKS[task][3]
    model.fit(X, y, batch_size=50, verbose=0)
    model.save(tmp_path / "model.npz", include_optimizer=include_optimizer)
    loaded = sc.load_model(tmp_path / "model.npz")
    assert loaded.predict(X).tobytes() == model.predict(X).tobytes()
    if include_optimizer:
        assert repr(loaded.loss) == repr(model.loss)
        for each in (model, loaded):
            each.fit(X, y, batch_size=50, verbose=0)
        assert all_arrays(loaded) == all_arrays(model)


def test_what_is_predicted_is_what_the_loss_means():
    x = X[:5]
    yes = network("two classes").predict(x)
    assert yes.shape == (5, 1) and ((yes > 0) & (yes < 1)).all()
    model = network("several labels")
    np.testing.assert_allclose(model.predict(x), 1 / (1 + np.exp(-model.forward(x).astype(float))), rtol=1e-6)
    model = network("a regression")
    assert np.array_equal(model.predict(x), model.forward(x))
    np.testing.assert_allclose(network("soft targets").predict(x).sum(axis=1), 1, rtol=1e-6)


def test_accuracy_is_of_what_is_classified():
    (_, two), (_, several), (_, regression) = (
        network(task).evaluate(X, TASKS[task][3]) for task in ("two classes", "several labels", "a regression")
    )
    answers = network("several labels").predict(X) > 0.5
    assert several == pytest.approx((answers == FIVE).mean())
    assert 0 <= two <= 1 and np.isnan(regression)


def test_samples_without_a_label_are_no_part_of_the_accuracy():
    model, y = network("unlabelled"), TASKS["unlabelled"][3]
    _, accuracy = model.evaluate(X, y, batch_size=7)
    known = y >= 0
    assert accuracy == pytest.approx((model.predict(X).argmax(axis=1) == y)[known].mean())
    assert model.evaluate(X, y, batch_size=7)[0] == pytest.approx(model.evaluate(X[known], y[known])[0], rel=1e-6)


def test_a_sample_of_weight_two_counts_as_two_samples():
    weights = np.where(np.arange(60) % 2, 2.0, 1.0)
    twice = np.repeat(np.arange(60), weights.astype(int))
    weighted, repeated = network("soft targets"), network("soft targets")
    loss = weighted.evaluate(X[:60], LABELS[:60], sample_weight=weights)[0] * 60
    assert loss == pytest.approx(repeated.evaluate(X[twice], LABELS[twice])[0] * 90, rel=1e-6)
    weighted.fit(X[:60], LABELS[:60], sample_weight=weights, batch_size=60, shuffle=False, verbose=0)
    repeated.fit(X[twice], LABELS[twice], batch_size=90, shuffle=False, verbose=0)
    np.testing.assert_allclose(weighted.gradients * 60, repeated.gradients * 90, atol=1e-5)


def test_class_weight_is_the_weight_of_each_sample_of_the_class():
    by_class, by_sample = network("soft targets"), network("soft targets")
    by_class.fit(X, LABELS, class_weight={3: 5.0, 7: 0.5}, verbose=0)
    by_sample.fit(X, LABELS, sample_weight=np.where(LABELS == 3, 5.0, np.where(LABELS == 7, 0.5, 1.0)), verbose=0)
    assert all_arrays(by_class) == all_arrays(by_sample)


def test_held_out_samples_keep_their_weights():
    weights = np.linspace(0, 2, len(X))
    model = network("soft targets")
    history = model.fit(X, LABELS, sample_weight=weights, validation_split=0.25, verbose=0).history
    chosen = np.sort(np.random.default_rng([0, 1]).permutation(len(X))[:30])
    again = model.evaluate(X[chosen], LABELS[chosen], sample_weight=weights[chosen])[0]
    assert history["val_loss"] == [pytest.approx(again, rel=1e-6)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sample_weight": np.ones(5)}, "one number for each of 120 samples"),
        ({"sample_weight": -np.ones(120)}, ">= 0"),
        ({"sample_weight": np.full(120, np.nan)}, "finite"),
        ({"sample_weight": np.zeros(120)}, "not all of them 0"),
        ({"class_weight": [1.0] * 10}, r"pass dict\(enumerate\(class_weight\)\)"),
        ({"class_weight": "balanced"}, "np.bincount"),
        ({"class_weight": {12: 1.0}}, "a class 12, the model knows 0 to 9"),
        ({"class_weight": {1: -1.0}}, r"class_weight\[1\]"),
    ],
)
def test_weights_that_are_none_are_refused(arguments, message):
    model = network("soft targets")
    before = all_arrays(model)
    with pytest.raises(ValueError, match=message):
        model.fit(X, LABELS, **arguments)
    assert all_arrays(model) == before


def test_weights_need_a_loss_that_tells_those_of_samples():
    class Own:
        def forward(self, logits, targets):
            self.error = logits - targets
            return float(np.mean(self.error**2))

        def backward(self):
            return 2 * self.error / self.error.size

    class Telling(Own):
        def per_sample(self):
            return np.mean(self.error**2, axis=1)

    y, weights = LABELS[:, None] / 9, np.linspace(0.5, 2, len(X))
    models = [network("a regression") for _ in range(3)]
    models[0].compile(sc.Adam(1e-2), Own())
    with pytest.raises(ValueError, match="per_sample"):
        models[0].fit(X, y, sample_weight=weights)
    models[1].compile(sc.Adam(1e-2), Telling())
    histories = [model.fit(X, y, sample_weight=weights, epochs=2, verbose=0).history["loss"] for model in models[1:]]
    np.testing.assert_allclose(histories[0], histories[1], rtol=1e-5)
