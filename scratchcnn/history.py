"""What the epochs of a training measured: kept as plain numbers, and written out.

An epoch's ``logs`` are a dictionary from names to values. ``fit`` puts its losses and accuracies there, callbacks may
add what they like.
"""

from __future__ import annotations

import copy
import math
from array import array
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn

import numpy as np

from .checks.elsewhere.methods import HISTORY_METHODS
from .checks.habits import attribute_elsewhere


class History:
    """What each epoch of a ``fit`` measured.

    Attributes
    ----------
    epoch : list of int
        Numbers of the epochs, from 0.
    history : dict of str to list
        ``loss`` and ``accuracy``, with validation data ``val_loss`` and ``val_accuracy``, and whatever callbacks add to
        ``logs``: one value an epoch, NaN for an epoch that has none.
    problems : list of str
        What looked wrong with the training, and what to do: the lines that ``fit`` ends with, whether shown or not.
    batch_losses : dict of int to array
        The loss of each batch, before its update, by the number of the epoch; of one that is not finished, too.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> history = model.fit(x[:100], y[:100], epochs=3, verbose=0)
    >>> history.epoch, len(history.history["loss"])
    ([0, 1, 2], 3)
    >>> {epoch: len(losses) for epoch, losses in history.batch_losses.items()}  # of 32 images each, the last of 4
    {0: 4, 1: 4, 2: 4}
    """

    picture: ClassVar[Callable[[Any], Any] | None] = None  # what draws it: plots, which knows matplotlib

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}
        self.problems: list[str] = []
        self.batch_losses: dict[int, array[float]] = {}  # eight bytes a batch
        self._logs: list[dict[str, Any]] = []  # of each epoch

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what was pickled, by a version that kept less, too."""
        vars(self).update(vars(History()) | state)

    def __getattr__(self, name: str) -> NoReturn:
        attribute_elsewhere(self, name, HISTORY_METHODS)

    def append(self, epoch: int, logs: dict[str, Any]) -> None:
        """Add an epoch; or, if it is the latest one again, what it measured after all."""
        if self.epoch and self.epoch[-1] == epoch:
            self._logs.pop()
        else:
            self.epoch.append(epoch)
        self._logs.append(as_plain(logs))
        names = dict.fromkeys(name for kept in self._logs for name in kept)
        columns = {name: [kept.get(name, math.nan) for kept in self._logs] for name in names}
        self.history.clear()
        self.history.update(columns)

    def begin_epoch(self, epoch: int, batch: int = 0) -> array[float]:
        """Return the array that takes the losses of an epoch's batches, from a batch on."""
        losses = self.batch_losses[epoch] = self.batch_losses.get(epoch, array("d"))[:batch]
        return losses

    def items(self) -> list[tuple[int, dict[str, Any]]]:
        """Return the epochs, and what each of them measured."""
        return list(zip(self.epoch, self._logs, strict=True))

    def _repr_png_(self) -> bytes | None:
        """Return the learning curves, which a notebook shows."""
        draw = type(self).picture
        return draw(self)._repr_png_() if draw is not None and self.epoch else None

    def __repr__(self) -> str:
        latest = ", ".join(f"{name}={as_text(value)}" for name, value in (self._logs[-1:] or [{}])[0].items())
        return f"History(epochs={len(self.epoch)}{', latest: ' + latest if latest else ''})"


def as_plain(logs: dict[str, Any]) -> dict[str, Any]:
    """Return logs whose numbers are Python's, also those that were arrays of one element; other arrays are copies."""
    return {name: _plain(value) for name, value in logs.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.item() if value.size == 1 else value.copy()
    return copy.deepcopy(value) if isinstance(value, list | dict | set) else value


def as_text(value: Any) -> str:
    """Return a value of the logs for the screen: floats with four decimals, or as 1.00e-05 where these would be 0."""
    value = _plain(value)
    if not isinstance(value, float):
        return " ".join(str(value).split())  # on one line
    return f"{value:.4f}" if value == 0 or not abs(value) < 1e-4 else f"{value:.2e}"
