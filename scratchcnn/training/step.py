"""One step of training: forward, loss, backward, update.

Letters: N samples of a mini-batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..concurrency.locks import lock_of
from ..losses.use import as_targets, correct_counter, gradient_of, invalidate, mean_loss
from ..network.image_range import notice
from ..network.network import Network
from ..regularizers import add_gradients
from .checks import require_compiled, require_labels, require_trainable
from .divergence import require_finite_loss, require_finite_update
from .replay import replayed


def update(
    model: Network, images: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """Update a model by one mini-batch of checked targets; return its logits and mean loss before the update.

    Where there are weights (N,), each sample's loss is multiplied by its own. This is the step that ``fit`` takes. To
    be called, and the logits to be read, under the locks of the model and of its loss.
    """
    assert model.optimizer is not None
    require_labels(model, targets)
    weighted = () if weights is None else (weights,)
    logits, loss = compute_gradients(model, images, targets, *weighted)
    loss += add_gradients(model.leaves)  # of the regularizers
    require_finite_loss(model, loss)
    model.optimizer.step(model.parameters, model.gradients)
    return logits, loss


@replayed  # from the third batch of a shape on, the same kernels without Python between them; see replay.py
def compute_gradients(
    model: Network, images: np.ndarray, targets: np.ndarray, *weights: np.ndarray
) -> tuple[np.ndarray, float]:
    """Fill a model's gradients, but for its regularizers; return its logits and mean loss."""
    logits = model.forward(images, training=True)  # (N, *output_shape)
    loss = mean_loss(model.loss, logits, targets, *weights)
    dlogits = gradient_of(model.loss, logits, targets, *weights)  # (N, *output_shape)
    model.backpropagate(dlogits, input_gradient=False)
    return logits, loss


def train_step(model: Network, images: np.ndarray, targets: Any) -> tuple[float, float | None]:
    """Update a compiled model by one mini-batch, for a loop of one's own.

    Parameters
    ----------
    images : ndarray, shape (N, *input_shape)
        The batch.
    targets : array_like, N rows
        Class numbers, or what the loss wants.

    Returns
    -------
    loss : float
        The mean over the batch, before the update.
    correct : number or None
        How many samples were right before the update; None where the targets are not class numbers, unless the loss
        counts what is right.

    Raises
    ------
    ValueError
        If targets are not what the loss wants, or there is nothing to train.
    RuntimeError
        If the model is not compiled.
    FloatingPointError
        If the loss is NaN or infinite: the parameters are then not updated. Or if the update leaves a parameter NaN or
        infinite.
    """
    require_compiled(model, "train_step")
    require_trainable(model)
    with model.lock, lock_of(model.loss):
        if isinstance(images, np.ndarray):
            notice(model, images)
        targets = as_targets(model.loss, targets, len(images), model.output_shape, model.dtype)
        logits, loss = update(model, images, targets)
        invalidate(model.loss)
        require_finite_update(model)
        count = correct_counter(model.loss, targets, model.output_shape)
        return loss, count(logits, targets, loss) if count else None
