"""Which samples are trained on, and which are held out to validate on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks.settings import as_number
from ..network.network import Network
from .samples import Samples, checked_samples
from .streams import Stream, is_stream

VALIDATION_STREAM = 1  # of the numbers that come from a model's seed; stream 0, the model's rng, must not be disturbed


def validation_of(model: Network, data: Any, passes: int, steps: int | None) -> Samples | Stream:
    """Return what is passed as ``validation_data``, checked."""
    if is_stream(data):
        return Stream(model, data, "validation_data", passes, steps)
    if not (isinstance(data, tuple | list) and len(data) in (2, 3)):
        raise ValueError(
            "validation_data must be (images, labels), (images, labels, sample_weight), or an iterable of such batches"
        )
    if steps is not None:
        raise ValueError("validation_steps is for iterables of batches; of arrays pass a part: (x[:1000], y[:1000])")
    return checked_samples(model, *data)


def held_out_samples(model: Network, samples: Samples, split: float) -> tuple[np.ndarray, Samples]:
    """Return the numbers of the samples to train on, ascending, and those that are held out."""
    x, y, weights = samples
    split = as_number("validation_split", split)
    held_out = round(len(x) * split) if 0 < split < 1 else 0
    if not 0 < held_out < len(x):
        raise ValueError(
            f"validation_split must be a fraction between 0 and 1 that leaves samples on both sides, "
            f"got {split} with {len(x)} samples"
        )
    order = np.random.default_rng([model.seed, VALIDATION_STREAM]).permutation(len(x))
    held_out_samples = np.sort(order[:held_out])
    kept = None if weights is None else weights[held_out_samples]
    return np.sort(order[held_out:]), Samples(x[held_out_samples], y[held_out_samples], kept)
