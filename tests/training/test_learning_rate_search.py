"""The search for a learning rate: what it sees, and that nothing of it remains.

Kind of fault: a suggestion that is a matter of chance, or lies where the loss does not fall.
"""

import copy

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.training.learning_rate_search import LearningRateSearch
from support.small_networks import all_arrays, compiled_network, some_digits

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

    last = model.plan[-1]
    monkeypatch.setattr(last, "backward", lambda dy, backward=last.backward: backward(interrupted_backward(dy)))
    with pytest.raises(KeyboardInterrupt):
        sc.lr_find(model, IMAGES, LABELS, **QUICK)
    assert len(calls) == 3 and everything(model) == before


def test_rates_grow_by_a_constant_factor_and_each_is_used_for_one_update():
    model = compiled_network()
    seen = []
    step = model.optimizer.step
    model.optimizer.step = lambda *vectors: (seen.append(model.optimizer.current_learning_rate()), step(*vectors))
    search = sc.lr_find(model, IMAGES, LABELS, lowest=1e-5, highest=1e-2, sweeps=2, **QUICK)
    assert 2 * search.learning_rates == seen
    np.testing.assert_allclose(seen[:40], np.geomspace(1e-5, 1e-2, 40))
    assert len(search.losses) == len(search.smoothed_losses) == 40


def test_the_search_ends_soon_after_the_loss_shoots_up():
    search = sc.lr_find(compiled_network(sc.SGD(0.1)), IMAGES, LABELS, highest=1e6, **QUICK)
    assert len(search.losses) < 40
    assert np.isfinite(search.losses).all()
    assert search.suggestion < search.learning_rates[-1] / 10


def test_what_is_suggested_trains(backend):
    model = compiled_network(dropout=0)
    search = sc.lr_find(model, IMAGES, LABELS, **QUICK)
    model.optimizer.learning_rate = search.suggestion
    losses = model.fit(IMAGES, LABELS, epochs=10, batch_size=20, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]


def test_the_suggestion_is_read_off_where_the_loss_falls_and_rises_by_half():
    # First losses 2, lowest 0, so the mark is 1: crossed at the rate 8, and for the last time at 64.
    rates = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]
    curve = [2.0, 2.0, 1.5, 1.0, 0.0, 0.0, 0.5, 3.0]
    search = LearningRateSearch(rates, curve, curve)
    assert search.suggestion == (1 + 2 + 4 + 8) / 3  # the rates up to the one where it has fallen, in three updates
    early_end = LearningRateSearch(rates, curve, [2.0, 2.0, 1.5, 1.0, 0.0, 3.0, 3.0, 3.0])
    assert early_end.suggestion == 5.0 < 16 / 2.5
    steep = LearningRateSearch(rates, curve, [2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.0, 3.0])
    assert steep.suggestion == 64 / 2.5  # not (1 + ... + 64) / 3, too near to where it shoots up
    assert LearningRateSearch(rates, curve, steep.smoothed_losses, lag=2).suggestion == 16 / 2.5


@pytest.mark.parametrize("optimizer", [sc.SGD(), sc.SGD(momentum=0.9), sc.Adam(), sc.AdamW()], ids=repr)
def test_the_suggestion_hardly_depends_on_the_seed(optimizer):
    with sc.ops.using("jit"):
        suggestions = [suggestion(optimizer, *some_digits(2000), seed) for seed in range(4)]
    assert max(suggestions) < 2.5 * min(suggestions)


def suggestion(optimizer, x, y, seed):
    layers = [sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(16), sc.ReLU(), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), seed=seed)
    model.compile(copy.deepcopy(optimizer))
    return sc.lr_find(model, x, y, verbose=0).suggestion


def convolutional_network(optimizer, seed):
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(8, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Flatten(), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), seed=seed)
    model.compile(copy.deepcopy(optimizer))
    return model


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [sc.SGD(), sc.SGD(momentum=0.9), sc.Adam(), sc.AdamW()], ids=repr)
def test_twenty_seeds_agree_and_their_rate_is_as_good_as_the_best_of_a_grid(optimizer):
    train, test = sc.data.load_data("digits")

    def accuracy(rate):
        results = []
        for seed in range(3):
            model = convolutional_network(optimizer, seed)
            model.optimizer.learning_rate = rate
            try:
                model.fit(*train, epochs=10, verbose=0)
                results.append(model.evaluate(*test)[1])
            except FloatingPointError:
                results.append(0.1)
        return np.mean(results)

    models = (convolutional_network(optimizer, seed) for seed in range(20))
    suggestions = [sc.lr_find(model, *train, verbose=0).suggestion for model in models]
    assert max(suggestions) <= 3 * min(suggestions)
    best = max(accuracy(rate) for rate in np.geomspace(1e-3, 0.5, 9))
    assert accuracy(float(np.median(suggestions))) >= best - 0.01


def test_a_fresh_model_begins_each_sweep_with_other_initial_weights():
    model = compiled_network()
    assert first_weights(model) == 3
    model.fit(IMAGES, LABELS, verbose=0)
    assert first_weights(model) == 1  # what has been learnt is kept


def first_weights(model):
    """Return how many different weights the sweeps began with."""
    seen = []
    step = type(model.optimizer).step
    model.optimizer.step = lambda *vectors: (seen.append(vectors[0].tobytes()), step(model.optimizer, *vectors))
    sc.lr_find(model, IMAGES, LABELS, lowest=1e-6, highest=1.0, steps=4, batch_size=20, sweeps=3, verbose=0)
    del model.optimizer.step
    return len({seen[0], seen[4], seen[8]})


def test_a_loss_that_does_not_fall_is_told():
    with pytest.warns(RuntimeWarning, match=r"hardly fell, from .* at the best of the rates from 1e-12 to 1e-10"):
        sc.lr_find(compiled_network(sc.SGD()), IMAGES, LABELS, lowest=1e-12, highest=1e-10, **QUICK)


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
        ({"lowest": 0}, "0 < lowest < highest, got 0 and 10"),
        ({"highest": 1e-7}, "0 < lowest < highest"),
        ({"steps": 1}, "steps must be at least 2, got 1"),
        ({"sweeps": 0}, "sweeps must be at least 1"),
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
