"""fit: batches, books, randomness, interruptions, callbacks, and what is shown."""

import re

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.training.step import train_step
from support.small_networks import all_arrays, compiled_network, small_network, some_digits
from support.trainings import IMAGES, LABELS, Interrupt, Recorder


def test_training_learns():
    model = compiled_network(dropout=0)
    history = model.fit(IMAGES, LABELS, epochs=8, batch_size=10, verbose=0)
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    assert history.history["accuracy"][-1] > 0.8


def test_history_has_a_number_for_each_epoch_and_is_kept_by_the_model():
    model = compiled_network()
    history = model.fit(IMAGES, LABELS, epochs=3, validation_split=0.2, verbose=0)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(len(values) == 3 and all(type(v) is float for v in values) for values in history.history.values())
    assert history.epoch == [0, 1, 2]
    assert model.history is history
    assert re.match(r"History\(epochs=3, latest: loss=\d\.\d{4}, accuracy=", repr(history))


def test_the_loss_of_an_epoch_is_the_mean_over_its_samples_before_each_update():
    # A learning rate of 0: all batches, the last of 2 images too, are seen by the same weights.
    model = compiled_network(sc.SGD(0.0), dropout=0, norm=False)
    history = model.fit(IMAGES, LABELS, batch_size=16, verbose=0)
    loss, accuracy = model.evaluate(IMAGES, LABELS)
    assert history.history["loss"] == [pytest.approx(loss, rel=1e-5)]
    assert history.history["accuracy"] == [pytest.approx(accuracy)]


def test_validation_is_what_evaluate_measures_after_the_epoch():
    model = compiled_network()
    held_out = some_digits(30, start=50)
    history = model.fit(IMAGES, LABELS, epochs=2, validation_data=held_out, verbose=0)
    measured = history.history["val_loss"][-1], history.history["val_accuracy"][-1]
    assert measured == pytest.approx(model.evaluate(*held_out), rel=1e-5)


def test_validation_changes_nothing_in_the_training():
    one, other = compiled_network(), compiled_network()
    one.fit(IMAGES, LABELS, epochs=2, verbose=0)
    other.fit(IMAGES, LABELS, epochs=2, validation_data=some_digits(30, start=50), verbose=0)
    assert all_arrays(one) == all_arrays(other)


def seen_in_each_batch(model, count=50, **options):
    """Return the numbers of the samples in each batch: image i is filled with the value i."""
    images = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None], (count, 28, 28))
    batches, forward = [], model.forward

    def noted(x, training=False):
        if training:
            batches.append(x[:, 0, 0, 0].tolist())
        return forward(x, training)

    model.forward = noted
    model.fit(images, np.arange(count) % 10, verbose=0, **options)
    return batches


def flat(batches):
    return [number for batch in batches for number in batch]


def test_every_epoch_visits_every_sample_once_in_a_new_order():
    batches = seen_in_each_batch(compiled_network(), epochs=2, batch_size=16)
    assert [len(batch) for batch in batches] == [16, 16, 16, 2] * 2
    first, second = flat(batches[:4]), flat(batches[4:])
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second != list(range(50))


def test_without_shuffle_the_samples_come_in_the_order_given():
    assert flat(seen_in_each_batch(compiled_network(), shuffle=False)) == list(range(50))


def test_validation_split_sets_aside_random_samples_that_depend_on_the_seed_alone():
    first = seen_in_each_batch(compiled_network(), epochs=2, validation_split=0.2)
    trained_on = set(flat(first))
    assert len(trained_on) == 40 and len(flat(first)) == 80
    assert trained_on != set(range(40)), "not the first ones"
    later = compiled_network()
    later.fit(IMAGES, LABELS, verbose=0)  # other draws from the generator in between
    assert set(flat(seen_in_each_batch(later, validation_split=0.2))) == trained_on
    assert set(flat(seen_in_each_batch(compiled_network(seed=1), validation_split=0.2))) != trained_on


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    models = [compiled_network(seed=seed) for seed in (5, 5, 6)]
    histories = [model.fit(IMAGES, LABELS, epochs=2, validation_split=0.2, verbose=0).history for model in models]
    assert all_arrays(models[0]) == all_arrays(models[1]) != all_arrays(models[2])
    assert histories[0] == histories[1] != histories[2]


