"""Which samples are trained on, and which are held out to validate on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..network.network import Network
from .checks import as_samples

VALIDATION_STREAM = 1  # of the numbers that come from a model's seed; stream 0, the model's rng, must not be disturbed


def training_and_validation(
    model: Network, x: np.ndarray, y: np.ndarray, data: tuple[Any, Any] | None, split: float
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
    """Return the numbers of the samples to train on, ascending, and the images and labels to validate on, if any."""
    if data is not None:
        if split:
            raise ValueError("pass validation_data or validation_split, not both")
        if not (isinstance(data, tuple | list) and len(data) == 2):
            raise ValueError("validation_data must be a pair: (images, labels)")
        return np.arange(len(x)), as_samples(model, *data)
    if not split:
        return np.arange(len(x)), None
    held_out = round(len(x) * split) if 0 < split < 1 else 0
    if not 0 < held_out < len(x):
        raise ValueError(
            f"validation_split must be a fraction between 0 and 1 that leaves samples on both sides, "
            f"got {split} with {len(x)} samples"
        )
    order = np.random.default_rng([model.seed, VALIDATION_STREAM]).permutation(len(x))
    held_out_samples = np.sort(order[:held_out])
    return np.sort(order[held_out:]), (x[held_out_samples], y[held_out_samples])
