"""The loss of a regression. Letters: N batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..types import Shape
from .base import LossFunction
from .numbers import as_floats, as_rows


class MeanSquaredError(LossFunction):
    """The loss of a regression: the mean over samples and outputs of (output - target)^2.

    Targets are numbers of the outputs' shape, (N, D) for a network that ends in ``Dense(D)``; for one that ends in
    ``Dense(1)`` also (N,). ``predict`` answers with the outputs as they are. There is no accuracy.

    Backward: doutput = 2 (output - target) / (N D), see ``ops/reference/losses_of_numbers.py``.

    Examples
    --------
    >>> import numpy as np
    >>> loss = MeanSquaredError()
    >>> loss.forward(np.array([[1.0], [2.0]]), np.array([1.0, 4.0]))
    2.0
    >>> loss.backward().tolist()
    [[0.0], [-2.0]]
    """

    def check_targets(self, y: Any, samples: int, output_shape: Shape) -> np.ndarray:
        """Return targets as floats of the outputs' shape, or raise a ValueError that says what is wrong."""
        return as_floats("MeanSquaredError", y, samples, output_shape)

    def predictions(self, logits: np.ndarray) -> np.ndarray:
        """Return the outputs as they are."""
        return logits

    def _evaluate(self, logits: np.ndarray, targets: np.ndarray) -> None:
        self._outputs, self._targets = as_rows(logits), as_rows(targets)  # (N, D)
        self._shape = logits.shape
        self._losses = self._buffer("losses", logits.shape[:1], logits.dtype)  # (N,)
        ops.mean_squared_error_forward(self._outputs, self._targets, out=self._losses)

    def _differentiate(self) -> np.ndarray:
        doutputs = self._buffer("doutputs", self._shape, self._outputs.dtype)  # (N, ...)
        ops.mean_squared_error_backward(self._outputs, self._targets, out=as_rows(doutputs))
        return doutputs
