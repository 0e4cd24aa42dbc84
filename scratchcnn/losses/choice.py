"""What ``compile(loss=...)`` takes: a loss, or the name that Keras gives it."""

from __future__ import annotations

from typing import Any

from ..checks.messages import shown
from .binary_cross_entropy import BinaryCrossEntropy
from .mean_squared_error import MeanSquaredError
from .protocol import Loss
from .softmax_cross_entropy import SoftmaxCrossEntropy

NAMES = {  # in small letters, without _
    "sparsecategoricalcrossentropy": SoftmaxCrossEntropy,
    "categoricalcrossentropy": SoftmaxCrossEntropy,
    "softmaxcrossentropy": SoftmaxCrossEntropy,
    "crossentropy": SoftmaxCrossEntropy,
    "binarycrossentropy": BinaryCrossEntropy,
    "meansquarederror": MeanSquaredError,
    "mse": MeanSquaredError,
}


def as_loss(loss: Any) -> Loss:
    """Return a loss: the one that is given, or that of a name; a ValueError where there is none of that name."""
    if loss is None:
        return SoftmaxCrossEntropy()
    if not isinstance(loss, str):
        return loss
    kind = NAMES.get(loss.strip().lower().replace("_", "").replace(" ", ""))
    if kind is None:
        raise ValueError(
            f"there is no loss {shown(loss)}; there are sc.SoftmaxCrossEntropy(), sc.BinaryCrossEntropy(), "
            "sc.MeanSquaredError(), and an object of yours with forward and backward (sc.losses.Loss)"
        )
    return kind()
