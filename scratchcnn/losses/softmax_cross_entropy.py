"""The loss of a classifier: softmax and cross-entropy together.

Letters: N batch, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..checks.class_targets import as_class_targets
from ..checks.inputs import as_contiguous, as_integer
from ..checks.messages import shown
from ..checks.settings import Setting, as_number, at_least_zero
from ..types import Shape
from .base import LossFunction, float_dtype
from .classification import classes, count_correct

NOTHING_IGNORED = -1  # which is no class


def _smoothing(name: str, value: Any) -> float:
    number = as_number(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, got {shown(value)}")
    return number


def _weights(name: str, value: Any) -> tuple[float, ...] | None:
    if value is None:
        return None
    if isinstance(value, dict) or not np.iterable(value):
        raise ValueError(
            f"{name} must be a list with one weight for each class, such as [1.0, 5.0, 1.0], got {shown(value)}; "
            "fit(class_weight={1: 5.0}) takes a dictionary of some"
        )
    weights = tuple(at_least_zero(f"{name}[{place}]", weight) for place, weight in enumerate(value))
    if not any(weights):
        raise ValueError(f"{name} must not all be 0: there would be nothing to learn")
    return weights


def _class_or_none(name: str, value: Any) -> int | None:
    return None if value is None else as_integer(name, value, -(2**62))


class SoftmaxCrossEntropy(LossFunction):
    """The loss of a classifier: how surprised the network is, on average, by the right answer.

    The logits become probabilities p = softmax(logits); the loss of a sample is -log p[label], 0 for certainty and
    log K for a network that knows nothing. Where the target is a distribution q over the classes, it is
    -sum_k q[k] log p[k]. ``ops/reference/losses.py`` has the equations. Softmax and logarithm are taken together
    because the result is then exact for any logits, and because the gradient is as simple as p - q.

    Targets are class numbers (N,) or (N, 1), or rows (N, K): one-hot, or of probabilities that sum to 1, such as those
    of mixed or doubtful images. ``predict`` answers with the probabilities (N, K).

    Parameters
    ----------
    label_smoothing : float
        In [0, 1). The right class is asked to have the probability 1 - label_smoothing + label_smoothing / K, and the
        others share the rest equally; rows are mixed with 1 / K in the same way. 0.1 is common.
    class_weights : sequence of K floats, optional
        How much each class matters, >= 0. The term of class k is multiplied by ``class_weights[k]``; with class numbers
        the mean is divided by the sum of the labels' weights, with rows by N, both as in PyTorch's
        ``CrossEntropyLoss(weight=...)``. (``fit(class_weight=...)`` is Keras's, and divides by N.)
    ignore_index : int, optional
        A label that stands for "no label": such samples have no loss and no gradient, do not count in the mean, and are
        left out of the metrics.

    Examples
    --------
    >>> import numpy as np
    >>> loss = SoftmaxCrossEntropy()
    >>> round(loss.forward(np.zeros((4, 10)), np.array([1, 2, 3, 4])), 4)
    2.3026
    >>> loss.backward()[0].round(3)
    array([ 0.025, -0.225,  0.025,  0.025,  0.025,  0.025,  0.025,  0.025,
            0.025,  0.025])
    >>> rare_class_counts_nine = SoftmaxCrossEntropy(class_weights=[1.0, 9.0])
    >>> some_have_no_label = SoftmaxCrossEntropy(ignore_index=-1)
    """

    label_smoothing = Setting(_smoothing)
    class_weights = Setting(_weights)
    ignore_index = Setting(_class_or_none)

    def __init__(
        self,
        label_smoothing: float = 0.0,
        class_weights: Any = None,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.class_weights = class_weights
        self.ignore_index = ignore_index
        self._targets = np.empty(0)  # of the latest forward: class numbers (N,), or rows (N, K)

    def check_outputs(self, output_shape: Shape) -> None:
        """Raise a ValueError unless the outputs are one number for each of at least two classes."""
        count = classes(output_shape)
        if count == 1:
            raise ValueError(
                "SoftmaxCrossEntropy of a single output is always 0, whatever the label: for two classes end with "
                "Dense(2), or keep Dense(1) with BinaryCrossEntropy(); for a number to predict, MeanSquaredError()"
            )
        if self.class_weights is not None and len(self.class_weights) != count:
            raise ValueError(f"class_weights has {len(self.class_weights)} weights, the model {count} classes")

    def check_targets(self, y: Any, samples: int, output_shape: Shape) -> np.ndarray:
        """Return labels as an int64 array (N,) of class numbers, or rows of probabilities as floats (N, K)."""
        return as_class_targets(y, samples, classes(output_shape), self.ignore_index, self.class_weights is not None)

    def predictions(self, logits: np.ndarray) -> np.ndarray:
        """Return the probabilities of the classes, (N, K): the softmax of the logits."""
        probabilities = np.empty_like(logits)
        ops.softmax_forward(logits, out=probabilities)
        return probabilities

    def correct(self, logits: np.ndarray, targets: np.ndarray) -> int:
        """Return for how many samples the highest logit is that of the label, or of the most probable class."""
        return count_correct(logits, targets)

    def counted(self, targets: np.ndarray) -> np.ndarray | None:
        """Return which samples have a label, bools (N,), where some may have none; None where all have."""
        if self.ignore_index is None or targets.ndim == 2:
            return None
        return targets != self.ignore_index

    def weight_of(self, targets: np.ndarray) -> float:
        """Return what the mean over these samples is divided by: their number, or the sum of their labels' weights."""
        if targets.ndim == 2 or self._is_plain(targets):
            return float(len(targets))
        known = targets if self.ignore_index is None else targets[targets != self.ignore_index]
        return float(len(known) if self.class_weights is None else np.take(self.class_weights, known).sum())

    @property
    def weighs(self) -> bool:
        """Whether some labels count more than others, or nothing."""
        return self.class_weights is not None or self.ignore_index is not None

    def _is_plain(self, targets: np.ndarray) -> bool:
        """Return whether each sample has a right class, and all count the same."""
        return targets.ndim == 1 and not self.weighs

    def _checked(self, logits: np.ndarray, targets: Any) -> tuple[np.ndarray, np.ndarray]:
        if logits.ndim != 2 or len(logits) == 0:
            raise ValueError(f"the loss expects logits (N, K), one row of K scores a sample, got shape {logits.shape}")
        logits = as_contiguous(logits, float_dtype(logits))
        samples, count = logits.shape
        targets = as_class_targets(targets, samples, count, self.ignore_index, keep_rows=True)
        if self.class_weights is not None and len(self.class_weights) != logits.shape[1]:
            raise ValueError(
                f"class_weights has {len(self.class_weights)} weights, there are {logits.shape[1]} classes"
            )
        return logits, targets if targets.ndim == 1 else as_contiguous(targets, logits.dtype)

    def _evaluate(self, logits: np.ndarray, targets: np.ndarray) -> None:
        shape, dtype = logits.shape, logits.dtype
        self._losses = self._buffer("losses", shape[:1], dtype)  # (N,)
        self._probabilities = self._buffer("probabilities", shape, dtype)  # (N, K)
        out = self._probabilities, self._losses
        self._targets, self._weights = targets, None
        if self._is_plain(targets):
            ops.softmax_cross_entropy_forward(logits, targets, self.label_smoothing, out=out)
            return
        self._class_weights = self._array_of_weights(shape[1], dtype)  # (K,)
        self._sample_weights = self._buffer("weights", shape[:1], dtype)  # (N,)
        if targets.ndim == 1:
            self._rows, self._weights = self._buffer("rows", shape, dtype), self._sample_weights  # (N, K)
            ignored = NOTHING_IGNORED if self.ignore_index is None else self.ignore_index
            ops.class_targets(targets, self._class_weights, ignored, out=(self._rows, self._weights))
        else:
            self._rows = targets  # (N, K)
            self._sample_weights.fill(1)
        ops.soft_cross_entropy_forward(logits, self._rows, self._class_weights, self.label_smoothing, out=out)

    def _differentiate(self) -> np.ndarray:
        dlogits = self._buffer("dlogits", self._probabilities.shape, self._probabilities.dtype)  # (N, K)
        if self._is_plain(self._targets):
            ops.softmax_cross_entropy_backward(self._probabilities, self._targets, self.label_smoothing, out=dlogits)
        else:
            weights = self._class_weights, self._sample_weights, self.label_smoothing
            ops.soft_cross_entropy_backward(self._probabilities, self._rows, *weights, out=dlogits)
        return dlogits

    def _array_of_weights(self, count: int, dtype: np.dtype) -> np.ndarray:
        weights = self._buffer("class weights", (count,), dtype)
        weights[...] = 1.0 if self.class_weights is None else self.class_weights
        return weights

    def settings(self) -> tuple[Any, ...]:
        """Return what may be changed between two batches, and changes what is computed."""
        return self.label_smoothing, self.class_weights, self.ignore_index

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain JSON values; those that are None are left out."""
        others = {"class_weights": self.class_weights, "ignore_index": self.ignore_index}
        return {"label_smoothing": self.label_smoothing, **{k: v for k, v in others.items() if v is not None}}
