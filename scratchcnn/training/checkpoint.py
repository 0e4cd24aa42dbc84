"""Checkpoints: a training as a file, from which it goes on as if it had never been interrupted.

The file, ``checkpoint.npz`` in a folder, is an ``.npz`` archive of plain arrays, as that of a model. It is replaced in
one step, so a training that is killed at any moment leaves the latest complete one. It holds

    training                JSON: what the training is, how far it is, the history, what callbacks remember
    model/conv2d/kernel ... parameters and state
    optimizer/mean ...      what the optimizer remembers
    batch_losses            the loss of each batch so far; batch_counts are the epochs and the batches of each
    order                   the samples of the epoch in their order, where an epoch is not done
    kept/0 ...              arrays of callbacks and metrics

What the training is (layers, data, batch size, ...) is compared before anything is taken over: another one is an error.
"""

from __future__ import annotations

import contextlib
import json
from array import array
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..callbacks.callback_list import CallbackList
from ..checks.inputs import as_integer
from ..checks.messages import reason, shown
from ..checks.paths import as_path
from ..checks.settings import yes_or_no
from ..concurrency.interrupts import unbroken
from ..files import open_regular, replacing
from ..network.image_range import ImageRange
from ..network.network import Network
from ..saving.archive import Archive
from ..saving.description import model_arrays
from .batch_losses import packed, unpacked
from .batches import Batches
from .first_version import upgrade
from .fit_data import FitData
from .identity import difference, identity_of, plain, start_of
from .kept_values import remembered, taken_out
from .streams import Stream
from .totals import Totals

FORMAT, VERSION = "scratchcnn checkpoint", 2
NAME = "checkpoint.npz"


class Position(NamedTuple):
    """How far a training is: the epoch and the batch to go on with."""

    epoch: int
    batch: int = 0


