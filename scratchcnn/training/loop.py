"""``fit``: the loop over epochs and mini-batches, and the bookkeeping around it.

What is done with a batch is in ``step.py``: forward, loss, backward, update.

Letters: N samples, H W height and width, C channels.
"""

from __future__ import annotations

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
from ..losses.use import invalidate
from ..network.image_range import remember
from ..network.network import Network
from .batches import Batches
from .checks import require_compiled, require_trainable
from .divergence import require_finite_after_callbacks, require_finite_arrays, require_finite_start
from .evaluation import measure, targets_of
from .held_out import held_out_samples, validation_of
from .samples import Samples, checked_samples
from .step import update
from .streams import Stream, is_stream
from .totals import Totals


@one_at_a_time
def fit(
    model: Network,
    x: Any,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: int | str = "auto",
    callbacks: Iterable[Callback] | Callback | None = (),
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool = True,
    class_weight: dict[int, float] | None = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: int | Iterable[int] = 1,
    *,
    augmentation: Augmentation | Annealed | None = None,
) -> History:
    """Train a compiled model on mini-batches.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images: uint8 as they are, where the model starts with a ``Rescaling``, else floats; ``(N, H, W)`` will do where
        there is one channel. An array of another dtype, such as float64, is converted batch by batch; so data may be
        larger than the memory, as a ``numpy.memmap``. Or an iterable of batches (images, targets), or (images, targets,
        weights): a list, a generator, a PyTorch ``DataLoader``, whose images may have their channels first.
    y : array_like, N rows
        Targets, as the loss wants them: for ``SoftmaxCrossEntropy`` class numbers (N,) or (N, 1), or rows (N, K),
        one-hot or of probabilities. None where x yields batches.
    batch_size : int, default 32
        Samples in a batch; the last batch of an epoch may be smaller.
    epochs : int, default 1
        Number of the epoch to stop before; as many epochs as are run, if ``initial_epoch`` is 0.
    verbose : {"auto", 0, 1, 2}
        0: silent. 1: a progress bar. 2: a line an epoch. "auto": 1 on a terminal, else 2.
    callbacks : iterable of Callback
        Called, in this order, at the moments that ``Callback`` lists. What they add to ``logs`` is kept in the history.
    validation_split : float, default 0
        The fraction of the samples to set aside, measured after each epoch and never trained on. They are drawn at
        random, by the model's seed alone (Keras takes the last ones), so that a training continued later sets aside the
        same ones.
    validation_data : (images, targets) or (images, targets, sample_weight), optional
        Or other samples to measure; or an iterable of batches of such.
    shuffle : bool, default True
        Whether to draw the batches by a new permutation each epoch, or in the order given. An iterable has its own.
    class_weight : dict of int to float, optional
        How much samples of a class count; 1 where nothing is said. Each sample's loss is multiplied by its weight, and
        the mean divided by the number of samples, as in Keras. Validation data all count the same.
    sample_weight : array_like, shape (N,), optional
        How much each sample counts; multiplied by that of its class. What is held out keeps its weights.
    initial_epoch : int, default 0
        Number of the first epoch to run, for continuing.
    steps_per_epoch, validation_steps : int, optional
        Batches to take from an iterable in each epoch, and in each validation; without them, all that it has.
    validation_batch_size : int, optional
        Samples that are measured at once; without it, ``batch_size``.
    validation_freq : int or iterable of int, default 1
        Validate after every so many epochs; or after these, the first being 1.
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
    size = 32 if batch_size is None else as_integer("batch_size", batch_size, 1)
    shuffle = yes_or_no("shuffle", shuffle)
    validated = validated_epochs(validation_freq, epochs, initial_epoch)
    display = progress_display(verbose)
    _require_images(model, augmentation)
    if validation_data is not None and validation_split:
        raise ValueError("pass validation_data or validation_split, not both")
    validation: Samples | Stream | None = None
    if validation_data is not None:
        steps = None if validation_steps is None else as_integer("validation_steps", validation_steps, 1)
        validation = validation_of(model, validation_data, len(validated), steps)
    measured_at_once = as_integer("validation_batch_size", validation_batch_size or size, 1)
    batches: Batches | Stream
    if y is None and is_stream(x):
        _refuse_for_streams(
            batch_size=batch_size,
            sample_weight=sample_weight,
            augmentation=augmentation,
            validation_split=validation_split or None,
        )
        steps = None if steps_per_epoch is None else as_integer("steps_per_epoch", steps_per_epoch, 1)
        batches, targets = Stream(model, x, "x", epochs - initial_epoch, steps, class_weight), None
        require_finite_start(model)
    else:
        if steps_per_epoch is not None:
            raise ValueError("steps_per_epoch is for iterables of batches; an epoch of arrays is all of x: pass a part")
        samples = checked_samples(model, x, y, sample_weight, class_weight)
        chosen, targets = np.arange(len(samples.x)), samples.y
        if validation_split:
            chosen, validation = held_out_samples(model, samples, validation_split)
        require_finite_start(model)
        remember(model, samples.x, validation.x if isinstance(validation, Samples) else None)
        batches = Batches(model, samples.x, samples.y, chosen, size, shuffle, augmentation, samples.weights)
    hooks = CallbackList(callbacks, display, _measured(model, targets, validation))
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
            totals = Totals(model, targets)
            for number in batches:
                announcing = announcing_compilation() if number == 0 else nullcontext()
                with announcing, model.lock, lock_of(model.loss), unbroken:
                    batch = batches.draw(number, progress=(epoch + batches.fraction(number)) / epochs)
                    logits, loss = update(model, *batch)
                    totals.add(logits, batch.targets, loss)
                    invalidate(model.loss)
                logs = totals.logs()
                hooks.on_train_batch_end(number, logs)
            hooks.on_epoch_train_end(epoch)
            require_finite_arrays(model)
            history.append(epoch, logs)
            if validation is not None and epoch in validated:
                logs.update(
                    {f"val_{name}": value for name, value in measure(model, validation, measured_at_once).items()}
                )
            hooks.on_epoch_end(epoch, logs, partial(require_finite_after_callbacks, model))
    require_finite_after_callbacks(model)
    return history


def validated_epochs(frequency: Any, epochs: int, initial_epoch: int) -> list[int]:
    """Return the numbers, from 0, of the epochs after which to validate."""
    numbers = range(initial_epoch, epochs)
    if isinstance(frequency, list | tuple | set | range):
        wanted = {as_integer("an epoch of validation_freq", epoch, 1) for epoch in frequency}
        return [number for number in numbers if number + 1 in wanted]
    frequency = as_integer("validation_freq", frequency, 1)
    return [number for number in numbers if (number + 1) % frequency == 0]


def _refuse_for_streams(**arguments: Any) -> None:
    advice = {
        "batch_size": "its batches have the size they come in",
        "sample_weight": "let it yield (images, targets, weights)",
        "augmentation": "distort the images where they are made",
        "validation_split": "pass validation_data",
    }
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"{name} cannot be used where x yields batches: {advice[name]}")


def _measured(model: Network, y: np.ndarray | None, validation: Samples | Stream | None) -> list[str]:
    """Return the names of what an epoch of ``fit`` measures."""
    names = Totals(model, y).names
    if validation is not None:
        names += [f"val_{name}" for name in Totals(model, targets_of(validation)).names]
    return names


def _require_images(model: Network, augmentation: Any) -> None:
    if not isinstance(augmentation, Augmentation | Annealed | None):
        raise ValueError(f"augmentation must be an object such as Augmentation(rotation=10), got {shown(augmentation)}")
    if augmentation is not None and len(model.input_shape) != 3:
        raise ValueError(f"augmentation needs images (H, W, C), the model takes samples {model.input_shape}")
