"""Keras's callback for trainings that survive an interruption; ``fit(..., checkpoint=folder)`` is the same."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ..checks.inputs import as_integer
from ..checks.paths import as_path
from ..checks.settings import Setting, yes_or_no
from .base import Callback


class BackupAndRestore(Callback):
    """Lets a training that was interrupted go on where it was, when ``fit`` is called again with the same arguments.

    It is ``fit(..., checkpoint=backup_dir, checkpoint_freq=save_freq, resume=True)``: the checkpoint holds weights,
    optimizer, schedule, random numbers, history and callbacks, and what comes of a resumed training has the bits of one
    that was never interrupted.

    Parameters
    ----------
    backup_dir : path-like
        The folder of the checkpoint.
    save_freq : "epoch" or int, default "epoch"
        When to write one: after each epoch, or also after so many batches.
    delete_checkpoint : bool, default True
        Whether to remove it when the training is done.

    Examples
    --------
    >>> import tempfile
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     backup = sc.callbacks.BackupAndRestore(folder)
    ...     history = model.fit(x[:100], y[:100], epochs=2, callbacks=backup, verbose=0)
    >>> len(history.epoch)
    2
    """

    delete_checkpoint = Setting(yes_or_no)

    def __init__(
        self, backup_dir: str | PathLike[str], save_freq: int | str = "epoch", delete_checkpoint: bool = True
    ) -> None:
        self.backup_dir = Path(as_path("backup_dir", backup_dir, "folder"))
        self.save_freq = "epoch" if save_freq == "epoch" else as_integer("save_freq", save_freq, 1)
        self.delete_checkpoint = delete_checkpoint
