"""Evaluation and prediction: how good a network is, and what it says of new images.

Both go through the samples in batches, because the layers' buffers grow with the largest batch they have seen.

Letters: N samples, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..checks.inputs import as_integer
from ..concurrency.locks import lock_of
from ..losses import SoftmaxCrossEntropy
from ..losses.classification import classes
from ..losses.use import correct_counter, gradient_of, invalidate, mean_loss, predictions
from ..network.network import Network
from .checks import as_samples, require_compiled, require_labels
from .replay import replayed
from .totals import Totals


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
    return measure(model, x, y, batch_size)


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
            _predict_batch(model, x[part], probabilities[part])
    return probabilities


@replayed
def _predict_batch(model: Network, images: np.ndarray, probabilities: np.ndarray) -> None:
    ops.softmax_forward(model.forward(images), out=probabilities)


def _predictions(model: Network, x: np.ndarray, batch_size: int) -> np.ndarray:
    parts = []
    for start in range(0, len(x), batch_size):
        with model.lock, lock_of(model.loss):
            logits = _logits(model, x[start : start + batch_size])
            parts.append(np.array(predictions(model.loss, logits)))  # a copy: the logits are the model's own
    return np.concatenate(parts)


@replayed
def _logits(model: Network, images: np.ndarray) -> np.ndarray:
    return model.forward(images)


def measure(model: Network, x: np.ndarray, y: np.ndarray, batch_size: int) -> tuple[float, float]:
    """Return mean loss and accuracy, NaN where there is none, over checked samples."""
    require_labels(model, y)
    totals = Totals(correct_counter(model.loss, y, model.output_shape))
    for start in range(0, len(x), batch_size):
        images, targets = x[start : start + batch_size], y[start : start + batch_size]
        with model.lock, lock_of(model.loss):
            logits, loss = _measure_batch(model, images, targets)
            if start == 0 and not hasattr(model.loss, "check_targets"):  # nobody has looked at their shape
                gradient_of(model.loss, logits, targets)
            totals.add(logits, targets, loss)
            invalidate(model.loss)
    with model.lock:
        return totals.loss + model.regularization_loss(), totals.accuracy


@replayed
def _measure_batch(model: Network, images: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, float]:
    logits = model.forward(images)  # (N, *output_shape)
    return logits, mean_loss(model.loss, logits, targets)
