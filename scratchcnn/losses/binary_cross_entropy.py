"""The loss of questions that are answered by yes or no. Letters: N batch, D questions."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..types import Shape
from .base import LossFunction
from .numbers import as_floats, as_rows


class BinaryCrossEntropy(LossFunction):
    """The loss of yes or no: of two classes and a network that ends in ``Dense(1)``, or of several labels at once.

    Each logit z becomes the probability of "yes", p = 1 / (1 + exp(-z)); the loss of a sample is the mean over its
    questions of -t log p - (1 - t) log(1 - p). As with the softmax, sigmoid and logarithm are taken together, so the
    network ends in logits, without a ``Sigmoid``.

    Targets are 0 and 1, or probabilities between, of the outputs' shape: (N, D), for ``Dense(1)`` also (N,).
    ``predict`` answers with the probabilities, (N, D). The accuracy is the fraction of the answers that are right,
    those above 0.5 being "yes", as in Keras.

    Backward: dz = (p - t) / (N D), see ``ops/reference/losses_of_numbers.py``.

    Examples
    --------
    >>> import numpy as np
    >>> loss = BinaryCrossEntropy()
    >>> round(loss.forward(np.array([[0.0], [0.0]]), np.array([0, 1])), 4)
    0.6931
    >>> loss.backward().tolist()
    [[0.25], [-0.25]]
    """

    def check_targets(self, y: Any, samples: int, output_shape: Shape) -> np.ndarray:
        """Return targets as floats of the outputs' shape, or raise a ValueError that says what is wrong."""
        y = as_floats("BinaryCrossEntropy", y, samples, output_shape)
        if y.size and not (0 <= y.min() and y.max() <= 1):
            hint = ""
            if y.ndim == 2 and y.shape[1] == 1 and (y == np.floor(y)).all() and y.min() >= 0:
                hint = (
                    f"; for classes 0 to {int(y.max())} end with Dense({int(y.max()) + 1}), and SoftmaxCrossEntropy()"
                )
            raise ValueError(
                f"BinaryCrossEntropy: targets must be 0 and 1, or between, got {y.min():g} to {y.max():g}{hint}"
            )
        return y

    def predictions(self, logits: np.ndarray) -> np.ndarray:
        """Return the probabilities of "yes", of the logits' shape."""
        probabilities = np.empty_like(logits)
        ops.sigmoid_forward(logits, out=probabilities)
        return probabilities

    def correct(self, logits: np.ndarray, targets: np.ndarray) -> float:
        """Return how many samples are answered rightly: each counts the fraction of its questions that are."""
        right = (as_rows(logits) > 0) == (as_rows(targets) > 0.5)
        right &= np.isfinite(as_rows(logits))
        return float(right.mean(axis=1).sum())

    def _evaluate(self, logits: np.ndarray, targets: np.ndarray) -> None:
        self._logits, self._targets = as_rows(logits), as_rows(targets)  # (N, D)
        self._shape = logits.shape
        self._losses = self._buffer("losses", logits.shape[:1], logits.dtype)  # (N,)
        ops.binary_cross_entropy_forward(self._logits, self._targets, out=self._losses)

    def _differentiate(self) -> np.ndarray:
        dlogits = self._buffer("dlogits", self._shape, self._logits.dtype)  # (N, ...)
        ops.binary_cross_entropy_backward(self._logits, self._targets, out=as_rows(dlogits))
        return dlogits