class Checkpoint:
    """The checkpoint of one training.

    Parameters
    ----------
    folder : path-like
        Made if need be.
    every : int or None
        Batches after which one is written, too; None: after epochs alone.
    resume : bool
        Whether to go on from what is there.
    delete : bool
        Whether to remove it when the training is done.
    """

    def __init__(
        self, folder: str | PathLike[str], every: int | None = None, resume: bool = False, delete: bool = False
    ) -> None:
        self.path = Path(as_path("checkpoint", folder, "folder")) / NAME
        self.every = None if every is None else as_integer("checkpoint_freq", every, 1)
        self.resume, self._delete = yes_or_no("resume", resume), delete
        self._identity: dict[str, Any] = {}
        self._told: dict[str, Any] | None = None
        self.batch_losses: dict[int, array[float]] = {}  # of the batches that were done, by epoch
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise ValueError(f"checkpoint must be a folder, {self.path.parent} is a file or lies in one") from error

    def open(self, model: Network, data: FitData, hooks: CallbackList) -> Position | None:
        """Take note of what the training is; return where to go on, None for the beginning.

        The model is then what it was there. The history and the callbacks follow in ``states`` and ``logs``.

        Raises
        ------
        ValueError
            If there is a checkpoint of another training, or of an unfinished one that is not to be resumed.
        """
        if self.every is not None and isinstance(data.batches, Stream):
            raise ValueError(
                "checkpoint_freq needs arrays: where x yields batches, nobody can go on in the middle of an epoch; "
                "leave it out, and a checkpoint is written after each epoch"
            )
        network = {"network": identity_of(model), "start": start_of(model)}
        self._identity = plain({**network, **data.identity(), "callbacks": hooks.stateful_names})
        if not self.path.exists():
            return None
        try:
            with open_regular(self.path) as file:
                archive = Archive(file)
                told = json.loads(str(archive.read("training")))
                if told.get("format") != FORMAT or told.get("version") not in (1, VERSION):
                    raise ValueError(f"its format is {shown(told.get('format'))}, version {shown(told.get('version'))}")
                if not self.resume:
                    self._refuse_unless_done(told)
                    return None
                arrays: dict[str, np.ndarray] = {}
                if told["version"] == 1:
                    arrays = upgrade(told, self._identity, plain(data.identity(whole=False)))
                self._require_the_same(told)
                arrays |= {name: archive.read(name) for name in archive.names if name != "training"}
                self.batch_losses = unpacked(arrays)
                _restore(model, told, arrays)
        except Exception as error:
            if isinstance(error, _Refused):
                raise ValueError(str(error)) from None
            raise ValueError(
                f"{self.path} is not the checkpoint of a training, or is damaged: {reason(error)}; choose another "
                "folder, or move that file elsewhere"
            ) from error
        self._told, self._arrays = told, arrays
        return Position(*told["position"])

    def _refuse_unless_done(self, told: dict[str, Any]) -> None:
        if not told["done"]:
            epoch, batch = told["position"]
            raise _Refused(
                f"{self.path} is the checkpoint of a training that was interrupted in epoch {epoch + 1} at batch "
                f"{batch}: pass resume=True to go on with it, remove it, or choose another folder"
            )

    def _require_the_same(self, told: dict[str, Any]) -> None:
        was, now = told["identity"], self._identity
        if was["start"]["iterations"] != now["start"]["iterations"]:
            now["start"] = was["start"]  # this optimizer has gone on, and callbacks may have changed its rate
        found = difference(was, now)
        if found is not None:
            name, was, now = found
            raise _Refused(
                f"{self.path} is the checkpoint of another training: its {name} is {shown(was)}, now it is "
                f"{shown(now)}; pass the same arguments, or choose another folder"
            )

    @property
    def logs(self) -> list[tuple[int, dict[str, Any]]]:
        """The epochs that were done, and what they measured."""
        return [] if self._told is None else [(epoch, logs) for epoch, logs in self._told["history"]]

    @property
    def is_stopped(self) -> bool:
        """Whether a callback had ended the training."""
        return self._told is not None and self._told["stopped"]

    @property
    def states(self) -> list[dict[str, Any]]:
        """What each callback remembers; none where the training begins."""
        if self._told is None:
            return []
        return taken_out(self._told["callbacks"], self._arrays)

    def rehearse(self, model: Network, hooks: CallbackList, data: FitData) -> None:
        """Raise a ValueError, before the first update, if what callbacks or metrics remember could not be written."""
        remembered(hooks, None if self.every is None else Totals(model, data.targets))

    def restore_epoch(self, batches: Batches | Stream, totals: Totals) -> None:
        """Let the order of the epoch that is not done, and its sums, be those that they were."""
        assert self._told is not None and isinstance(batches, Batches)
        batches.order = self._arrays["order"]
        totals.set_state(taken_out(self._told["totals"], self._arrays))

    def after_batch(
        self, model: Network, hooks: CallbackList, position: Position, batches: Batches | Stream, totals: Totals
    ) -> None:
        """Write the checkpoint if it is due after this batch, and the epoch goes on."""
        if self.every is None or position.batch % self.every or position.batch == len(batches):
            return
        assert isinstance(batches, Batches)
        self.write(model, hooks, position, batches.order, totals)

    def write(
        self,
        model: Network,
        hooks: CallbackList,
        position: Position,
        order: np.ndarray | None = None,
        totals: Totals | None = None,
        done: bool = False,
    ) -> None:
        """Write the checkpoint of this moment in place of the one before."""
        optimizer = model.optimizer
        assert optimizer is not None
        kept, arrays = remembered(hooks, totals)
        with model.lock:
            told = {
                "format": FORMAT,
                "version": VERSION,
                "identity": self._identity,
                "position": list(position),
                "done": done,
                "stopped": bool(model.stop_training),
                "history": [[epoch, logs] for epoch, logs in hooks.history.items()],
                **kept,
                "rng": model.rng.bit_generator.state,
                "iterations": optimizer.iterations,
                "learning_rate": None if callable(optimizer.learning_rate) else optimizer.learning_rate,
                "image_range": None if model.image_range is None else vars(model.image_range),
                "trainable": [layer.trainable for layer in model.layers],
            }
            arrays |= {f"model/{name}": array for name, array in model_arrays(model).items()}
            arrays |= {f"optimizer/{name}": slot for name, slot in optimizer.slots.items()}
            arrays |= packed(hooks.history.batch_losses)
            if order is not None:
                arrays["order"] = order
            with replacing(self.path) as file:
                np.savez(file, training=np.array(json.dumps(plain(told))), **arrays)  # type: ignore[arg-type]

    def close(self) -> None:
        """Take note that the training is done."""
        if self._delete:
            self.path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # something else is in the folder
                self.path.parent.rmdir()


class _Refused(ValueError):
    """A checkpoint that is all right, but not of this training."""


def _restore(model: Network, told: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Bring a model, its optimizer and its generator to where they were."""
    optimizer = model.optimizer
    assert optimizer is not None
    with model.lock, unbroken:
        for layer, trainable in zip(model.layers, told["trainable"], strict=True):
            layer.trainable = trainable
        own = {f"model/{name}": array for name, array in model_arrays(model).items()}
        model.lay_out()
        own |= {f"optimizer/{name}": slot for name, slot in optimizer.slots.items()}
        for name, array in own.items():
            if name not in arrays or arrays[name].shape != array.shape or arrays[name].dtype != array.dtype:
                raise ValueError(f"it has no {name} of {array.dtype} {array.shape}")
        for name, array in own.items():
            array[...] = arrays[name]
        optimizer.iterations = told["iterations"]
        if told["learning_rate"] is not None:
            optimizer.learning_rate = told["learning_rate"]
        model.rng.bit_generator.state = told["rng"]
        model.image_range = None if told["image_range"] is None else ImageRange(**told["image_range"])
        model.recordings.clear()