def test_the_labels_of_a_batch_are_those_of_its_images():
    model = compiled_network()
    labels_seen, forward = [], model.loss.forward

    def noted(logits, labels):
        labels_seen.append(labels.tolist())
        return forward(logits, labels)

    model.loss.forward = noted
    batches = seen_in_each_batch(model, batch_size=16)
    assert [[number % 10 for number in batch] for batch in batches] == labels_seen


def test_fit_is_train_step_over_batches_and_nothing_else():
    one, other = compiled_network(), compiled_network()
    one.fit(IMAGES, LABELS, batch_size=25, verbose=0)
    order = other.rng.permutation(50)
    for chosen in (order[:25], order[25:]):
        train_step(other, IMAGES[chosen][..., None], LABELS[chosen].astype(np.int64))
    assert all_arrays(one) == all_arrays(other)


def test_a_loop_of_ones_own_needs_only_forward_backward_and_step():
    model, loss, adam = small_network(dropout=0), sc.SoftmaxCrossEntropy(), sc.Adam(1e-2)
    losses = []
    for _ in range(20):
        losses.append(loss.forward(model.forward(IMAGES[..., None], training=True), LABELS))
        model.backward(loss.backward())
        adam.step(model.parameters, model.gradients)
    assert losses[-1] < 0.5 * losses[0]


def test_initial_epoch_counts_on_from_there():
    history = compiled_network().fit(IMAGES, LABELS, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]
    with pytest.warns(RuntimeWarning, match="fit runs no epoch"):
        assert compiled_network().fit(IMAGES, LABELS, epochs=3, initial_epoch=3, verbose=0).epoch == []


def test_ctrl_c_leaves_a_history_of_the_finished_epochs_and_a_model_that_works():
    model, recorder = compiled_network(), Recorder()
    with pytest.raises(KeyboardInterrupt):
        model.fit(IMAGES, LABELS, epochs=9, callbacks=[recorder, Interrupt(2, 1)], verbose=0)
    assert model.history.epoch == [0, 1]
    assert len(model.history.history["loss"]) == 2
    assert recorder.calls[-1] == "train end"
    assert np.isfinite(model.evaluate(IMAGES, LABELS)).all()
    model.fit(IMAGES, LABELS, verbose=0)


def test_a_loss_that_becomes_nan_stops_the_training_and_says_what_to_do():
    model = sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.compile(sc.SGD(1e37))
    message = (
        r"the loss became (nan|inf) after 1 updates: training has diverged; lower the learning rate \(now 1e\+37\)"
    )
    with pytest.raises(FloatingPointError, match=message), np.errstate(all="ignore"):
        model.fit(IMAGES, LABELS, epochs=50, verbose=0)


def test_callbacks_are_called_at_every_moment_in_order():
    recorder = Recorder()
    compiled_network().fit(
        IMAGES, LABELS, epochs=2, batch_size=25, validation_split=0.5, callbacks=[recorder], verbose=0
    )
    epochs = [[f"epoch {e} begin", "batch 0", f"epoch {e} end: loss, accuracy, val_loss, val_accuracy"] for e in (0, 1)]
    assert recorder.calls == ["train begin", *epochs[0], *epochs[1], "train end"]
    assert (recorder.epochs, recorder.steps) == (2, 1)


def test_a_callback_can_stop_the_training_after_the_epoch():
    class Stop(sc.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            self.model.stop_training = True

    model = compiled_network()
    assert model.fit(IMAGES, LABELS, epochs=9, callbacks=[Stop()], verbose=0).epoch == [0]
    assert model.fit(IMAGES, LABELS, epochs=2, verbose=0).epoch == [0, 1], "the wish does not outlast its fit"
