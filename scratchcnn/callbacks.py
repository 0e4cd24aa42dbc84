"""What can be done while a model trains: keep the best weights, stop early, write a table.

A callback is an object whose methods ``fit`` calls at fixed moments. Derive your own from ``Callback`` and write the
methods it needs; the others do nothing. Averaging the weights has a file of its own, ``averaging.py``.
"""

from __future__ import annotations

import csv
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .model import Sequential


class Callback:
    """Does nothing, at every moment there is.

    ``logs`` holds ``loss`` and ``accuracy``, at the end of an epoch also ``val_loss`` and ``val_accuracy`` if there are
    validation data. Epochs and batches are numbered from 0. Setting ``self.model.stop_training = True`` ends the
    training after the epoch.

    Attributes
    ----------
    model : Sequential
        The model in training.
    epochs, steps : int
        The number of the epoch to stop before, and the batches in an epoch.
    """

    model: Sequential
    epochs: int
    steps: int

    def attach(self, model: Sequential, epochs: int, steps: int) -> None:
        """Take note of what is about to be trained; comes before all else."""
        self.model, self.epochs, self.steps = model, epochs, steps

    def on_train_begin(self) -> None:
        """Come before the first epoch."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Come before each epoch."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Come after each update, with the means over the epoch so far."""

    def on_epoch_trained(self, epoch: int) -> None:
        """Come after the last update of each epoch, before its validation."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Come after each epoch and its validation."""

    def on_train_end(self) -> None:
        """Come last, also after Ctrl-C or an error."""


class Monitor:
    """The best value so far of one of the logs.

    Parameters
    ----------
    name : str
        Which of the logs.
    mode : {"auto", "min", "max"}
        Whether lower or higher is better; "auto": higher for an accuracy, else lower.
    min_delta : float
        How much better than the best a value must be to count, >= 0.
    """

    def __init__(self, name: str, mode: str = "auto", min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(f'mode must be "auto", "min" or "max", got {mode!r}')
        if not min_delta >= 0:
            raise ValueError(f"min_delta must be at least 0, got {min_delta}")
        self.name, self.min_delta = name, min_delta
        higher_is_better = mode == "max" or (mode == "auto" and name.endswith("accuracy"))
        self.sign = 1.0 if higher_is_better else -1.0
        self.reset()

    def reset(self) -> None:
        """Forget what was best."""
        self.best = -np.inf  # of sign * value, so that higher is better

    def improved(self, logs: dict[str, float]) -> bool:
        """Return whether this epoch is the best so far, and remember it if so."""
        if self.name not in logs:
            hint = "; pass validation_data or validation_split" if self.name.startswith("val_") else ""
            raise ValueError(f"there is no {self.name!r} among what an epoch measures: {', '.join(logs)}{hint}")
        value = self.sign * logs[self.name]
        if value - self.min_delta > self.best:  # never true of a NaN
            self.best = value
            return True
        return False


class ModelCheckpoint(Callback):
    """Saves the model after each epoch, or after each that is the best so far.

    Parameters
    ----------
    path : path-like
        The file; folders on the way are made. ``{epoch}`` (from 1) and the names of the logs are filled in, as in
        ``"model-{epoch:02d}-{val_accuracy:.4f}.npz"``; without them there is one file, replaced each time.
    monitor : str, default "val_loss"
        What decides which epoch is the best.
    save_best_only : bool, default False
        Whether to save only the best so far.
    mode : {"auto", "min", "max"}
        Whether lower or higher is better; "auto": higher for an accuracy, else lower.
    """

    def __init__(
        self, path: str | PathLike[str], monitor: str = "val_loss", save_best_only: bool = False, mode: str = "auto"
    ) -> None:
        self.path = str(path)
        self.save_best_only = save_best_only
        self.monitor = Monitor(monitor, mode)

    def on_train_begin(self) -> None:
        from .saving import describe  # saving knows the layers, and these should not be needed to read this file

        describe(self.model)  # a model that cannot be saved is better found out before the first epoch than after it

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self.save_best_only and not self.monitor.improved(logs):
            return
        path = Path(self.path.format(epoch=epoch + 1, **logs))
        path.parent.mkdir(parents=True, exist_ok=True)
        self.model.save(path)


class EarlyStopping(Callback):
    """Ends the training when an epoch's measurement has not become better for a while.

    Parameters
    ----------
    monitor : str, default "val_loss"
        The measurement.
    patience : int, default 0
        Stop after this many epochs in a row without improvement; 0 and 1 both mean at the first.
    min_delta : float, default 0
        The least change that counts as an improvement.
    mode : {"auto", "min", "max"}
        Whether lower or higher is better; "auto": higher for an accuracy, else lower.
    restore_best_weights : bool, default False
        Whether the model ends with the weights of its best epoch, or those of its last. Restored at the end of ``fit``,
        however it ends.

    Attributes
    ----------
    stopped_epoch : int or None
        The epoch after which training was ended.
    best_epoch : int or None
        The epoch that was best.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 0,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best_weights: bool = False,
    ) -> None:
        if patience < 0:
            raise ValueError(f"patience must be at least 0, got {patience}")
        self.monitor = Monitor(monitor, mode, min_delta)
        self.patience = patience
        self.restore_best_weights = restore_best_weights
        self.stopped_epoch: int | None = None
        self.best_epoch: int | None = None
        self._best_weights: list[np.ndarray] | None = None
        self._waited = 0

    def on_train_begin(self) -> None:
        self.monitor.reset()
        self.stopped_epoch = self.best_epoch = self._best_weights = None
        self._waited = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        if self.monitor.improved(logs):
            self.best_epoch = epoch
            self._waited = 0
            if self.restore_best_weights:
                self._best_weights = self.model.get_weights()
            return
        self._waited += 1
        if self._waited >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self) -> None:
        if self._best_weights is not None:
            self.model.set_weights(self._best_weights)


class CSVLogger(Callback):
    """Writes a table of the epochs (from 1) and what they measured, a row as soon as each ends.

    Parameters
    ----------
    path : path-like
        The file.
    append : bool, default False
        Whether to go on at the end of a table that is there, when a training is continued, or to start a new one.
    """

    def __init__(self, path: str | PathLike[str], append: bool = False) -> None:
        self.path = Path(path)
        self.append = append
        self._file: IO[str] | None = None
        self._writer: Any = None

    def on_train_begin(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.path, "a" if self.append else "w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        assert self._file is not None
        if self._file.tell() == 0:
            self._writer.writerow(["epoch", *logs])
        self._writer.writerow([epoch + 1, *logs.values()])
        self._file.flush()

    def on_train_end(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
