"""Ending the training when it has stopped to help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks.inputs import as_integer
from ..checks.settings import Setting, yes_or_no
from ..network.network import Network
from .base import LogReader
from .monitors import Monitor, as_monitor


class EarlyStopping(LogReader):
    """Ends the training when an epoch's measurement has not become better for a while.

    Parameters
    ----------
    monitor : str, default "val_loss"
        The measurement. An epoch that has none, if others have, does not count.
    patience : int, default 0
        Stop after this many epochs in a row without improvement; 0 and 1 both mean at the first.
    min_delta : float, default 0
        The least change that counts as an improvement.
    mode : {"auto", "min", "max"}
        Whether lower or higher is better; "auto": higher for an accuracy and the like, else lower.
    restore_best_weights : bool, default False
        Whether the model ends with the weights of its best epoch, or those of its last. Restored at the end of ``fit``,
        however it ends.

    Attributes
    ----------
    stopped_epoch : int or None
        The epoch after which training was ended.
    best_epoch : int or None
        The epoch that was best.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> stop = sc.callbacks.EarlyStopping(monitor="loss", min_delta=100, patience=2)
    >>> history = model.fit(x[:100], y[:100], epochs=50, callbacks=[stop], verbose=0)
    >>> len(history.epoch)  # the first epoch was better than nothing, the next two not by 100
    3
    """

    monitor = Setting(as_monitor)
    patience = Setting(lambda name, value: as_integer(name, value, 0))
    restore_best_weights = Setting(yes_or_no)

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        patience: int = 0,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best_weights: bool = False,
    ) -> None:
        self.monitor = Monitor(monitor, mode, min_delta)
        self.patience = patience
        self.restore_best_weights = restore_best_weights
        self.stopped_epoch: int | None = None
        self.best_epoch: int | None = None
        self._best_weights: list[np.ndarray] | None = None
        self._waited = 0

    def require_measured(self, measured: Sequence[str], others_may_come: bool) -> None:
        self.monitor.require_measured(measured, others_may_come)

    def attach(self, model: Network, epochs: int, steps: int) -> None:
        super().attach(model, epochs, steps)
        self.monitor.reset(model.metrics)
        self.stopped_epoch = self.best_epoch = self._best_weights = None
        self._waited = 0

    def read_logs(self, epoch: int, logs: dict[str, Any]) -> None:
        if not self.monitor.is_measured(logs):
            return
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

    def get_state(self) -> dict[str, Any]:
        weights = {f"weights {place}": array for place, array in enumerate(self._best_weights or ())}
        return {
            **self.monitor.get_state(),
            "waited": self._waited,
            "best_epoch": self.best_epoch,
            "stopped_epoch": self.stopped_epoch,
            **weights,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        self.monitor.set_state(state)
        self._waited, self.best_epoch = state["waited"], state["best_epoch"]
        self.stopped_epoch = state["stopped_epoch"]
        weights = [array for name, array in state.items() if name.startswith("weights ")]
        self._best_weights = weights or None

    def on_train_end(self) -> None:
        best, self._best_weights = self._best_weights, None
        if best is not None:
            self.model.set_weights(best)
