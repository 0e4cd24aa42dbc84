"""Using a network: its answers, and how good they are.

Both go through the samples in batches, because the layers' buffers grow with the largest batch they have seen.

Letters: N samples, K classes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..checks.inputs import as_integer, as_labels
from ..checks.ranges import are_below
from ..concurrency.locks import lock_of
from ..losses import (
    SoftmaxCrossEntropy,
    as_mean,
    as_targets,
    classes,
    correct_counter,
    forget,
    loss_of,
    predictions,
    require_gradient,
)
from ..network.network import Network
from .replay import replay


def evaluate(model: Network, x: Any, y: Any, batch_size: int = 128) -> tuple[float, float]:
    """Measure a compiled model.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images, in any form that ``fit`` takes.
    y : array_like, N rows
        Targets, in any form that ``fit`` takes: class numbers, unless the loss is one of your own.
    batch_size : int, default 128
        Images that are worked on at once: a matter of speed and memory.

    Returns
    -------
    loss : float
        The mean over the samples, and the penalties of the layers' regularizers, as in Keras.
    accuracy : float
        The fraction of the samples whose highest logit is that of their label; one with a NaN among its logits is
        wrong. NaN where the targets are not class numbers, unless the loss counts what is right (``losses.Loss``).

    Raises
    ------
    ValueError
        If the data are not as described.
    RuntimeError
        If the model is not compiled.

    Warns
    -----
    RuntimeWarning
        Once a model, if the images are in another range than those it was trained on.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> loss, accuracy = model.evaluate(x[:100], y[:100])  # not trained yet: about log 10, and a tenth
    >>> 1 < loss < 5 and 0 <= accuracy < 0.5
    True
    """
    require_compiled(model, "evaluate")
    batch_size = as_integer("batch_size", batch_size, 1)
    x, y = as_samples(model, x, y)
    return measure(model, x, y, batch_size, "auto")


def predict(model: Network, x: Any, batch_size: int = 128) -> np.ndarray:
    """Return what the model answers for each image: what its loss makes of the logits.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images, in any form that ``fit`` takes.
    batch_size : int, default 128
        Images that are worked on at once: a matter of speed and memory.

    Returns
    -------
    ndarray, N rows
        A new array. With ``SoftmaxCrossEntropy`` the probabilities (N, K) of the classes in the model's dtype; each row
        sums to 1, and ``.argmax(axis=1)`` are the classes. With a loss of your own its ``predictions(logits)``, or the
        logits as they are if it has no such method. A model without a loss answers as it did when it was saved, and
        if it never had one, with probabilities if it ends in K >= 2 numbers, else with the logits. Rows are NaN where
        the parameters are; ``argmax`` does not say so, ``evaluate`` counts them as wrong.

    Raises
    ------
    ValueError
        If the images are not as described.
    RuntimeError
        If the model was saved without a loss whose own predictions it needs.

    Warns
    -----
    RuntimeWarning
        Once a model, if the images are in another range than those it was trained on.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> probabilities = model.predict(x[:3])
    >>> probabilities.shape, probabilities.sum(axis=1).round(4).tolist()
    ((3, 10), [1.0, 1.0, 1.0])
    """
    batch_size = as_integer("batch_size", batch_size, 1)
    x = model.as_images(x)
    return _probabilities(model, x, batch_size) if answers_by_softmax(model) else _predictions(model, x, batch_size)


def answers_by_softmax(model: Network) -> bool:
    """Return whether a model predicts the softmax of its logits (N, K)."""
    if type(model.loss) is SoftmaxCrossEntropy:
        return classes(model.output_shape) > 0
    if model.loss is not None:
        return False
    if model.saved_predictions not in ("", "softmax", "logits"):
        raise RuntimeError(
            f"what this model predicts is the business of its {model.saved_predictions}, which its file does not hold; "
            f"compile the model with such a loss before predict, or call forward for the logits"
        )
    return len(model.output_shape) == 1 and model.saved_predictions != "logits" and model.output_shape[0] >= 2


def answers_with_logits(model: Network) -> bool:
    """Return whether a model predicts its logits as they are."""
    return not (hasattr(model.loss, "predictions") or answers_by_softmax(model))


def _probabilities(model: Network, x: np.ndarray, batch_size: int) -> np.ndarray:
    probabilities = np.empty((len(x), *model.output_shape), model.dtype)
    for start in range(0, len(x), batch_size):
        part = slice(start, start + batch_size)
        with model.lock:
            replay(model, _answer, x[part], probabilities[part], verbose="auto")
    return probabilities


def _answer(model: Network, images: np.ndarray, probabilities: np.ndarray) -> None:
    ops.softmax_forward(model.forward(images), probabilities)


def _predictions(model: Network, x: np.ndarray, batch_size: int) -> np.ndarray:
    parts = []
    for start in range(0, len(x), batch_size):
        with model.lock, lock_of(model.loss):
            logits = replay(model, _logits, x[start : start + batch_size], verbose="auto")
            parts.append(np.array(predictions(model.loss, logits)))  # a copy: the logits are the model's own
    return np.concatenate(parts)


def _logits(model: Network, images: np.ndarray) -> np.ndarray:
    return model.forward(images)


def as_samples(model: Network, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return images and targets in the form that the loops work on, or raise an error that says what is wrong."""
    x = model.as_images(x)
    return x, as_targets(model.loss, y, len(x), model.output_shape, model.dtype)


