"""What training makes small: one number that says how wrong the network's answers are.

A loss is the mean over the samples of a batch, and this is the only place that divides by the batch size. It also knows
what targets are, and what the outputs mean of a network that was trained with it. The functions below say what holds
for a loss that says nothing of these: an object with ``forward`` and ``backward`` is enough.

Letters: N batch, K classes.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from . import ops
from .checks.attributes import KnownAttributes
from .checks.inputs import as_contiguous, as_labels, as_numbers
from .checks.messages import shown
from .checks.settings import Setting, as_number
from .concurrency.locks import lock_of
from .concurrency.turns import Turns
from .memory import aligned_empty
from .types import Shape


class Loss(Protocol):
    """What ``compile(loss=...)`` takes: any object with these two methods, and as many of the following as it needs.

    ``check_targets(y, samples, output_shape)``
        Returns the targets in the form that ``forward`` wants, an array of ``samples`` rows, or raises a ValueError
        that says what is wrong with them. Called once for all targets that ``fit`` or ``evaluate`` is given. Without it
        targets are numbers of any shape, finite, one row for each sample: integers as int64, others in the model's
        dtype.
    ``check_outputs(output_shape)``
        Raises a ValueError if a network with such outputs cannot be trained with this loss. Called by ``compile``.
    ``predictions(logits)``
        Returns what ``model.predict`` is to answer for a batch, one row for each sample. Without it the logits as they
        are.
    ``correct(logits, targets)``
        Returns how many samples of a batch are answered rightly, from which the accuracy comes. Without it targets
        (N,) that are integers from 0 to K - 1 are taken for class numbers, of which the highest of K >= 2 logits
        chooses one; there is no accuracy for any others.

    Examples
    --------
    The mean squared error, for targets (N, 1) of a network that ends in ``Dense(1)``:

    >>> import numpy as np
    >>> class MeanSquaredError:
    ...     def forward(self, logits, targets):
    ...         self.error = logits - targets
    ...         return float(np.mean(self.error**2))
    ...
    ...     def backward(self):
    ...         return 2 * self.error / self.error.size
    >>> loss: Loss = MeanSquaredError()
    >>> loss.forward(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]))
    2.0
    """

    def forward(self, logits: np.ndarray, targets: np.ndarray, /) -> float:
        """Return the mean loss of a batch of outputs (N, *output_shape), which must not be changed."""

    def backward(self) -> np.ndarray:
        """Return its gradient at the outputs of the latest ``forward``, of their shape."""


def _smoothing(name: str, value: Any) -> float:
    number = as_number(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{name} must be at least 0 and below 1, got {shown(value)}")
    return number


class SoftmaxCrossEntropy(KnownAttributes):
    """The loss of a classifier: how surprised the network is, on average, by the right answer.

    The logits become probabilities p = softmax(logits); the loss of a sample is -log p[label], 0 for certainty and
    log K for a network that knows nothing. ``ops/reference/loss.py`` has the equations. Softmax and logarithm are taken
    together because the result is then exact for any logits, and because the gradient is as simple as p - q.

    Parameters
    ----------
    label_smoothing : float
        In [0, 1). The right class is asked to have the probability 1 - label_smoothing + label_smoothing / K, and the
        others share the rest equally. 0.1 is common.

    Examples
    --------
    >>> import numpy as np
    >>> loss = SoftmaxCrossEntropy()
    >>> round(loss.forward(np.zeros((4, 10)), np.array([1, 2, 3, 4])), 4)
    2.3026
    >>> loss.backward()[0].round(3)
    array([ 0.025, -0.225,  0.025,  0.025,  0.025,  0.025,  0.025,  0.025,
            0.025,  0.025])
    """

    label_smoothing = Setting(_smoothing)

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing
        self._turns = Turns()
        self._labels: np.ndarray | None = None
        self._probabilities = np.empty((0, 0), np.float32)
        self._dlogits = np.empty((0, 0), np.float32)
        self._losses = np.empty(0, np.float32)

    def forward(self, logits: np.ndarray, labels: np.ndarray) -> float:
        """Return the mean loss of the batch, in nats.

        Parameters
        ----------
        logits : (N, K), float32 or float64
        labels : (N,), integers
            The right classes, 0 <= label < K.

        Raises
        ------
        ValueError
            If the shapes do not fit or a label is not a class number.
        """
        if logits.ndim != 2 or len(logits) == 0:
            raise ValueError(f"the loss expects logits (N, K), one row of K scores a sample, got shape {logits.shape}")
        labels = as_labels(labels, *logits.shape)
        with lock_of(self):
            self._turns.forward()
            return self._forward(logits, labels)

    def _forward(self, logits: np.ndarray, labels: np.ndarray) -> float:
        dtype = logits.dtype if logits.dtype in (np.float32, np.float64) else np.dtype(np.float32)
        logits = as_contiguous(logits, dtype)
        if self._probabilities.shape != logits.shape or self._probabilities.dtype != dtype:
            self._probabilities = aligned_empty(logits.shape, dtype)
            self._dlogits = aligned_empty(logits.shape, dtype)
            self._losses = aligned_empty(logits.shape[:1], dtype)
        self._labels = labels
        ops.softmax_cross_entropy_forward(logits, labels, self.label_smoothing, self._probabilities, self._losses)
        return float(self._losses.mean(dtype=np.float64))

    def check_outputs(self, output_shape: Shape) -> None:
        """Raise a ValueError unless the outputs are one number for each class."""
        classes(output_shape)

    def check_targets(self, y: Any, samples: int, output_shape: Shape) -> np.ndarray:
        """Return labels as an int64 array (N,) of class numbers, or raise a ValueError that says what is wrong."""
        return as_labels(y, samples, classes(output_shape))

    def predictions(self, logits: np.ndarray) -> np.ndarray:
        """Return the probabilities of the classes, (N, K): the softmax of the logits."""
        probabilities = np.empty_like(logits)
        ops.softmax_forward(logits, probabilities)
        return probabilities

    def correct(self, logits: np.ndarray, labels: np.ndarray) -> int:
        """Return for how many samples the highest logit is that of the label."""
        return count_correct(logits, labels)

    def of_each(self) -> np.ndarray:
        """Return the loss of each sample of the latest ``forward``, (N,); overwritten by the next one."""
        return self._losses

    def backward(self) -> np.ndarray:
        """Return dlogits = dloss/dlogits, (N, K): the probabilities minus the wanted ones, divided by N."""
        with lock_of(self):
            self._turns.backward("SoftmaxCrossEntropy")
            if self._labels is None:
                raise RuntimeError("SoftmaxCrossEntropy.backward needs a forward before it")
            ops.softmax_cross_entropy_backward(self._probabilities, self._labels, self.label_smoothing, self._dlogits)
            return self._dlogits

    def forget(self) -> None:
        """Let ``backward`` raise its error until there is another ``forward``."""
        self._labels = None
        self._turns.overwritten()

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain JSON values."""
        return {"label_smoothing": self.label_smoothing}

    def __repr__(self) -> str:
        return f"SoftmaxCrossEntropy(label_smoothing={self.label_smoothing})"


