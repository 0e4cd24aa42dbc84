"""What looking at a training costs and changes: nothing."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.training.health.watch import Watch
from support.small_networks import all_arrays, compiled_network, small_network, some_digits

LAYERS = {
    "convolutions": lambda: small_network(norm=False),
    "a batch normalisation": lambda: small_network(),
    "a residual": lambda: sc.Sequential(
        [
            sc.Rescaling(1 / 255),
            sc.Residual([sc.Conv2D(4, 3, padding="same"), sc.BatchNorm(), sc.ReLU()], [sc.Conv2D(4, 1)]),
            *(sc.MaxPool2D(4), sc.Flatten(), sc.Dropout(0.5), sc.Dense(10)),
        ],
        input_shape=(28, 28, 1),
    ),
}


class Blind(Watch):
    """Looks at nothing."""

    def on_epoch_begin(self, steps):
        pass

    on_batch_begin = on_batch_end = lambda self, *arguments: None
    problems = lambda self: []  # noqa: E731


def bits(model):
    return all_arrays(model), model.rng.bit_generator.state


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("augmentation", [None, sc.data.Augmentation(shift=1)])
def test_it_changes_no_bit_and_no_random_number(kind, augmentation, monkeypatch, reference):
    x, y = some_digits(200)
    found = []
    for watch in (Watch, Blind):
        monkeypatch.setattr("scratchcnn.training.loop.Watch", watch)
        model = LAYERS[kind]()
        model.compile(sc.Adam(1e-2))
        for _ in range(2):
            model.fit(x, y, epochs=2, validation_split=0.2, augmentation=augmentation, verbose=0)
        found.append(bits(model))
    assert found[0] == found[1]


def test_it_changes_nothing_of_a_recorded_training(monkeypatch, backend):
    x, y = some_digits(160)
    found = []
    for watch in (Watch, Blind):
        monkeypatch.setattr("scratchcnn.training.loop.Watch", watch)
        model = compiled_network()
        model.fit(x, y, epochs=2, verbose=0)
        recorded = len(model.recordings)
        model.fit(x, y, epochs=2, verbose=0)
        found.append((recorded, len(model.recordings), bits(model), model.predict(x[:50]).tobytes()))
    assert found[0] == found[1]


def sick(**options):
    """Return a history of a training whose steps are far too long, and what was printed."""
    x, y = some_digits(160)
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.compile(sc.Adam(1.0))
    return model.fit(x, y, **options)


def test_the_lines_come_last_and_are_kept(reference, capsys):
    history = sick(epochs=2, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert len(history.problems) == 1 and lines[-1] == f"Problem: {history.problems[0]}." and "Epoch 2/2" in lines[-2]


def test_silence_is_kept_and_the_problems_too(reference, capsys):
    assert len(sick(verbose=0).problems) == 1
    assert capsys.readouterr().out == ""


def test_a_training_without_an_epoch_has_no_problems(reference):
    assert sick(epochs=0, verbose=0).problems == []


@pytest.mark.parametrize(
    "loss",
    [
        sc.SoftmaxCrossEntropy(label_smoothing=0.3),
        sc.SoftmaxCrossEntropy(class_weights=[30.0] * 10),
        sc.SoftmaxCrossEntropy(ignore_index=3),
    ],
)
@pytest.mark.parametrize("options", [{}, {"sample_weight": np.full(600, 50.0)}, {"class_weight": {1: 0.0, 2: 40.0}}])
def test_smoothing_weights_and_penalties_raise_no_alarm(loss, options, reference):
    x, y = some_digits(600)
    penalty = sc.regularizers.L2(0.5)
    layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10, kernel_regularizer=penalty)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1))
    model.compile(sc.Adam(1e-3), loss)
    assert model.fit(x, y, verbose=0, **options).problems == []


def trained():
    x, y = some_digits(600)
    layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(32), sc.ReLU(), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1))
    model.compile(sc.Adam(1e-2))
    assert model.fit(x, y, epochs=8, verbose=0).problems == []
    return model, x, y


def test_a_model_that_knows_other_classes_raises_no_alarm(reference, tmp_path):
    model, x, y = trained()
    model.save(tmp_path / "model.npz")
    for other in (model, copy.deepcopy(model), sc.load_model(tmp_path / "model.npz")):
        other.compile(sc.Adam(1e-3))
        other.layers[2].trainable = False
        assert other.fit(x, (y + 1) % 10, verbose=0).problems == []


def test_a_training_that_has_nothing_left_to_learn_raises_no_alarm(reference):
    model, x, y = trained()
    model.fit(x, y, epochs=20, verbose=0)
    model.compile(sc.SGD(1e-6))
    assert model.fit(x, y, epochs=6, verbose=0).problems == []


def test_sixteen_images_learnt_by_heart_raise_no_alarm(reference):
    x, y = some_digits(16)
    model = small_network(norm=False)
    model.compile(sc.Adam(1e-2))
    assert model.fit(x, y, epochs=120, verbose=0).problems == []


def test_regression_and_a_loss_of_ones_own_have_no_classes(reference):
    x, y = some_digits(600)
    targets = y.astype(np.float32)
    for loss in (sc.MeanSquaredError(), OwnLoss()):
        model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(1)], input_shape=(28, 28, 1))
        model.compile(sc.Adam(1e-3), loss)
        assert model.fit(x, targets[:, np.newaxis], epochs=6, verbose=0).problems == []


class OwnLoss:
    def forward(self, logits, targets):
        self._difference = logits - targets
        return float(np.square(self._difference).mean())

    def backward(self):
        return 2 * self._difference / self._difference.size


def test_yes_or_no_has_two_classes(reference):
    x, y = some_digits(1000)
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(1)], input_shape=(28, 28, 1))
    model.compile(sc.SGD(1e-3), sc.BinaryCrossEntropy())
    (problem,) = model.fit(x, np.isin(y, [3, 5]), epochs=6, verbose=0).problems
    assert problem.startswith("class 1 is never predicted") and "class_weight={1: " in problem
    model.compile(sc.SGD(1e-1), sc.BinaryCrossEntropy())
    assert model.fit(x, np.isin(y, [3, 5]), epochs=6, class_weight={1: 3.0}, verbose=0).problems == []


def test_batches_from_elsewhere_are_looked_at_too(reference):
    x, y = some_digits(320)
    for images in (x, x.astype(np.float64)):
        batches = [(images[start : start + 32], y[start : start + 32]) for start in range(0, 320, 32)]
        layers = [sc.Flatten(), sc.Dense(10)]
        model = sc.Sequential(layers, input_shape=(28, 28, 1))
        model.compile(sc.Adam(1e-3))
        (problem,) = model.fit(iter(batches), verbose=0).problems
        assert "sc.Rescaling(1 / 255)" in problem


def test_images_in_a_file_are_not_read_for_it(reference, tmp_path):
    x, y = some_digits(320)
    np.save(tmp_path / "x.npy", x)
    model = small_network(norm=False)
    model.compile(sc.Adam(1e-2))
    assert model.fit(np.load(tmp_path / "x.npy", mmap_mode="r"), y, verbose=0).problems == []


def test_a_layer_inside_of_a_residual_is_named_with_it(reference):
    x, y = some_digits(320)
    inside = sc.Dense(16, activation="relu")
    layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(16), sc.Residual([inside]), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1))
    inside.params["bias"] = np.full(16, -100.0)
    model.compile(sc.Adam(1e-3))
    (problem,) = model.fit(x, y, verbose=0).problems
    assert "16 of 16 (100%) in residual/relu" in problem


def test_what_is_frozen_may_be_dead(reference):
    x, y = some_digits(320)
    layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(16), sc.ReLU(), sc.Dense(16), sc.ReLU(), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1))
    model.layers[2].params["bias"] = np.full(16, -100.0) * (np.arange(16) > 6)
    model.layers[2].trainable = False
    model.compile(sc.Adam(1e-3))
    assert model.fit(x, y, verbose=0).problems == []
    model.layers[2].trainable = True
    assert "9 of 16 (56%) in relu" in model.fit(x, y, verbose=0).problems[0]


@pytest.mark.parametrize("targets", ["yes or no", "several labels"])
def test_updates_that_change_nothing_are_seen_where_the_answers_are_unbalanced(targets, reference):
    x, y = some_digits(1000)
    y = (y == 3) if targets == "yes or no" else np.eye(10)[y]
    model = sc.Sequential(
        [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(16), sc.LeakyReLU(), sc.Dense(1 if y.ndim == 1 else 10)],
        input_shape=(28, 28, 1),
    )
    model.compile(sc.SGD(1e-7), sc.BinaryCrossEntropy())
    (problem,) = model.fit(x, y, epochs=4, verbose=0).problems
    assert problem.startswith("updates too small") and "a higher learning rate than 1e-07" in problem
    model.compile(sc.Adam(3e-3), sc.BinaryCrossEntropy())
    assert model.fit(x, y, epochs=8, verbose=0).problems == []


def test_labels_that_may_be_shuffled_are_doubted_before_the_number_of_epochs(reference):
    x, y = some_digits(1000)
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(8, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Flatten(), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(14, 14, 1))
    model.compile(sc.Adam(1e-3))
    (problem,) = model.fit(x[:, ::2, ::2], np.random.default_rng(0).permutation(y), epochs=8, verbose=0).problems
    assert "hardly below 2.3, that of a network that knows nothing; check that each label belongs" in problem


def test_a_loss_on_its_way_down_has_moved(reference):
    model, x, y = trained()
    model.layers[-1].params["kernel"] *= 4
    model.compile(sc.SGD(1e-3))
    history = model.fit(x, (y + 1) % 10, epochs=6, verbose=0)
    assert history.history["loss"][-1] > 3 and not any("never moved" in problem for problem in history.problems)


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("norm", [True, False])
def test_dead_channels_are_seen_in_layers_that_run_as_one(fuse, norm, backend):
    x, y = some_digits(320)
    model = small_network(norm=norm, fuse=fuse)
    layer, name = (model.layers[2], "beta") if norm else (model.layers[1], "bias")
    layer.params[name] = np.full(4, -100.0) * [0, 1, 1, 1]
    model.compile(sc.Adam(1e-3))
    (problem,) = model.fit(x, y, verbose=0).problems
    assert problem.startswith("dead ReLUs: 3 of 4 (75%) in relu are 0 for all of the 128 training images")


def test_a_backward_by_hand_needs_a_forward_by_hand_after_it(reference):
    x, y = some_digits(320)
    model = compiled_network()
    model.fit(x, y, verbose=0)
    with pytest.raises(RuntimeError, match="needs a forward before it"):
        model.backward(np.zeros((32, 10), np.float32))
