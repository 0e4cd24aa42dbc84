"""Learning rates that change with the epochs, or with what they measured."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

from ..checks.calls import why_not_callable
from ..checks.inputs import as_integer
from ..checks.messages import say, shown
from ..checks.settings import Setting, as_number, at_least_zero
from ..network.network import Network
from .base import Callback, LogReader
from .monitors import Monitor, as_monitor


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of each epoch, and notes it in the history.

    For a rate that changes with every update give the optimizer a schedule, ``sc.schedules``.

    Parameters
    ----------
    schedule : callable
        Called as ``schedule(epoch, learning_rate)``, or ``schedule(epoch)`` if it takes one argument, with the number
        of the epoch, from 0, and the rate of the one before; returns the rate.
    verbose : {0, 1}, default 0
        Whether to print each change.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.SGD(0.1))
    >>> halve = sc.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    >>> model.fit(x[:100], y[:100], epochs=3, callbacks=halve, verbose=0).history["learning_rate"]
    [0.05, 0.025, 0.0125]
    """

    adds = ("learning_rate",)

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise ValueError(f"schedule must be a function of (epoch, learning_rate), got {shown(schedule)}")
        self.schedule, self.verbose = schedule, as_integer("verbose", verbose, 0)
        self._takes_two = _takes_two(schedule)
        self._latest: int | None = None  # epoch whose rate is set

    def attach(self, model: Network, epochs: int, steps: int) -> None:
        super().attach(model, epochs, steps)
        self._latest = None

    def get_state(self) -> dict[str, Any]:
        return {"latest": self._latest}

    def set_state(self, state: dict[str, Any]) -> None:
        self._latest = state["latest"]

    def on_train_begin(self) -> None:
        require_number(self.model, "LearningRateScheduler")

    def on_epoch_begin(self, epoch: int) -> None:
        if epoch == self._latest:
            return  # it was interrupted in its middle, and goes on with the rate it has
        self._latest = epoch
        assert self.model.optimizer is not None
        before = self.model.optimizer.current_learning_rate()
        rate = self.schedule(epoch, before) if self._takes_two else self.schedule(epoch)
        self.model.optimizer.learning_rate = at_least_zero(f"the learning rate of epoch {epoch}", rate)
        if self.verbose and rate != before:
            say(f"Epoch {epoch + 1}: the learning rate is {rate:g}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        assert self.model.optimizer is not None
        logs["learning_rate"] = self.model.optimizer.current_learning_rate()


class ReduceLROnPlateau(LogReader):
    """Lowers the learning rate when an epoch's measurement has not become better for a while.

    Parameters
    ----------
    monitor : str, default "val_loss"
        The measurement.
    factor : float, default 0.1
        What the rate is multiplied by, in (0, 1).
    patience : int, default 10
        Lower it after this many epochs in a row without improvement.
    verbose : {0, 1}, default 0
        Whether to print each change.
    mode : {"auto", "min", "max"}
        Whether lower or higher is better; "auto": higher for an accuracy and the like, else lower.
    min_delta : float, default 0.0001
        The least change that counts as an improvement.
    cooldown : int, default 0
        Epochs after a change in which nothing is counted.
    min_lr : float, default 0
        The lowest rate.

    The rate of each epoch is noted in the history as ``learning_rate``.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.SGD(0.1))
    >>> reduce = sc.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100)  # never that much better
    >>> model.fit(x[:100], y[:100], epochs=3, callbacks=reduce, verbose=0).history["learning_rate"]
    [0.1, 0.1, 0.05]
    """

    adds = ("learning_rate",)
    monitor = Setting(as_monitor)

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        if not 0 < as_number("factor", factor) < 1:
            raise ValueError(f"factor must lie between 0 and 1, got {shown(factor)}")
        self.monitor = Monitor(monitor, mode, min_delta)
        self.factor, self.patience = float(factor), as_integer("patience", patience, 0)
        self.verbose, self.cooldown = as_integer("verbose", verbose, 0), as_integer("cooldown", cooldown, 0)
        self.min_lr = at_least_zero("min_lr", min_lr)
        self._waited = self._cooling = 0

    def require_measured(self, measured: Sequence[str], others_may_come: bool) -> None:
        self.monitor.require_measured(measured, others_may_come)

    def attach(self, model: Network, epochs: int, steps: int) -> None:
        super().attach(model, epochs, steps)
        self.monitor.reset(model.metrics)
        self._waited = self._cooling = 0

    def on_train_begin(self) -> None:
        require_number(self.model, "ReduceLROnPlateau")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        assert self.model.optimizer is not None
        logs["learning_rate"] = self.model.optimizer.current_learning_rate()
        super().on_epoch_end(epoch, logs)

    def read_logs(self, epoch: int, logs: dict[str, Any]) -> None:
        if not self.monitor.is_measured(logs):
            return
        if self._cooling:
            self._cooling -= 1
            self._waited = 0
        if self.monitor.improved(logs):
            self._waited = 0
        elif not self._cooling:
            self._waited += 1
            if self._waited >= self.patience:
                self._lower(epoch)

    def _lower(self, epoch: int) -> None:
        assert self.model.optimizer is not None
        before = self.model.optimizer.current_learning_rate()
        if before > self.min_lr:
            self.model.optimizer.learning_rate = max(before * self.factor, self.min_lr)
            self._cooling, self._waited = self.cooldown, 0
            if self.verbose:
                say(f"Epoch {epoch + 1}: the learning rate is lowered to {self.model.optimizer.learning_rate:g}")

    def get_state(self) -> dict[str, Any]:
        return {**self.monitor.get_state(), "waited": self._waited, "cooling": self._cooling}

    def set_state(self, state: dict[str, Any]) -> None:
        self.monitor.set_state(state)
        self._waited, self._cooling = state["waited"], state["cooling"]


def require_number(model: Network, callback: str) -> None:
    """Raise a ValueError if the learning rate is a schedule, which asks nobody."""
    assert model.optimizer is not None
    rate = model.optimizer.learning_rate
    if callable(rate):
        raise ValueError(
            f"{callback} changes a learning rate that is a number, but the optimizer's is {shown(rate)}; pass "
            f"{type(model.optimizer).__name__}({model.optimizer.current_learning_rate():g}), or leave the callback out"
        )


def _takes_two(schedule: Callable[..., Any]) -> bool:
    """Return whether a schedule takes the rate beside the epoch; a TypeError if it takes neither one nor two."""
    for arguments in ((0, math.nan), (0,)):
        if why_not_callable(schedule, *arguments) is None:
            return len(arguments) == 2
    given = inspect.signature(schedule)
    raise TypeError(f"schedule must be a function of (epoch, learning_rate) or of (epoch), got one of {given}")
