"""Training: the loop over epochs and mini-batches.

All of training is ``train_step``: forward, loss, backward, update. ``fit`` draws the batches and keeps the books around
it.

Letters: N samples, H W height and width, C channels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np

from ..callbacks import Callback
from ..callbacks.callback_list import CallbackList
from ..callbacks.progress import announcing_compilation, progress_display
from ..checks.inputs import as_indices, as_integer
from ..checks.messages import shown
from ..checks.settings import yes_or_no
from ..concurrency.interrupts import unbroken
from ..concurrency.locks import lock_of
from ..concurrency.turns import one_at_a_time
from ..data.augment import Annealed, Augmentation
from ..history import History
from ..losses import as_targets, correct_counter, forget, loss_of, require_gradient
from ..memory import aligned_empty
from ..network.image_range import notice, remember
from ..network.network import Network
from ..regularizers import add_gradients
from .divergence import (
    require_finite_after_callbacks,
    require_finite_arrays,
    require_finite_loss,
    require_finite_start,
    require_finite_update,
)
from .evaluation import as_samples, losses_or_mean, mean_of, measure, require_compiled, require_labels
from .held_out import training_and_validation
from .replay import replay


def train_step(
    model: Network, images: np.ndarray, targets: Any, indices: np.ndarray | None = None
) -> tuple[float, int | None]:
    """Update a model by one mini-batch; return the batch's mean loss and how many of its samples were right before.

    Parameters
    ----------
    images : ndarray, shape (N, *input_shape)
        The batch; or any number of samples, of which ``indices`` (N,) says which make up the batch.
    targets : array_like, N rows
        Those of the batch: class numbers, or what the loss wants.

    Returns
    -------
    loss : float
    correct : int or None
        None where the targets are not class numbers, unless the loss counts what is right.

    Raises
    ------
    ValueError, IndexError
        If targets are not what the loss wants, indices no numbers of samples, or there is nothing to train.
    RuntimeError
        If the model is not compiled.
    FloatingPointError
        If the loss is NaN or infinite: the parameters are then not updated. Or if the update leaves a parameter NaN or
        infinite.
    """
    require_compiled(model, "train_step")
    if indices is not None:
        indices = as_indices(indices, len(images))
    samples = len(images) if indices is None else len(indices)
    with model.lock, lock_of(model.loss):
        if isinstance(images, np.ndarray):
            notice(model, images)
        targets = as_targets(model.loss, targets, samples, model.output_shape, model.dtype)
        loss, logits = update(model, images, targets, indices)
        require_finite_update(model)
        count = correct_counter(model.loss, targets, model.output_shape)
        return loss, count(logits, targets, loss) if count else None


def update(
    model: Network, images: np.ndarray, targets: np.ndarray, indices: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """Do what ``train_step`` does with targets and indices that were checked; return the mean loss and the logits.

    To be called, and the logits to be read, under the locks of the model and of its loss.
    """
    assert model.optimizer is not None
    require_trainable(model)
    require_labels(model, targets)
    logits, losses = replay(model, find_gradients, images, targets, indices)
    loss = mean_of(losses) + add_gradients(model.layers)
    forget(model.loss)
    require_finite_loss(model, loss)
    layout = model.layout
    model.optimizer.step(layout.parameters, layout.gradients)
    return loss, logits


def find_gradients(
    model: Network, images: np.ndarray, targets: np.ndarray, indices: np.ndarray | None
) -> tuple[np.ndarray, Any]:
    """Fill a model's gradients, but for its regularizers; return its logits, and its losses or only their mean."""
    logits = model.forward(images, training=True, indices=indices)  # (N, *output_shape)
    loss = loss_of(model.loss, logits, targets)
    dlogits = model.loss.backward()
    require_gradient(model.loss, dlogits, logits, targets)
    model.backpropagate(dlogits, input_gradient=False)
    return logits, losses_or_mean(model.loss, loss)


