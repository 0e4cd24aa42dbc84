"""``fit``: the loop over epochs and mini-batches, and the bookkeeping around it.

What is done with a batch is in ``step.py``: forward, loss, backward, update.

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
from ..callbacks.progress import announcing_compilation, progress_display, silenced
from ..checks.inputs import as_integer
from ..checks.messages import shown
from ..checks.settings import yes_or_no
from ..concurrency.interrupts import unbroken
from ..concurrency.locks import lock_of
from ..concurrency.turns import one_at_a_time
from ..data.augment import Annealed, Augmentation
from ..history import History
from ..losses.use import correct_counter, invalidate
from ..network.image_range import remember
from ..network.network import Network
from .batches import Batches
from .checks import as_samples, require_compiled, require_trainable
from .divergence import require_finite_after_callbacks, require_finite_arrays, require_finite_start
from .evaluation import measure
from .held_out import training_and_validation
from .step import update
from .totals import Totals


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
    require_finite_start(model)
    remember(model, x, None if validation is None else validation[0])

    batches = Batches(model, x, y, samples, batch_size, shuffle, augmentation)
    count = correct_counter(model.loss, y, model.output_shape)
    hooks = CallbackList(callbacks, display, _measured(model, y, validation))
    history = model.history = hooks.history
    model.stop_training = False
    with model.lock:
        model.recordings.clear()
    with silenced(verbose == 0), hooks.training(model, epochs, len(batches)):
        for epoch in range(initial_epoch, epochs):
            if model.stop_training:
                break
            hooks.on_epoch_begin(epoch)
            batches.shuffle()
            totals = Totals(count)
            for number in range(len(batches)):
                announcing = announcing_compilation() if number == 0 else nullcontext()
                with announcing, model.lock, lock_of(model.loss), unbroken:
                    images, targets = batches.draw(number, progress=(epoch + number / len(batches)) / epochs)
                    logits, loss = update(model, images, targets)
                    totals.add(logits, targets, loss)
                    invalidate(model.loss)
                logs = totals.logs()
                hooks.on_train_batch_end(number, logs)
            hooks.on_epoch_train_end(epoch)
            require_finite_arrays(model)
            history.append(epoch, logs)
            if validation is not None:
                logs["val_loss"], accuracy = measure(model, *validation, batches.size)
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


def _require_images(model: Network, augmentation: Any) -> None:
    if not isinstance(augmentation, Augmentation | Annealed | None):
        raise ValueError(f"augmentation must be an object such as Augmentation(rotation=10), got {shown(augmentation)}")
    if augmentation is not None and len(model.input_shape) != 3:
        raise ValueError(f"augmentation needs images (H, W, C), the model takes samples {model.input_shape}")