def classes(output_shape: Shape) -> int:
    """Return the number of classes, which is that of the outputs.

    Raises
    ------
    ValueError
        If an output is not one row of numbers.
    """
    if len(output_shape) != 1:
        pool = ", or a GlobalAveragePool2D," if len(output_shape) == 3 else ""
        raise ValueError(
            f"a classifier ends in one number for each class, this model in {output_shape}; end with a Flatten{pool} "
            f"and a Dense"
        )
    return output_shape[0]


def as_targets(loss: Any, y: Any, samples: int, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
    """Return targets in the form that a loss wants, one row for each sample, or raise an error that says what is wrong.

    To be called once: a loss need not take for targets what its ``check_targets`` has made of them.
    """
    check = getattr(loss, "check_targets", None)
    if check is None:
        return as_numbers(y, samples, dtype)
    targets = np.asarray(check(y, samples, output_shape))
    if targets.ndim == 0 or len(targets) != samples:
        raise ValueError(
            f"check_targets of {shown(loss)} must return one row for each of {samples} samples, got shape "
            f"{targets.shape}"
        )
    return targets


def correct_counter(loss: Any, targets: np.ndarray, output_shape: Shape) -> Callable[..., int] | None:
    """Return the function of logits, targets and their mean loss that counts what is right; None where nobody can."""
    if type(loss) is SoftmaxCrossEntropy:
        return count_correct
    if hasattr(loss, "correct"):
        return lambda logits, targets, _: operator.index(loss.correct(logits, targets))
    labels = targets.ndim == 1 and targets.dtype.kind in "iu" and len(output_shape) == 1 and output_shape[0] >= 2
    if labels and targets.min() >= 0 and targets.max() < output_shape[0]:
        return lambda logits, targets, _: count_correct(logits, targets)
    return None


def count_correct(logits: np.ndarray, labels: np.ndarray, cross_entropy: float = math.nan) -> int:
    """Return for how many samples the highest of the logits (N, K) is that of the label (N,).

    A row with a NaN has no highest, and is never right. Nor is one whose highest is infinite: it has no probabilities.
    If the mean cross-entropy of the samples is known and finite, there are no such rows, and they are not looked for.
    """
    best = logits.argmax(axis=1)  # (N,), the place of a NaN where there is one
    right = best == labels
    if not math.isfinite(cross_entropy):
        right &= np.isfinite(logits[np.arange(len(best)), best])
    return int(np.count_nonzero(right))


def forget(loss: Any) -> None:
    """Let ``backward`` of a loss raise an error until there is another ``forward``, if the loss can do that."""
    if hasattr(loss, "forget"):
        loss.forget()


def predictions(loss: Any, logits: np.ndarray) -> np.ndarray:
    """Return what a loss makes of a batch of logits, one row for each sample; perhaps the logits themselves."""
    answer = getattr(loss, "predictions", None)
    if answer is None:
        return logits
    answers = np.asarray(answer(logits))
    if answers.ndim == 0 or len(answers) != len(logits):
        raise ValueError(
            f"predictions of {shown(loss)} must return one row for each of {len(logits)} samples, got shape "
            f"{answers.shape}"
        )
    return answers


def loss_of(loss: Any, logits: np.ndarray, targets: np.ndarray) -> Any:
    """Return what ``loss.forward`` says; where NumPy refuses the two shapes, raise an error that says what to pass."""
    try:
        return loss.forward(logits, targets)
    except ValueError as error:
        if "broadcast" not in str(error):
            raise
        raise ValueError(
            f"forward of {shown(loss)} cannot take outputs of shape {logits.shape} and targets of shape "
            f"{targets.shape} together{_advice_for_targets(logits, targets)}: {error}"
        ) from error


def _advice_for_targets(logits: np.ndarray, targets: np.ndarray) -> str:
    """Return how targets get the shape of the outputs, if an axis of 1 is all that they differ by."""
    if (*targets.shape, 1) == logits.shape:
        return "; pass y[..., np.newaxis] for targets of the outputs' shape"
    if targets.shape == (*logits.shape, 1):
        return "; pass y[..., 0] for targets of the outputs' shape"
    return ""


def as_mean(loss: Any, value: Any) -> float:
    """Return what ``loss.forward`` said as a float, or raise an error if it is not one number."""
    if isinstance(value, float):
        return value
    mean = np.asarray(value)
    if mean.size != 1 or mean.dtype.kind not in "biuf":
        raise ValueError(
            f"forward of {shown(loss)} must return the mean loss of the batch, a number, got "
            + (f"an array of shape {mean.shape}; return its mean()" if mean.ndim else repr(value))
        )
    return float(mean.reshape(()))


def require_gradient(loss: Any, dlogits: Any, logits: np.ndarray, targets: np.ndarray) -> None:
    """Raise a ValueError if what ``loss.backward`` returned has not the shape of the logits."""
    if np.shape(dlogits) != logits.shape:
        raise ValueError(
            f"backward of {shown(loss)} must return the gradient at the logits, of their shape {logits.shape}, got "
            f"{np.shape(dlogits)}; the targets have the shape {targets.shape}: NumPy may have broadcast the two"
            + _advice_for_targets(logits, targets)
        )
