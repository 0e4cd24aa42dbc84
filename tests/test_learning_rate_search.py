"""The search for a learning rate: what it sees, and that nothing of it remains."""

import copy

import numpy as np
import pytest
from small_networks import all_arrays, compiled_network, some_digits

import scratchcnn as sc

IMAGES, LABELS = some_digits(120)
QUICK = {"steps": 40, "batch_size": 20, "verbose": 0}


def everything(model):
    """Return all that a training depends on."""
    optimizer = model.optimizer
    return all_arrays(model), optimizer.iterations, optimizer.learning_rate, str(model.rng.bit_generator.state)


@pytest.mark.parametrize(
    "optimizer",
    [
        sc.SGD(0.1),
        sc.SGD(0.1, momentum=0.9),
        sc.Adam(sc.schedules.OneCycle(0.01, 100)),
        sc.AdamW(1e-3, global_clipnorm=1.0),
    ],
    ids=repr,
)
def test_the_model_is_afterwards_what_it_was_to_the_bit(optimizer):
    model = compiled_network(copy.deepcopy(optimizer))
    model.fit(IMAGES, LABELS, verbose=0)
    before, history = everything(model), model.history
    sc.lr_find(model, IMAGES, LABELS, **QUICK)
    assert everything(model) == before
    assert model.history is history


def test_a_training_takes_the_same_course_with_a_search_before_it():
    models = compiled_network(), compiled_network()
    sc.lr_find(models[0], IMAGES, LABELS, **QUICK)
    for model in models:
        model.fit(IMAGES, LABELS, batch_size=20, verbose=0)
    assert all_arrays(models[0]) == all_arrays(models[1])


def test_the_model_is_restored_when_the_search_is_interrupted(monkeypatch):
    model = compiled_network()
    before = everything(model)
    calls = []

    def interrupted_backward(dlogits):
        calls.append(dlogits)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return dlogits

    last = model.steps[-1]
    monkeypatch.setattr(last, "backward", lambda dy, backward=last.backward: backward(interrupted_backward(dy)))
    with pytest.raises(KeyboardInterrupt):
        sc.lr_find(model, IMAGES, LABELS, **QUICK)
    assert len(calls) == 3 and everything(model) == before


def test_rates_grow_by_a_constant_factor_and_each_is_used_for_one_update():
    model = compiled_network()
    seen = []
    step = model.optimizer.step
    model.optimizer.step = lambda *vectors: (seen.append(model.optimizer.current_learning_rate()), step(*vectors))
    search = sc.lr_find(model, IMAGES, LABELS, lowest=1e-5, highest=1e-3, **QUICK)
    assert search.learning_rates == seen
    np.testing.assert_allclose(seen, np.geomspace(1e-5, 1e-3, 40))
    assert len(search.losses) == len(search.smoothed_losses) == 40


def test_the_search_ends_soon_after_the_loss_shoots_up():
    search = sc.lr_find(compiled_network(sc.SGD(0.1)), IMAGES, LABELS, highest=1e6, **QUICK)
    assert len(search.losses) < 40
    assert np.isfinite(search.losses).all()
    assert search.suggestion < search.learning_rates[-1] / 10


def test_what_is_suggested_trains(backend):
    model = compiled_network(dropout=0)
    search = sc.lr_find(model, IMAGES, LABELS, **QUICK)
    best = search.learning_rates[int(np.argmin(search.smoothed_losses))]
    assert search.suggestion == best / 10
    model.optimizer.learning_rate = search.suggestion
    losses = model.fit(IMAGES, LABELS, epochs=10, batch_size=20, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]


def test_the_smoothed_loss_is_a_mean_over_neighbours_on_both_sides():
    search = sc.lr_find(compiled_network(), IMAGES, LABELS, steps=60, verbose=0)
    assert search.smoothed_losses[7] == pytest.approx(np.mean(search.losses[5:10]))
    assert search.smoothed_losses[0] == pytest.approx(np.mean(search.losses[:3]))


def test_a_loss_that_is_not_finite_from_the_start_is_an_error():
    model = compiled_network()
    model.parameters[:] = np.nan
    with pytest.raises(ValueError, match="not a finite number before any update"):
        sc.lr_find(model, IMAGES, LABELS, **QUICK)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"lowest": 0}, "0 < lowest < highest, got 0 and 1"),
        ({"highest": 1e-7}, "0 < lowest < highest"),
        ({"steps": 1}, "steps must be at least 2, got 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
    ],
)
def test_arguments_without_a_meaning_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sc.lr_find(compiled_network(), IMAGES, LABELS, **arguments)


def test_the_model_must_be_compiled():
    model = sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    with pytest.raises(RuntimeError, match="not compiled"):
        sc.lr_find(model, IMAGES, LABELS)
