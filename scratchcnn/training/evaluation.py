"""Evaluation: how good a network is.

It goes through the samples in batches, because the layers' buffers grow with the largest batch they have seen.

Letters: N samples, K classes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..callbacks.progress import progress_display
from ..checks.inputs import as_integer
from ..checks.messages import say
from ..checks.settings import yes_or_no
from ..concurrency.locks import lock_of
from ..history import as_text
from ..losses.use import gradient_of, invalidate, mean_loss
from ..network.network import Network
from .checks import require_compiled, require_labels
from .replay import replayed
from .samples import Samples, checked_samples
from .streams import Stream, is_stream, require_no_targets
from .totals import Totals


def evaluate(
    model: Network,
    x: Any,
    y: Any = None,
    batch_size: int | None = None,
    verbose: int | str = 0,
    sample_weight: Any = None,
    steps: int | None = None,
    return_dict: bool = False,
) -> Any:
    """Measure a compiled model.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images, in any form that ``fit`` takes, or an iterable of batches.
    y : array_like, N rows
        Targets, in any form that ``fit`` takes. None where x yields batches.
    batch_size : int, default 128
        Images that are worked on at once: a matter of speed and memory.
    verbose : {0, 1, 2, "auto"}
        0: silent. Else the result is printed, too.
    sample_weight : array_like, shape (N,), optional
        How much each sample counts in the loss, as in ``fit``.
    steps : int, optional
        Batches to take from an iterable; without it, all that it has.
    return_dict : bool, default False
        Whether to return a dictionary, ``{"loss": ..., "accuracy": ...}``.

    Returns
    -------
    loss : float
        The mean over the samples, and the penalties of the layers' regularizers, as in Keras.
    accuracy : float
        The fraction of the samples whose highest logit is that of their label; one with a NaN among its logits is
        wrong. NaN where nothing is classified. A model compiled with ``metrics=[...]`` returns those in its place, in
        their order; with ``metrics=[]`` the loss alone, which is no tuple then.

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
    >>> sorted(model.evaluate(x[:100], y[:100], return_dict=True))
    ['accuracy', 'loss']
    """
    require_compiled(model, "evaluate")
    size = 128 if batch_size is None else as_integer("batch_size", batch_size, 1)
    if verbose:
        progress_display(verbose)  # raises an error unless it is one
    return_dict = yes_or_no("return_dict", return_dict)
    data: Samples | Stream
    require_no_targets(x, y)
    if y is None and is_stream(x):
        if batch_size is not None or sample_weight is not None:
            raise ValueError("batch_size and sample_weight are for arrays; x yields (images, targets, weights) itself")
        data = Stream(model, x, "x of evaluate", 1, None if steps is None else as_integer("steps", steps, 1))
    else:
        if steps is not None:
            raise ValueError("steps is for iterables of batches; of arrays pass a part: x[:1000], y[:1000]")
        data = checked_samples(model, x, y, sample_weight)
    measured = measure(model, data, size)
    if verbose:
        say("  ".join(f"{name} {as_text(value)}" for name, value in measured.items()))
    return measured if return_dict else as_tuple(model, measured)


def as_tuple(model: Network, measured: dict[str, float]) -> Any:
    """Return the loss and the metrics; where nobody asked for any, the loss and the accuracy, NaN if there is none.

    With ``metrics=[]``, which asks for none, the loss is a number, as in Keras.
    """
    if model.metrics is None:
        return measured["loss"], measured.get("accuracy", math.nan)
    return tuple(measured.values()) if model.metrics else measured["loss"]


def targets_of(data: Samples | Stream) -> np.ndarray | None:
    """Return all targets, or None where they are not known yet."""
    return data.y if isinstance(data, Samples) else None


def measure(model: Network, data: Samples | Stream, batch_size: int) -> dict[str, float]:
    """Return mean loss and metrics over checked samples."""
    targets = targets_of(data)
    if targets is not None:
        require_labels(model, targets)
    totals = Totals(model, targets)
    looked = hasattr(model.loss, "check_targets")
    for batch in data.batches(model, batch_size):
        with model.lock, lock_of(model.loss):
            weighted = () if batch.weights is None else (batch.weights,)
            logits, loss = _measure_batch(model, batch.images, batch.targets, *weighted)
            if not looked:  # nobody has looked at the shape of the targets
                gradient_of(model.loss, logits, batch.targets)
                looked = True
            totals.add(logits, batch.targets, loss)
            invalidate(model.loss)
    with model.lock:
        return {**totals.logs(), "loss": totals.loss + model.regularization_loss()}


@replayed
def _measure_batch(
    model: Network, images: np.ndarray, targets: np.ndarray, *weights: np.ndarray
) -> tuple[np.ndarray, float]:
    logits = model.forward(images)  # (N, *output_shape)
    return logits, mean_loss(model.loss, logits, targets, *weights)
