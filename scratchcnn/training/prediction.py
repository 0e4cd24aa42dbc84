"""Prediction: what a network says of new images.

It goes through the samples in batches, because the layers' buffers grow with the largest batch they have seen.

Letters: N samples, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..callbacks.progress import progress_display
from ..checks.inputs import as_contiguous, as_integer
from ..checks.messages import say
from ..concurrency.locks import lock_of
from ..losses import BinaryCrossEntropy, MeanSquaredError, SoftmaxCrossEntropy
from ..losses.classification import classes
from ..losses.use import predictions
from ..network.network import Network
from .checks import is_ready
from .replay import replayed
from .streams import images_of, is_stream


def predict(
    model: Network, x: Any, batch_size: int | None = None, verbose: int | str = 0, steps: int | None = None
) -> np.ndarray:
    """Return what the model answers for each image: what its loss makes of the logits.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images, in any form that ``fit`` takes, or an iterable of batches of images, or of (images, targets).
    batch_size : int, default 128
        Images that are worked on at once: a matter of speed and memory.
    verbose : {0, 1, 2, "auto"}
        0: silent. Else the number of images is printed when they are done.
    steps : int, optional
        Batches to take from an iterable; without it, all that it has.

    Returns
    -------
    ndarray, N rows
        A new array. With ``SoftmaxCrossEntropy`` the probabilities (N, K) of the classes in the model's dtype; each row
        sums to 1, and ``.argmax(axis=1)`` are the classes. With ``BinaryCrossEntropy`` the probabilities of "yes", with
        ``MeanSquaredError`` the outputs as they are. With a loss of your own its ``predictions(logits)``, or the
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
    size = 128 if batch_size is None else as_integer("batch_size", batch_size, 1)
    if verbose:
        progress_display(verbose)  # raises an error unless it is one
    if type(x) is not np.ndarray and is_stream(x):
        if batch_size is not None:
            raise ValueError("batch_size is for arrays; the batches that x yields have the size they come in")
        answers = np.concatenate([predict(model, images) for images in images_of(x, steps, model.input_shape)])
    else:
        if steps is not None:
            raise ValueError("steps is for iterables of batches; of an array pass a part: x[:1000]")
        x = model.as_images(x, convert=False)
        answers = _probabilities(model, x, size) if answers_by_softmax(model) else _predictions(model, x, size)
    if verbose:
        say(f"{len(answers)} predictions")
    return answers


def answers_by_softmax(model: Network) -> bool:
    """Return whether a model predicts the softmax of its logits (N, K)."""
    if type(model.loss) is SoftmaxCrossEntropy:
        return classes(model.output_shape) > 0
    if model.loss is not None:
        return False
    if model.saved_predictions not in ("", "softmax", "sigmoid", "logits"):
        raise RuntimeError(
            f"what this model predicts is the business of its {model.saved_predictions}, which its file does not hold; "
            f"compile the model with such a loss before predict, or call forward for the logits"
        )
    if model.saved_predictions in ("sigmoid", "logits"):
        return False
    return len(model.output_shape) == 1 and model.output_shape[0] >= 2


def answers_with_logits(model: Network) -> bool:
    """Return whether a model predicts its logits as they are."""
    if isinstance(model.loss, MeanSquaredError):
        return True
    return not (hasattr(model.loss, "predictions") or answers_by_softmax(model) or model.saved_predictions == "sigmoid")


def _probabilities(model: Network, x: np.ndarray, batch_size: int) -> np.ndarray:
    ready = is_ready(model, x)
    if ready and len(x) <= batch_size:  # the short way, for who asks about one image
        with model.lock:
            return _predict_batch(model, x).copy()
    probabilities = np.empty((len(x), *model.output_shape), model.dtype)
    for start in range(0, len(x), batch_size):
        part = slice(start, start + batch_size)
        images = x[part] if ready else as_contiguous(x[part], model.dtype)
        with model.lock:
            probabilities[part] = _predict_batch(model, images)
    return probabilities


@replayed
def _predict_batch(model: Network, images: np.ndarray) -> np.ndarray:
    """Return probabilities in a buffer of the last layer: a replay finds that where it was, unlike a new array."""
    logits = model.forward(images)
    probabilities = model.plan[-1].buffer("probabilities of predict", logits.shape)
    ops.softmax_forward(logits, out=probabilities)
    return probabilities


def answers_for(model: Network, logits: np.ndarray) -> np.ndarray:
    """Return what a model that does not predict by softmax makes of its logits."""
    if model.loss is None and model.saved_predictions == "sigmoid":
        return BinaryCrossEntropy().predictions(logits)
    return predictions(model.loss, logits)


def _predictions(model: Network, x: np.ndarray, batch_size: int) -> np.ndarray:
    parts, ready = [], is_ready(model, x)
    for start in range(0, len(x), batch_size):
        images = x[start : start + batch_size]
        with model.lock, lock_of(model.loss):
            logits = _logits(model, images if ready else as_contiguous(images, model.dtype))
            parts.append(np.array(answers_for(model, logits)))  # a copy: the logits are the model's own
    return np.concatenate(parts)


@replayed
def _logits(model: Network, images: np.ndarray) -> np.ndarray:
    return model.forward(images)
