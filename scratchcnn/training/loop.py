"""``fit``: the loop over epochs and mini-batches, and the bookkeeping around it.

What is done with a batch is in ``step.py``: forward, loss, backward, update. What is trained on is in ``fit_data.py``,
how a training survives an interruption in ``checkpoint.py``.

Letters: N samples, H W height and width, C channels.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from functools import partial
from os import PathLike
from typing import Any

from ..callbacks import Callback
from ..callbacks.callback_list import CallbackList
from ..callbacks.progress import announcing_compilation, progress_display, silenced
from ..checks.inputs import as_integer
from ..checks.settings import yes_or_no
from ..concurrency.interrupts import unbroken
from ..concurrency.locks import lock_of
from ..concurrency.turns import one_at_a_time
from ..data.augment import Annealed, Augmentation
from ..history import History
from ..losses.use import invalidate
from ..network.network import Network
from .backup import backup_of
from .checkpoint import Position
from .checks import require_compiled, require_trainable
from .divergence import require_finite_after_callbacks, require_finite_arrays
from .fit_data import fit_data
from .health.watch import Watch, tell
from .step import update
from .streams import Stream
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
    checkpoint: str | PathLike[str] | None = None,
    checkpoint_freq: int | None = None,
    resume: bool = False,
) -> History:
    """Train a compiled model on mini-batches.

    Parameters
    ----------
    x : array_like, shape (N, *input_shape)
        Images: uint8 as they are, where the model starts with a ``Rescaling``, else floats; ``(N, H, W)`` will do where
        there is one channel. An array of another dtype, such as float64, is converted batch by batch; so data may be
        larger than the memory, as a ``numpy.memmap`` (``x._mmap.madvise(mmap.MADV_RANDOM)`` then keeps the system from
        reading what lies around each image). Or an iterable of batches (images, targets), or (images, targets,
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
    checkpoint : path-like, optional
        A folder in which to keep, after each epoch, all that it takes to go on after an interruption: weights,
        optimizer, schedule, random numbers, history, and what the library's callbacks remember (one of your own says
        so in ``get_state``). It is replaced in one step: what is killed at any moment leaves the one before.
    checkpoint_freq : int, optional
        Batches after which to write it, too.
    resume : bool, default False
        Whether to go on from the checkpoint in that folder, if there is one, of a training with the same arguments;
        only ``epochs`` may be more. A resumed training ends with the bits of one that was never interrupted. An
        iterable must yield the same again: a generator is run past the batches that are done.

    Returns
    -------
    History
        Also ``model.history``, which survives an interruption by Ctrl-C (which waits for the end of an update) or an
        error, with every epoch whose updates were done. Loss and accuracy of an epoch are means over its batches, each
        measured before the update it leads to, as in Keras; those of the validation data are measured after the epoch.
        Both losses include the penalties of the layers' regularizers. There is no accuracy where targets are not class
        numbers. Its ``problems`` are the lines that ``fit`` ends with where the training looks wrong, each with what to
        do (``docs/health.md`` lists them).

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
        than its ``Rescaling`` is meant for; or if ``initial_epoch``, or a checkpoint, leaves no epoch to run.

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
    display = progress_display(verbose)
    data = fit_data(
        model,
        *(x, y, sample_weight, class_weight, steps_per_epoch),
        *(validation_data, validation_split, validation_steps, validation_batch_size, validation_freq),
        *(batch_size, yes_or_no("shuffle", shuffle), augmentation, epochs, initial_epoch),
    )
    hooks = CallbackList(callbacks, display, data.measured(model))
    backup = backup_of(hooks.callbacks, checkpoint, checkpoint_freq, resume)
    start = backup.open(model, data, hooks) or Position(initial_epoch)
    if start.epoch >= epochs > 0:
        resumed = start.epoch > initial_epoch
        why = f"the checkpoint has {start.epoch} done" if resumed else f"initial_epoch is {initial_epoch}"
        warnings.warn(
            f"fit runs no epoch: {why}, and epochs, the number to stop before, is {epochs}; "
            f"for ten more pass epochs={start.epoch + 10}",
            RuntimeWarning,
            stacklevel=4,  # who called fit, not its wrappers
        )
    watch = Watch(model)
    history = model.history = hooks.history
    for done, logs in backup.logs:
        history.append(done, logs)
    history.batch_losses.update(backup.batch_losses)
    model.stop_training = backup.is_stopped
    with model.lock:
        model.recordings.clear()
    batches = data.batches
    if isinstance(batches, Stream):
        batches.skip(start.epoch - initial_epoch)
    with silenced(verbose == 0), hooks.training(model, epochs, len(batches), backup.states):
        backup.rehearse(model, hooks, data)
        for epoch in range(start.epoch, epochs):
            if model.stop_training:
                break
            hooks.on_epoch_begin(epoch)
            watch.on_epoch_begin(len(batches))
            totals = Totals(model, data.targets)
            first = start.batch if epoch == start.epoch else 0
            if first:
                backup.restore_epoch(batches, totals)
            else:
                batches.shuffle()
            losses = history.begin_epoch(epoch, first)
            for number in batches.numbers(first):
                hooks.on_train_batch_begin(number)
                announcing = announcing_compilation() if number == first else nullcontext()
                with announcing, model.lock, lock_of(model.loss), unbroken:
                    batch = batches.draw(number, progress=(epoch + batches.fraction(number)) / epochs)
                    watch.on_batch_begin()
                    logits, loss = update(model, *batch)
                    watch.on_batch_end(number, batch, logits, loss)
                    totals.add(logits, batch.targets, loss)
                    losses.append(loss)
                    invalidate(model.loss)
                logs = totals.logs()
                hooks.on_train_batch_end(number, logs)
                backup.after_batch(model, hooks, Position(epoch, number + 1), batches, totals)
            hooks.on_epoch_train_end(epoch)
            require_finite_arrays(model)
            history.append(epoch, logs)
            logs.update(data.validate(model, epoch))
            hooks.on_epoch_end(epoch, logs, partial(require_finite_after_callbacks, model))
            backup.write(model, hooks, Position(epoch + 1), done=epoch + 1 == epochs or model.stop_training)
    if not hooks.diverged:
        require_finite_after_callbacks(model)
    backup.close()
    if not hooks.diverged:
        history.problems += watch.problems()
        tell(history.problems, hooks.display)
    return history
