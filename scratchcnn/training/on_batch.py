"""One batch at a time: train, measure or ask, for a loop of one's own around the methods of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks.settings import yes_or_no
from ..concurrency.locks import lock_of
from ..losses.use import invalidate
from ..network.image_range import notice
from ..network.network import Network
from .checks import require_compiled, require_trainable
from .divergence import require_finite_update
from .evaluation import as_tuple, evaluate
from .prediction import predict
from .samples import checked_samples
from .step import update
from .totals import Totals


def train_on_batch(
    model: Network, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
) -> Any:
    """Update a compiled model by one batch.

    Parameters
    ----------
    x, y, sample_weight, class_weight
        As in ``fit``: all of them are one batch.
    return_dict : bool, default False

    Returns
    -------
    loss, accuracy : float
        As ``evaluate`` returns them, of this batch, measured before the update.

    Raises
    ------
    ValueError, RuntimeError
        As ``fit``.
    FloatingPointError
        If the loss is NaN or infinite: the parameters are then not updated. Or if the update leaves one so.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> loss, accuracy = model.train_on_batch(x[:32], y[:32])
    >>> model.test_on_batch(x[:32], y[:32])[0] < loss
    True
    """
    require_compiled(model, "train_on_batch")
    require_trainable(model)
    return_dict = yes_or_no("return_dict", return_dict)
    samples = checked_samples(model, x, y, sample_weight, class_weight)
    totals = Totals(model, samples.y)
    with model.lock, lock_of(model.loss):
        notice(model, samples.x)
        (batch,) = samples.batches(model, len(samples.x))
        logits, loss = update(model, *batch)
        totals.add(logits, samples.y, loss)
        invalidate(model.loss)
        require_finite_update(model)
    logs = totals.logs()
    return logs if return_dict else as_tuple(model, logs)


def test_on_batch(model: Network, x: Any, y: Any, sample_weight: Any = None, return_dict: bool = False) -> Any:
    """Measure a compiled model on one batch: ``evaluate`` with all samples at once.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile()
    >>> model.test_on_batch(x[:32], y[:32]) == model.evaluate(x[:32], y[:32])
    True
    """
    return evaluate(
        model, x, y, batch_size=max(1, np.shape(x)[0]), sample_weight=sample_weight, return_dict=return_dict
    )


def predict_on_batch(model: Network, x: Any) -> np.ndarray:
    """Return what a model answers for one batch: ``predict`` with all images at once.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.predict_on_batch(x[:3]).shape
    (3, 10)
    """
    return predict(model, x, batch_size=max(1, np.shape(x)[0]))
