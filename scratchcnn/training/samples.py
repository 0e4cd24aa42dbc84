"""What is trained on or measured: arrays of samples, each of which may count more or less.

Letters: N samples, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..checks.advice.objects import as_array
from ..checks.inputs import as_contiguous, as_integer
from ..checks.messages import shown
from ..checks.settings import at_least_zero
from ..losses.use import require_sample_losses
from ..network.network import Network
from .batches import Batch
from .checks import as_samples, is_ready


class Samples(NamedTuple):
    """Checked images (N, *input_shape), perhaps larger than the memory, their targets, and how much each counts."""

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None = None

    def batches(self, model: Network, size: int) -> Iterator[Batch]:
        """Yield all samples in their order."""
        ready = is_ready(model, self.x)
        for start in range(0, len(self.x), size):
            part = slice(start, start + size)
            images = self.x[part] if ready else as_contiguous(self.x[part], model.dtype)
            yield Batch(images, self.y[part], None if self.weights is None else self.weights[part])


def checked_samples(model: Network, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None) -> Samples:
    """Return what a user wants to train on or measure, or raise a ValueError that says what is wrong."""
    x, y = as_samples(model, x, y)
    return Samples(x, y, _as_weights(model, y, sample_weight, class_weight))


def _as_weights(model: Network, y: np.ndarray, sample_weight: Any, class_weight: Any) -> np.ndarray | None:
    """Return the product of what each sample and its class count, (N,) in the model's dtype; None: all the same."""
    if sample_weight is None and class_weight is None:
        return None
    require_sample_losses(model.loss, "sample_weight" if class_weight is None else "class_weight")
    weights = np.ones(len(y)) if sample_weight is None else _checked_weights(sample_weight, len(y))
    if class_weight is not None:
        weights = weights * _of_classes(model, y, class_weight)
        if not weights.any():
            raise ValueError("class_weight gives all samples the weight 0: there would be nothing to learn")
    return as_contiguous(weights, model.dtype)


def _checked_weights(sample_weight: Any, samples: int) -> np.ndarray:
    weights = as_array(sample_weight, "sample_weight", "sample_weight")
    if weights.shape == (samples, 1):
        weights = weights[:, 0]
    if weights.shape != (samples,) or weights.dtype.kind not in "biuf":
        raise ValueError(
            f"sample_weight must be one number for each of {samples} samples, got {weights.dtype} of shape "
            f"{weights.shape}"
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError("sample_weight must be finite numbers >= 0, not all of them 0")
    return weights


def _of_classes(model: Network, y: np.ndarray, class_weight: Any) -> np.ndarray:
    """Return the weight of each sample's class, (N,); those of classes that are not told are 1, as in Keras."""
    if not isinstance(class_weight, dict):
        given = class_weight.tolist() if isinstance(class_weight, np.ndarray) else class_weight
        advice = "; pass dict(enumerate(class_weight))" if isinstance(given, list | tuple) else ""
        if isinstance(given, str):
            advice = "; for 'balanced' pass {k: len(y) / (classes * n) for k, n in enumerate(np.bincount(y))}"
        raise ValueError(
            f"class_weight must be a dictionary from class numbers to weights, such as {{0: 1.0, 1: 5.0}}, got "
            f"{shown(given)}{advice}"
        )
    binary = model.output_shape == (1,)
    count = 2 if binary else model.output_shape[-1]
    if y.ndim == 2 and not binary:
        y = y.argmax(axis=1)
    labels = y.reshape(-1)
    if len(labels) != len(y) or not (labels == np.floor(labels)).all():
        raise ValueError(f"class_weight needs targets that are class numbers, got {y.dtype} of shape {y.shape}")
    table = np.ones(count)
    for number, weight in class_weight.items():
        number = as_integer("a class of class_weight", number, 0)
        if number >= count:
            raise ValueError(f"class_weight has a class {number}, the model knows 0 to {count - 1}")
        table[number] = at_least_zero(f"class_weight[{number}]", weight)
    known = (labels >= 0) & (labels < count)  # others are labels that the loss ignores
    return np.where(known, table[np.where(known, labels, 0).astype(np.int64)], 1.0)
