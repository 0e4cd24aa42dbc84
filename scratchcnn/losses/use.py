"""What training makes of a loss: any object with ``forward`` and ``backward`` is enough, and these see to the rest.

Where a loss has none of the methods that ``protocol.Loss`` lists, the functions say what holds instead.

Letters: N batch, K classes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..checks.inputs import as_numbers
from ..checks.messages import shown
from ..types import Shape
from .base import LossFunction, mean_of
from .binary_cross_entropy import BinaryCrossEntropy
from .classification import count_correct
from .protocol import Loss
from .softmax_cross_entropy import SoftmaxCrossEntropy


def require_loss(loss: Any) -> None:
    """Raise a ValueError that says what to write if an object is not a loss."""
    needed = ("forward", "backward")
    if not all(callable(getattr(loss, name, None)) for name in needed) or isinstance(loss, type):
        function = callable(loss) and not isinstance(loss, type)
        hint = "; a function alone has no derivative that anything could find" if function else ""
        raise ValueError(
            f"loss must be an object such as sc.SoftmaxCrossEntropy(), got {shown(loss)}; one of your own needs the "
            f"methods forward(self, logits, targets) and backward(self), see sc.losses.Loss{hint}"
        )
    if any(getattr(type(loss), name, None) is getattr(Loss, name) for name in needed):
        raise ValueError(
            f"{type(loss).__name__} must define forward(self, logits, targets), which returns the mean loss, and "
            "backward(self), which returns its gradient at the logits; a method call(y_true, y_pred) is never called"
        )


def takes_logits(loss: Any) -> bool:
    """Return whether a loss applies softmax or sigmoid itself, so that the network must not."""
    return isinstance(loss, SoftmaxCrossEntropy | BinaryCrossEntropy)


def as_targets(loss: Loss, y: Any, samples: int, output_shape: Shape, dtype: np.dtype) -> np.ndarray:
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
    if isinstance(loss, LossFunction) and targets.dtype.kind == "f":
        return targets.astype(dtype, copy=False)
    return targets


def correct_counter(loss: Loss, targets: np.ndarray, output_shape: Shape) -> Callable[..., float] | None:
    """Return the function of logits, targets and their mean loss that counts what is right; None where nobody can."""
    if type(loss) is SoftmaxCrossEntropy:
        return count_correct
    if isinstance(loss, LossFunction):
        correct = getattr(loss, "correct", None)
        return None if correct is None else lambda logits, targets, _: correct(logits, targets)
    if hasattr(loss, "correct"):
        return lambda logits, targets, _: operator.index(loss.correct(logits, targets))
    labels = targets.ndim == 1 and targets.dtype.kind in "iu" and len(output_shape) == 1 and output_shape[0] >= 2
    if labels and targets.min() >= 0 and targets.max() < output_shape[0]:
        return lambda logits, targets, _: count_correct(logits, targets)
    return None


def invalidate(loss: Loss) -> None:
    """Let ``backward`` of a loss raise an error until there is another ``forward``, if the loss can do that."""
    if hasattr(loss, "invalidate"):
        loss.invalidate()


def predictions(loss: Loss, logits: np.ndarray) -> np.ndarray:
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


def mean_loss(loss: Loss, logits: np.ndarray, targets: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
    """Return ``loss.forward(logits, targets)``, a float; where the shapes do not fit, the error says what to pass.

    With weights of the samples (N,), the mean of the samples' losses multiplied by them.
    """
    try:
        mean = as_mean(loss, loss.forward(logits, targets))
    except ValueError as error:
        if "broadcast" not in str(error):
            raise
        raise ValueError(
            f"forward of {shown(loss)} cannot take outputs of shape {logits.shape} and targets of shape "
            f"{targets.shape} together{_advice_for_targets(logits, targets)}: {error}"
        ) from error
    return mean if sample_weight is None else mean_of(*sample_losses(loss, len(logits)), sample_weight)


def sample_losses(loss: Loss, samples: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the loss of each sample of the latest ``forward``, and how much each counts; None, all the same."""
    losses = np.asarray(loss.per_sample())  # type: ignore[attr-defined]  # require_sample_losses has looked
    if losses.shape != (samples,) or losses.dtype.kind != "f":
        raise ValueError(
            f"per_sample of {shown(loss)} must return the losses of the {samples} samples, floats ({samples},), "
            f"got {losses.dtype} of shape {losses.shape}"
        )
    return losses, loss.sample_weights() if isinstance(loss, LossFunction) else None


def require_sample_losses(loss: Loss, argument: str) -> None:
    """Raise a ValueError if a loss cannot tell the losses of samples, which weights are to multiply."""
    if not callable(getattr(loss, "per_sample", None)):
        raise ValueError(
            f"{argument} needs the loss of each sample, which {shown(loss)} does not tell; give it a method "
            "per_sample(self) that returns those of the latest forward, floats (N,)"
        )


def weight_of(loss: Loss, targets: np.ndarray) -> float:
    """Return what the mean loss of these samples is divided by: their number, unless some count more or nothing."""
    return loss.weight_of(targets) if isinstance(loss, SoftmaxCrossEntropy) else float(len(targets))


def counted(loss: Loss, targets: np.ndarray) -> np.ndarray | None:
    """Return which samples have a label, bools (N,); None where all have."""
    return loss.counted(targets) if isinstance(loss, SoftmaxCrossEntropy) else None


def gradient_of(
    loss: Loss, logits: np.ndarray, targets: np.ndarray, sample_weight: np.ndarray | None = None
) -> np.ndarray:
    """Return ``loss.backward()``, the gradient at the logits, or raise a ValueError if it has not their shape.

    With weights of the samples (N,), each sample's gradient multiplied by its weight.
    """
    dlogits = loss.backward()
    if np.shape(dlogits) != logits.shape:
        raise ValueError(
            f"backward of {shown(loss)} must return the gradient at the logits, of their shape {logits.shape}, got "
            f"{np.shape(dlogits)}; the targets have the shape {targets.shape}: NumPy may have broadcast the two"
            + _advice_for_targets(logits, targets)
        )
    if sample_weight is not None:
        if not isinstance(loss, LossFunction):  # its array may be one that it reads again
            dlogits = np.array(dlogits, logits.dtype, order="C")
        ops.scale_rows(sample_weight, dlogits)
    return dlogits


def _advice_for_targets(logits: np.ndarray, targets: np.ndarray) -> str:
    """Return how targets get the shape of the outputs, if an axis of 1 is all that they differ by."""
    if (*targets.shape, 1) == logits.shape:
        return "; pass y[..., np.newaxis] for targets of the outputs' shape"
    if targets.shape == (*logits.shape, 1):
        return "; pass y[..., 0] for targets of the outputs' shape"
    return ""


def as_mean(loss: Loss, value: Any) -> float:
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
