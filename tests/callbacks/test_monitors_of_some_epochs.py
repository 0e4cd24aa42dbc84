"""What is measured every few epochs only, and which direction is better, as the metric itself says."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from support.small_networks import compiled_network, some_digits

pytestmark = pytest.mark.usefixtures("reference")
X, LABELS = some_digits(60)


@pytest.mark.parametrize("frequency", [2, [3], np.array([2, 4])], ids=["2", "[3]", "array"])
@pytest.mark.parametrize("given", ["split", "data"])
def test_epochs_without_a_validation_do_not_count(tmp_path, frequency, given):
    callbacks = [
        EarlyStopping("val_loss", patience=2),
        ReduceLROnPlateau("val_loss", patience=3),
        ModelCheckpoint(tmp_path / "best.npz", "val_loss", save_best_only=True),
        ModelCheckpoint(tmp_path / "{epoch}-{val_loss:.2f}.npz"),
    ]
    data = {"validation_split": 0.2} if given == "split" else {"validation_data": (X, LABELS)}
    options = {"epochs": 4, "validation_freq": frequency, "callbacks": callbacks, "verbose": 0, **data}
    compiled_network().fit(X, LABELS, **options)
    validated = [2, 4] if np.size(frequency) != 1 or frequency == 2 else [3]
    saved = sorted(int(path.name.partition("-")[0]) for path in tmp_path.glob("*-*.npz"))
    assert saved == validated and (tmp_path / "best.npz").exists()


class Rising(sc.metrics.Metric):
    """A metric whose name says nothing."""

    higher_is_better = True

    def reset_state(self):
        pass

    def update_state(self, targets, predictions):
        pass

    def result(self):
        Rising.value += 1
        return Rising.value


@pytest.mark.parametrize(
    ("metric", "higher"),
    [
        (sc.metrics.F1Score("f1_macro"), True),
        (sc.metrics.TopKAccuracy(2, name="top_2"), True),
        (sc.metrics.Precision("p"), True),
        (Rising("quality"), True),
        (type("Falling", (Rising,), {"higher_is_better": False})("accuracy_gap_score"), False),
        (type("Unknown", (Rising,), {"higher_is_better": None})("my_f1"), True),
        (type("Unknown", (Rising,), {"higher_is_better": None})("distance"), False),
    ],
)
def test_the_metric_says_whether_higher_is_better_and_else_its_name_does(metric, higher):
    Rising.value = 0.0
    model = compiled_network()
    model.compile(sc.SGD(0.01), metrics=[metric])
    for name in (metric.name, f"val_{metric.name}"):
        stopping = EarlyStopping(name, patience=10)
        model.fit(X, LABELS, callbacks=stopping, validation_split=0.2, verbose=0)
        assert stopping.monitor.sign == (1 if higher else -1)
        opposite = EarlyStopping(name, patience=10, mode="min" if higher else "max")
        model.fit(X, LABELS, callbacks=opposite, validation_split=0.2, verbose=0)
        assert opposite.monitor.sign == (-1 if higher else 1)


@pytest.mark.parametrize("metric", ["accuracy", "f1", "precision", "recall", "top_k_accuracy"])
def test_metrics_of_classes_are_refused_where_nothing_is_classified(metric):
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(1)], input_shape=(28, 28, 1))
    model.compile(loss="mse", metrics=[metric])
    with pytest.raises(ValueError, match=r"there is no .* with MeanSquaredError .*: nothing is classified"):
        model.fit(X, LABELS[:, None].astype(float), verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"validation_batch_size": 0, "validation_split": 0.5}, "validation_batch_size must be at least 1, got 0"),
        ({"class_weight": dict.fromkeys(range(10), 0.0)}, "class_weight gives all samples the weight 0"),
    ],
)
def test_what_would_be_ignored_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        compiled_network().fit(X, LABELS, verbose=0, **arguments)