def measure(model: Network, x: np.ndarray, y: np.ndarray, batch_size: int, verbose: int | str) -> tuple[float, float]:
    """Return mean loss and accuracy, NaN where there is none, over checked samples; ``verbose`` is that of ``fit``."""
    require_labels(model, y)
    count = correct_counter(model.loss, y, model.output_shape)
    total_loss, correct = 0.0, 0 if count else math.nan
    for start in range(0, len(x), batch_size):
        images, targets = x[start : start + batch_size], y[start : start + batch_size]
        with model.lock, lock_of(model.loss):
            logits, losses = replay(model, _measure_batch, images, targets, verbose=verbose)
            if start == 0 and not hasattr(model.loss, "check_targets"):  # nobody has looked at their shape
                require_gradient(model.loss, model.loss.backward(), logits, targets)
            loss = mean_of(losses)
            total_loss += loss * len(targets)
            if count:
                correct += count(logits, targets, loss)
            forget(model.loss)
    with model.lock:
        return total_loss / len(x) + model.regularization_loss(), correct / len(x)


def _measure_batch(model: Network, images: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, Any]:
    logits = model.forward(images)  # (N, *output_shape)
    loss = loss_of(model.loss, logits, targets)
    return logits, losses_or_mean(model.loss, loss)


def losses_or_mean(loss: Any, mean: Any) -> Any:
    """Return the loss of each sample, an array that a replay fills anew; of a loss of the user's own what it said."""
    return loss.of_each() if type(loss) is SoftmaxCrossEntropy else as_mean(loss, mean)


def mean_of(losses: Any) -> float:
    """Return the mean of what ``losses_or_mean`` returned, in float64; ``np.mean`` takes three times as long."""
    return losses if isinstance(losses, float) else float(np.add.reduce(losses.astype(np.float64))) / len(losses)


def require_labels(model: Network, targets: np.ndarray) -> None:
    """Raise an error unless targets are what compiled kernels believe them to be, if these are to work on them."""
    if type(model.loss) is SoftmaxCrossEntropy and not are_below(model.output_shape[-1], targets):
        as_labels(targets, len(targets), model.output_shape[-1])  # says what is wrong


def require_compiled(model: Network, action: str) -> None:
    """Raise a RuntimeError unless the model has an optimizer and a loss."""
    if model.optimizer is None or model.loss is None:
        raise RuntimeError(f"the model is not compiled; call model.compile(optimizer=Adam(1e-3)) before {action}")
