"""Using a network: its answers, and how good they are.

Both go through the samples in batches, because the layers' buffers grow with the largest batch they have seen.

Letters: N samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import ops
from .losses import SoftmaxCrossEntropy
from .replay import replay
from .validation import as_integer, as_labels

if TYPE_CHECKING:
    from .model import Sequential


def evaluate(model: Sequential, x: Any, y: Any, batch_size: int = 128) -> tuple[float, float]:
    """Measure a compiled model.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images, in any form that ``fit`` takes.
    y : array_like of int, shape (N,)
        Class numbers.
    batch_size : int, default 128
        Images that are worked on at once: a matter of speed and memory.

    Returns
    -------
    loss : float
        The mean over the samples.
    accuracy : float
        The fraction of the samples whose highest logit is that of their label.

    Raises
    ------
    ValueError
        If the data are not as described.
    RuntimeError
        If the model is not compiled.
    """
    require_compiled(model, "evaluate")
    batch_size = as_integer("batch_size", batch_size, 1)
    x, y = as_samples(model, x, y)
    return measure(model, x, y, batch_size, "auto")


def predict(model: Sequential, x: Any, batch_size: int = 128) -> np.ndarray:
    """Return the probability of each class for each image: the softmax of the logits.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images, in any form that ``fit`` takes.
    batch_size : int, default 128
        Images that are worked on at once: a matter of speed and memory.

    Returns
    -------
    ndarray, shape (N, classes)
        A new array of the model's dtype; each row sums to 1. ``.argmax(axis=1)`` are the classes.

    Raises
    ------
    ValueError
        If the images are not as described.
    """
    batch_size = as_integer("batch_size", batch_size, 1)
    x = model.as_images(x)
    probabilities = np.empty((len(x), classes(model)), model.dtype)
    for start in range(0, len(x), batch_size):
        part = slice(start, start + batch_size)
        replay(model, _answer, x[part], probabilities[part], verbose="auto")
    return probabilities


def _answer(model: Sequential, images: np.ndarray, probabilities: np.ndarray) -> None:
    ops.softmax_forward(model.forward(images), probabilities)


def classes(model: Sequential) -> int:
    """Return the number of classes, which is that of the model's outputs.

    Raises
    ------
    ValueError
        If an output is not one row of numbers.
    """
    if len(model.output_shape) != 1:
        raise ValueError(
            f"a classifier ends in one number for each class, this model in {model.output_shape}; "
            f"end with a Flatten, or a GlobalAveragePool2D, and a Dense"
        )
    return model.output_shape[0]


def as_samples(model: Sequential, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels in the form that the loops work on, or raise an error that says what is wrong."""
    x = model.as_images(x)
    return x, as_labels(y, len(x), classes(model))


def measure(
    model: Sequential, x: np.ndarray, y: np.ndarray, batch_size: int, verbose: int | str
) -> tuple[float, float]:
    """Return mean loss and accuracy over checked samples; ``verbose`` is that of ``fit``."""
    as_labels(y, len(x), classes(model))
    total_loss, correct = 0.0, 0
    for start in range(0, len(x), batch_size):
        images, labels = x[start : start + batch_size], y[start : start + batch_size]
        logits, losses = replay(model, _measure_batch, images, labels, verbose=verbose)
        total_loss += float(np.mean(losses, dtype=np.float64)) * len(labels)
        correct += count_correct(logits, labels)
    return total_loss / len(x), correct / len(x)


def _measure_batch(model: Sequential, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, Any]:
    logits = model.forward(images)  # (N, classes)
    loss = model.loss.forward(logits, labels)
    return logits, losses_or_mean(model.loss, loss)


def losses_or_mean(loss: Any, mean: float) -> Any:
    """Return the loss of each sample, an array that a replay fills anew; of a loss of the user's own what it said."""
    return loss.of_each() if type(loss) is SoftmaxCrossEntropy else mean


def count_correct(logits: np.ndarray, labels: np.ndarray) -> int:
    """Return for how many samples the highest of the logits (N, classes) is that of the label (N,)."""
    return int(np.count_nonzero(logits.argmax(axis=1) == labels))


def require_compiled(model: Sequential, action: str) -> None:
    """Raise a RuntimeError unless the model has an optimizer and a loss."""
    if model.optimizer is None or model.loss is None:
        raise RuntimeError(f"the model is not compiled; call model.compile(optimizer=Adam(1e-3)) before {action}")
