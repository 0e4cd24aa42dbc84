"""Averaged weights: the formula, and at which moments the model holds them."""

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.callbacks import Callback
from support.small_networks import all_arrays, compiled_network, some_digits

IMAGES, LABELS = some_digits(60)


class Watch(Callback):
    """Keeps the weights after each update, when an epoch's validation is about to begin, and after each epoch."""

    def on_train_begin(self):
        self.updates, self.validated, self.epochs = [self.model.get_weights()], [], []

    def on_train_batch_end(self, batch, logs):
        self.updates.append(self.model.get_weights())

    def on_epoch_train_end(self, epoch):
        self.validated.append(self.model.get_weights())

    def on_epoch_end(self, epoch, logs):
        self.epochs.append(self.model.get_weights())


class InterruptAtBatch(Callback):
    def __init__(self, batch):
        self.batch = batch

    def on_train_batch_end(self, batch, logs):
        if batch == self.batch:
            raise KeyboardInterrupt


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def averages(updates, decay, warmup):
    """Return the averages after each update, from the weights before the first one and after each."""
    average = [weight.astype(np.float64) for weight in updates[0]]
    result = []
    for n, weights in enumerate(updates[1:], start=1):
        d = min(decay, n / (n + warmup))
        average = [d * a + (1 - d) * w for a, w in zip(average, weights, strict=True)]
        result.append(average)
    return result


def fitted(average, epochs=3, callbacks=(), **options):
    model, watch = compiled_network(), Watch()
    model.fit(
        IMAGES, LABELS, epochs=epochs, batch_size=20, callbacks=[average, watch, *callbacks], verbose=0, **options
    )
    return model, watch


@pytest.mark.parametrize("decay, warmup", [(0.9, 0), (0.9, 2), (0.999, 10), (0, 0)])
def test_the_average_follows_its_formula_batch_norm_statistics_included(decay, warmup):
    model, watch = fitted(sc.ExponentialMovingAverage(decay, warmup))
    expected = averages(watch.updates, decay, warmup)[-1]
    assert len(expected) == 8, "kernel, bias, gamma, beta, two moving statistics, kernel, bias"
    for actual, average in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(actual, average, rtol=1e-6, atol=1e-7)


def test_training_takes_the_course_it_takes_without_averaging():
    watch = Watch()
    compiled_network().fit(IMAGES, LABELS, epochs=3, batch_size=20, callbacks=[watch], verbose=0)
    _, averaged = fitted(sc.ExponentialMovingAverage(0.9))
    assert all(same(*pair) for pair in zip(watch.updates, averaged.updates, strict=True))


def test_validation_measures_the_average_and_epochs_end_with_it():
    model, watch = fitted(sc.ExponentialMovingAverage(0.9), validation_data=(IMAGES, LABELS))
    expected = averages(watch.updates, 0.9, 10)[2::3]  # three updates an epoch
    for validated, ended, average in zip(watch.validated, watch.epochs, expected, strict=True):
        assert same(validated, ended)
        assert all(np.allclose(a, b, atol=1e-7) for a, b in zip(ended, average, strict=True))
    assert same(model.get_weights(), watch.epochs[-1])
    assert model.history.history["val_loss"][-1] == model.evaluate(IMAGES, LABELS, batch_size=20)[0]


def test_a_checkpoint_holds_the_average(tmp_path):
    saves = sc.callbacks.ModelCheckpoint(tmp_path / "{epoch}.npz")
    _, watch = fitted(sc.ExponentialMovingAverage(0.9), callbacks=[saves])
    for epoch, weights in enumerate(watch.epochs, start=1):
        assert same(sc.load_model(tmp_path / f"{epoch}.npz").get_weights(), weights)


def test_early_stopping_restores_the_best_average():
    stop = sc.callbacks.EarlyStopping(monitor="accuracy", mode="min", restore_best_weights=True)
    model, watch = fitted(sc.ExponentialMovingAverage(0.9), epochs=5, callbacks=[stop])
    assert len(watch.epochs) > stop.best_epoch + 1
    assert same(model.get_weights(), watch.epochs[stop.best_epoch])


def test_an_interrupted_epoch_leaves_the_average():
    model, watch = compiled_network(), Watch()
    callbacks = [sc.ExponentialMovingAverage(0.5), watch, InterruptAtBatch(1)]
    with pytest.raises(KeyboardInterrupt):
        model.fit(IMAGES, LABELS, batch_size=20, callbacks=callbacks, verbose=0)
    expected = averages(watch.updates, 0.5, 10)[-1]
    assert len(watch.updates) == 3
    assert all(np.allclose(a, b, atol=1e-7) for a, b in zip(model.get_weights(), expected, strict=True))


def test_a_second_fit_starts_at_the_average_of_the_first():
    average = sc.ExponentialMovingAverage(0.9)
    model, watch = fitted(average)
    ended = watch.epochs[-1]
    model.fit(IMAGES, LABELS, epochs=1, callbacks=[average, watch], verbose=0)
    assert same(watch.updates[0], ended)


def test_without_an_epoch_nothing_changes():
    model = compiled_network()
    before = all_arrays(model)
    model.fit(IMAGES, LABELS, epochs=0, callbacks=[sc.ExponentialMovingAverage()], verbose=0)
    assert all_arrays(model) == before


def test_decays_and_warm_ups_without_a_meaning_are_refused():
    with pytest.raises(ValueError, match=r"decay must lie in \[0, 1\), got 1"):
        sc.ExponentialMovingAverage(1)
    with pytest.raises(ValueError, match="warmup must be a finite number >= 0, got -1"):
        sc.ExponentialMovingAverage(0.9, warmup=-1)
