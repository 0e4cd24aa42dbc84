"""Does a gradient belong to the latest batch alone? A layer that has seen other batches must answer as a fresh one.

Training calls the same layer thousands of times, and a mistake that one call on fresh arrays hides makes it learn
something else: gradients that are added up (``+=`` for ``=``), an input or a mask kept from the first batch, rows left
of a larger one, a loss that piles up. So a second copy is led through a history before the two are compared: larger and
smaller batches of other values, other parameters, training and inference, another ``dy``, memory filled with NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .subjects import ContractError, Gradients, Subject

AGREE = 1e-9  # relative to the largest element; the same operations on the same numbers give the same to all digits

Batch = tuple[np.ndarray, Any]


def examine(
    fresh: Subject, used: Subject, batch: Batch, other_batch: Callable[[int], Batch]
) -> tuple[Gradients, list[str]]:
    """Return the gradients of a fresh subject, and how one with a history differs, a sentence each.

    Parameters
    ----------
    fresh, used : Subject
        Two copies of the same.
    batch : (ndarray, targets)
        What the gradients are wanted for.
    other_batch : callable
        Number of samples -> (ndarray, targets), with other values each time.

    Raises
    ------
    ContractError
        If ``forward`` gives different outputs for the same input, or no numbers, so that there is nothing to
        differentiate; and what ``Subject.run`` raises.
    """
    outputs, gradients = fresh.run(*batch)
    if not np.array_equal(outputs, fresh.outputs(*batch), equal_nan=True):
        raise ContractError(
            f"{fresh.name}.forward gave two different outputs for the same input; a layer must take its random numbers "
            "from the generator given to build, and nothing else may change between calls"
        )
    if not np.isfinite(outputs).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(outputs))[0])
        raise ContractError(
            f"{fresh.name}.forward gives {outputs[place]} (output {place}), which has no derivative; pass an input for "
            "which all outputs are finite"
        )
    try:
        again = _with_history(used, batch, other_batch)
    except ContractError:
        raise
    except Exception as error:
        samples = len(batch[0])
        raise ContractError(
            f"{used.name} works on {samples} samples, but fails where batches of other sizes come before: {error}; "
            "any number of samples may follow any other, and nothing may be kept of earlier ones"
        ) from error
    faults = _differences(used.name, "after other batches", (outputs, gradients), again)
    if not faults and used.arrays:
        faults = _without_dx(used, batch, (outputs, gradients))
    return gradients, faults


def _with_history(used: Subject, batch: Batch, other_batch: Callable[[int], Batch]) -> tuple[np.ndarray, Gradients]:
    x = batch[0]
    samples = len(x)
    with used.other_parameters():
        used.run(*other_batch(samples + 2))
        used.run(*other_batch(samples))
        used.outputs(*other_batch(1), training=not used.training)
        used.poison()
        used.outputs(*other_batch(samples + 2))
    used.run(*other_batch(samples))  # of the same shape: what is kept by shape must not be kept
    used.run(x, other_batch(samples)[1])
    used.poison()
    used.outputs(*batch)
    return used.run(*batch)


def _without_dx(used: Subject, batch: Batch, expected: tuple[np.ndarray, Gradients]) -> list[str]:
    """Return how the gradients differ where training does not ask for dx: in the first layer that learns."""
    used.poison()
    try:
        outputs, gradients = used.run(*batch, input_gradient=False)
    except Exception:
        return []  # that goes wrong in training as well, and aloud
    gradients[used.input_name] = expected[1][used.input_name]  # which may be None, and may be anything
    situation = "where dx is not wanted (needs_input_gradient=False, as in the first layer that learns)"
    return _differences(used.name, situation, expected, (outputs, gradients))


def _differences(
    name: str, situation: str, expected: tuple[np.ndarray, Gradients], found: tuple[np.ndarray, Gradients]
) -> list[str]:
    pairs = {(name, "the output"): (expected[0], found[0])}
    pairs |= {key: (gradient, found[1][key]) for key, gradient in expected[1].items()}
    return [
        f"{layer}: {what}{place} is {after:.10g} {situation}, but {before:.10g} in a fresh copy: "
        + (
            "it adds to what was there before (+= for =), or reads memory that it has not filled"
            if np.isnan(after)
            else "something is left of an earlier batch; forward and backward must replace all that they keep, and "
            "fill gradients with =, not +="
        )
        for (layer, what), (one, other) in pairs.items()
        for place, before, after in _first_difference(one, other)
    ]


def _first_difference(expected: Any, found: Any) -> list[tuple[str, float, float]]:
    """Return the index and both values of the element that differs most, in a list; an empty list if none does."""
    if expected is None or found is None or np.shape(expected) != np.shape(found) or np.size(expected) == 0:
        same = np.shape(expected) == np.shape(found) and (expected is None) == (found is None)
        return [] if same else [(f", of shape {np.shape(expected)},", np.nan, np.nan)]
    expected, found = np.atleast_1d(expected, found)
    difference = np.abs(expected - found)
    difference[np.isnan(difference)] = np.inf
    difference[(expected == found) | (np.isnan(expected) & np.isnan(found))] = 0
    largest = np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0)
    place = np.unravel_index(np.argmax(difference), difference.shape)
    if difference[place] <= AGREE * largest:
        return []
    return [(f"[{', '.join(map(str, place))}]", float(expected[place]), float(found[place]))]
