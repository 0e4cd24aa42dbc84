"""What is and is not an iterable of batches, and what is said where something else was meant."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import compiled_network, some_digits

pytestmark = pytest.mark.usefixtures("reference")
X, LABELS = some_digits(64)
BATCHES = [(X[:32], LABELS[:32]), (X[32:], LABELS[32:])]


class WithoutLength:
    """As a DataLoader of an IterableDataset: the method is there, and raises."""

    def __iter__(self):
        return iter(BATCHES)

    def __len__(self):
        raise TypeError("object of type 'Endless' has no len()")


def test_batches_that_are_lists_are_those_of_tuples():
    """``list(DataLoader(...))`` is a list of lists; with two batches it could be taken for images and labels."""
    lists, tuples = compiled_network(dropout=0), compiled_network(dropout=0)
    as_lists = [list(batch) for batch in BATCHES]
    got = lists.fit(as_lists, epochs=2, validation_data=as_lists, verbose=0).history
    assert got == tuples.fit(BATCHES, epochs=2, validation_data=BATCHES, verbose=0).history
    assert lists.evaluate(as_lists) == tuples.evaluate(BATCHES)
    assert np.array_equal(lists.predict(as_lists), tuples.predict(BATCHES))


def test_an_iterable_whose_length_nobody_knows_trains():
    known, unknown = compiled_network(dropout=0), compiled_network(dropout=0)
    assert known.fit(BATCHES, verbose=0).history == unknown.fit(WithoutLength(), verbose=0).history


@pytest.mark.parametrize("samples", [[(0.1, 0.2), (0.3, 0.4)], [[0.1, 0.2], [0.3, 0.4]], [((0, 1), (1, 0))] * 3])
def test_samples_of_two_numbers_or_rows_are_no_batches(samples):
    shape = np.shape(samples)[1:]
    model = sc.Sequential([sc.Flatten(), sc.Dense(3)], input_shape=shape)
    assert model.predict(samples).shape == (len(samples), 3)


@pytest.mark.parametrize("x", [WithoutLength(), BATCHES], ids=["iterable", "list"])
@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_targets_beside_batches_are_refused(method, x):
    with pytest.raises(ValueError, match=r"yields batches \(images, targets\); leave y out"):
        getattr(compiled_network(), method)(x, LABELS, verbose=0)
    with pytest.raises(ValueError, match=r"if it yields batches .*, leave y out; of images pass list"):
        getattr(compiled_network(), method)(iter(x), LABELS, verbose=0)


def test_single_samples_are_told_from_batches():
    samples = [(X[i][..., None], int(LABELS[i])) for i in range(8)]
    with pytest.raises(ValueError, match=r"yields single samples: .*DataLoader\(dataset, batch_size=32\)"):
        compiled_network().fit(iter(samples), verbose=0)


def test_predict_and_evaluate_refuse_what_they_cannot_do_with_batches_alike():
    model = compiled_network()
    with pytest.raises(ValueError, match=r"x yields 2 batches .any more., and steps is 5"):
        model.predict(iter(BATCHES), steps=5)
    with pytest.raises(ValueError, match="x yields no batches"):
        model.predict(iter([]))
    with pytest.raises(ValueError, match="batch_size is for arrays"):
        model.predict(iter(BATCHES), batch_size=3)
    assert len(model.predict(iter(BATCHES), steps=1)) == 32


@pytest.mark.parametrize("argument", ["validation_steps", "validation_batch_size", "validation_freq"])
def test_how_to_validate_is_refused_where_there_is_nothing_to_validate_with(argument):
    model = compiled_network()
    with pytest.raises(ValueError, match=f"{argument} says how to validate, .*: pass validation_data"):
        model.fit(X, LABELS, verbose=0, **{argument: 2})
    if argument != "validation_steps":
        model.fit(X, LABELS, verbose=0, validation_split=0.5, **{argument: 2})


def test_a_class_is_no_iterable():
    with pytest.raises(ValueError, match="validation_data must be"):
        compiled_network().fit(X, LABELS, validation_data=WithoutLength, verbose=0)


def test_a_message_shows_a_batch_in_one_line():
    with pytest.raises(ValueError, match="must yield") as error:
        compiled_network().fit(iter([{"images": X[:2].astype(float)}]), verbose=0)
    assert "\n" not in str(error.value)