@one_at_a_time
def fit(
    model: Network,
    x: Any,
    y: Any,
    *,
    epochs: int = 1,
    batch_size: int = 32,
    validation_data: tuple[Any, Any] | None = None,
    validation_split: float = 0.0,
    verbose: int | str = "auto",
    callbacks: Iterable[Callback] | Callback | None = (),
    shuffle: bool = True,
    initial_epoch: int = 0,
    augmentation: Augmentation | Annealed | None = None,
) -> History:
    """Train a compiled model on mini-batches.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images: uint8 as they are, where the model starts with a ``Rescaling``, else floats; ``(N, H, W)`` will do where
        there is one channel. An array that is not of the model's dtype is converted as a whole, once.
    y : array_like, N rows
        Targets: class numbers, or what the loss wants if it is one of your own (``losses.Loss``), such as floats (N, 1)
        for a network that ends in ``Dense(1)``.
    epochs : int, default 1
        Number of the epoch to stop before; as many epochs as are run, if ``initial_epoch`` is 0.
    batch_size : int, default 32
        Samples in a batch; the last batch of an epoch may be smaller.
    validation_data : (images, targets), optional
        Measured after each epoch, never trained on.
    validation_split : float, default 0
        Or: the fraction of the samples to set aside for that. They are drawn at random, by the model's seed alone
        (Keras takes the last ones), so that a training continued later sets aside the same ones.
    verbose : {"auto", 0, 1, 2}
        0: silent. 1: a progress bar. 2: a line an epoch. "auto": 1 on a terminal, else 2.
    callbacks : iterable of Callback
        Called, in this order, at the moments that ``Callback`` lists. What they add to ``logs`` is kept in the history.
    shuffle : bool, default True
        Whether to draw the batches by a new permutation each epoch, or in the order given.
    initial_epoch : int, default 0
        Number of the first epoch to run, for continuing.
    augmentation : Augmentation or Annealed, optional
        Random distortions of the training images, other ones each time. Validation images stay as they are.

    Returns
    -------
    History
        Also ``model.history``, which survives an interruption by Ctrl-C (which waits for the end of an update) or an
        error, with every epoch whose updates were done. Loss and accuracy of an epoch are means over its batches, each
        measured before the update it leads to, as in Keras; those of the validation data are measured after the epoch.
        Both losses include the penalties of the layers' regularizers. There is no accuracy where targets are not class
        numbers.

    Raises
    ------
    ValueError
        If an argument or the data are not as described: before anything is trained.
    RuntimeError
        If the model is not compiled, or another thread is training it.
    FloatingPointError
        If the loss becomes NaN or infinite; or, at the end of an epoch's updates, after the callbacks'
        ``on_epoch_end`` and before anything is saved, parameters, moving statistics or what the optimizer remembers.

    Warns
    -----
    RuntimeWarning
        Once a model, if training or validation images are in another range than those it was trained on before, or
        than its ``Rescaling`` is meant for.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> history = model.fit(x[:200], y[:200], epochs=2, validation_data=(x[200:250], y[200:250]), verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'loss', 'val_accuracy', 'val_loss']
    """
    require_compiled(model, "fit")
    require_trainable(model)
    epochs, initial_epoch = as_integer("epochs", epochs, 0), as_integer("initial_epoch", initial_epoch, 0)
    batch_size = as_integer("batch_size", batch_size, 1)
    shuffle = yes_or_no("shuffle", shuffle)
    display = progress_display(verbose)
    _require_images(model, augmentation)
    x, y = as_samples(model, x, y)
    samples, validation = training_and_validation(model, x, y, validation_data, validation_split)

    count = correct_counter(model.loss, y, model.output_shape)
    batch_size = min(batch_size, len(samples))
    batch = aligned_empty((batch_size, *model.input_shape), x.dtype)  # for augmented images
    starts, nothing = range(0, len(samples), batch_size), nullcontext()
    hooks = CallbackList(callbacks, display, _measured(model, y, validation))
    require_finite_start(model)
    remember(model, x, None if validation is None else validation[0])
    history = model.history = hooks.history
    model.stop_training = False
    with model.lock:
        model.recordings.clear()
    with hooks.training(model, epochs, len(starts)):
        for epoch in range(initial_epoch, epochs):
            if model.stop_training:
                break
            hooks.on_epoch_begin(epoch)
            with model.lock:
                order = as_indices(model.rng.permutation(samples) if shuffle else samples, len(x))
            total_loss, correct = 0.0, 0
            for number, start in enumerate(starts):
                chosen = order[start : start + batch_size]
                targets = y[chosen]
                announcing = announcing_compilation(verbose) if start == 0 else nothing
                with announcing, model.lock, lock_of(model.loss), unbroken:
                    if augmentation is None:
                        loss, logits = update(model, x, targets, chosen)
                    else:
                        images = batch[: len(chosen)]
                        seed = int(model.rng.integers(2**64, dtype=np.uint64))
                        progress = (epoch + number / len(starts)) / epochs
                        augmentation.at(progress).gather(x, chosen, seed, images)
                        loss, logits = update(model, images, targets)
                    hits = count(logits, targets, loss) if count is not None else 0
                total_loss += loss * len(targets)
                seen = start + len(targets)
                logs = {"loss": total_loss / seen}
                if count is not None:
                    correct += hits
                    logs["accuracy"] = correct / seen
                hooks.on_train_batch_end(number, logs)
            hooks.on_epoch_trained(epoch)
            require_finite_arrays(model)
            history.append(epoch, logs)
            if validation is not None:
                logs["val_loss"], accuracy = measure(model, *validation, batch_size, verbose)
                if not math.isnan(accuracy):
                    logs["val_accuracy"] = accuracy
            hooks.on_epoch_end(epoch, logs, partial(require_finite_after_callbacks, model))
    require_finite_after_callbacks(model)
    return history


def _measured(model: Network, y: np.ndarray, validation: tuple[np.ndarray, np.ndarray] | None) -> list[str]:
    """Return the names of what an epoch of ``fit`` measures."""
    names = []
    for prefix, targets in (("", y), ("val_", None if validation is None else validation[1])):
        if targets is not None:
            counted = correct_counter(model.loss, targets, model.output_shape) is not None
            names += [f"{prefix}loss", *([f"{prefix}accuracy"] if counted else [])]
    return names


def require_trainable(model: Network) -> None:
    """Raise a ValueError if no layer can learn."""
    if model.parameters.size == 0:
        if model.count_params() == 0:
            raise ValueError("there is nothing to train: the model has no parameters")
        raise ValueError(
            "there is nothing to train: all layers with parameters are frozen; thaw those that are to learn, such as "
            "model.layers[-1].trainable = True, or all: model.trainable = True"
        )


def _require_images(model: Network, augmentation: Any) -> None:
    if not isinstance(augmentation, Augmentation | Annealed | None):
        raise ValueError(f"augmentation must be an object such as Augmentation(rotation=10), got {shown(augmentation)}")
    if augmentation is not None and len(model.input_shape) != 3:
        raise ValueError(f"augmentation needs images (H, W, C), the model takes samples {model.input_shape}")
