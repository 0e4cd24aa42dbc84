"""What the losses of this library have in common: buffers, checks, and which backward belongs to which forward.

A loss is the mean over the samples of a batch, and this is the only place that divides by the batch size. What is
computed is in the operations; a subclass says which of them, and what its targets are.

Letters: N batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks.attributes import KnownAttributes
from ..checks.inputs import as_contiguous
from ..concurrency.locks import lock_of
from ..concurrency.turns import Turns
from ..memory import aligned_empty
from ..types import Shape


class LossFunction(KnownAttributes):
    """Base class of this library's losses; one of your own needs no base class, see ``Loss``.

    A subclass implements ``check_outputs``, ``check_targets`` and ``predictions``, which ``Loss`` describes, and

        _evaluate(logits, targets)    compute ``self._losses``, the loss of each sample
        _differentiate(dlogits)       the gradient of their mean at the logits of the latest ``_evaluate``
    """

    _watched = True

    def __init__(self) -> None:
        self._turns = Turns()
        self._arrays: dict[str, np.ndarray] = {}
        self._ready = False  # for a backward: there was a forward
        self._losses = np.empty(0, np.float32)  # (N,)
        self._weights: np.ndarray | None = None  # (N,): how much the samples count; None, each the same

    def forward(self, logits: np.ndarray, targets: np.ndarray) -> float:
        """Return the mean loss of a batch.

        Parameters
        ----------
        logits : ndarray of float32 or float64, N rows
            What the network puts out.
        targets : ndarray, N rows
            What ``fit`` takes for this loss.

        Raises
        ------
        ValueError
            If the shapes do not fit, or targets are not what the loss takes.
        """
        logits, targets = self._checked(logits, targets)
        with lock_of(self):
            self._turns.forward()
            self._evaluate(logits, targets)
            self._ready = True
            return mean_of(self._losses, self._weights)

    def backward(self) -> np.ndarray:
        """Return the gradient of the mean loss at the logits of the latest ``forward``, of their shape."""
        name = type(self).__name__
        with lock_of(self):
            self._turns.backward(name)
            if not self._ready:
                raise RuntimeError(f"{name}.backward needs a forward before it")
            return self._differentiate()

    def invalidate(self) -> None:
        """After this, ``backward`` needs a new ``forward``."""
        self._ready = False
        self._turns.overwritten()

    def per_sample(self) -> np.ndarray:
        """Return the loss of each sample of the latest ``forward``, (N,); overwritten by the next one."""
        return self._losses

    def sample_weights(self) -> np.ndarray | None:
        """Return how much each sample of the latest ``forward`` counts in the mean, (N,); None: all the same."""
        return self._weights

    def check_outputs(self, output_shape: Shape) -> None:
        """Raise a ValueError if a network with such outputs cannot be trained with this loss."""

    def check_targets(self, y: Any, samples: int, output_shape: Shape) -> np.ndarray:
        """Return targets in the form that ``forward`` works on, or raise a ValueError that says what is wrong."""
        raise NotImplementedError

    def predictions(self, logits: np.ndarray) -> np.ndarray:
        """Return what ``model.predict`` answers for a batch of logits."""
        raise NotImplementedError

    def settings(self) -> tuple[Any, ...]:
        """Return what may be changed between two batches, and changes what is computed."""
        return ()

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain JSON values."""
        return {}

    def _checked(self, logits: np.ndarray, targets: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return logits and targets in the form that the operations work on."""
        if logits.ndim < 2 or len(logits) == 0:
            raise ValueError(f"the loss expects outputs (N, ...), one row for each sample, got shape {logits.shape}")
        logits = as_contiguous(logits, float_dtype(logits))
        targets = self.check_targets(targets, len(logits), logits.shape[1:])
        return logits, as_contiguous(targets, logits.dtype if targets.dtype.kind == "f" else None)

    def _evaluate(self, logits: np.ndarray, targets: np.ndarray) -> None:
        raise NotImplementedError

    def _differentiate(self) -> np.ndarray:
        raise NotImplementedError

    def _buffer(self, name: str, shape: Shape, dtype: Any) -> np.ndarray:
        """Return this loss's array of a name; another one where the shape or the dtype changes."""
        array = self._arrays.get(name)
        if array is None or array.shape != shape or array.dtype != dtype:
            array = self._arrays[name] = aligned_empty(shape, dtype)
        return array

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self.config().items())})"


def float_dtype(logits: np.ndarray) -> np.dtype:
    """Return the dtype in which to work on logits: theirs, or float32 where that is none of the two."""
    return logits.dtype if logits.dtype in (np.float32, np.float64) else np.dtype(np.float32)


def mean_of(losses: np.ndarray, counts: np.ndarray | None = None, sample_weight: np.ndarray | None = None) -> float:
    """Return the mean loss of samples that count as much as ``counts`` says, summed in float64.

    That is sum(losses) / sum(counts): the losses have been multiplied already. With ``sample_weight`` they are
    multiplied by those, too, which as in Keras do not count in the divisor. (``np.mean`` takes three times as long.)
    """
    values = losses.astype(np.float64)
    if sample_weight is not None:
        values *= sample_weight
    total = float(np.add.reduce(values))
    if counts is None:
        return total / len(losses)
    divisor = float(np.add.reduce(counts.astype(np.float64)))
    return total / divisor if divisor else 0.0  # nothing counts
