"""Saving the model while it trains."""

from __future__ import annotations

import errno
import string
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ..checks.messages import shown
from ..checks.paths import as_path
from ..checks.settings import Setting, yes_or_no
from ..network.network import Network
from ..saving.description import describe
from ..saving.files import save_model
from .base import LogReader
from .monitors import Monitor, as_monitor, require_names


class ModelCheckpoint(LogReader):
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
        Whether lower or higher is better; "auto": higher for an accuracy and the like, else lower.
    include_optimizer : bool, default True
        Whether to save optimizer and loss too, as in ``model.save``.

    What was best in an earlier ``fit`` is forgotten when another one begins.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keep = sc.callbacks.ModelCheckpoint(f"{folder}/model-{{epoch:02d}}.npz")
    ...     history = model.fit(x[:100], y[:100], epochs=2, callbacks=[keep], verbose=0)
    ...     sorted(os.listdir(folder))
    ['model-01.npz', 'model-02.npz']
    """

    path = Setting(lambda name, value: _pattern(value))
    monitor = Setting(as_monitor)
    save_best_only = Setting(yes_or_no)
    include_optimizer = Setting(yes_or_no)

    def __init__(
        self,
        path: str | PathLike[str],
        monitor: str = "val_loss",
        *,
        save_best_only: bool = False,
        mode: str = "auto",
        include_optimizer: bool = True,
    ) -> None:
        self.path = path
        self.save_best_only = save_best_only
        self.monitor = Monitor(monitor, mode)
        self.include_optimizer = include_optimizer
        self._expected: set[str] = set()  # what fit says that it measures

    @property
    def _names(self) -> set[str]:
        return _names_in(self.path)

    def require_measured(self, measured: Sequence[str], others_may_come: bool) -> None:
        names = self._names - {"epoch"}
        if self.save_best_only:
            self.monitor.require_measured(measured, others_may_come)
        require_names(sorted(names), measured, others_may_come)
        self._expected = set(measured)
        if names.issubset(measured):
            self._path_of(0, dict.fromkeys(names, 0.5))

    def attach(self, model: Network, epochs: int, steps: int) -> None:
        super().attach(model, epochs, steps)
        self.monitor.reset(model.metrics)

    def get_state(self) -> dict[str, Any]:
        return self.monitor.get_state()

    def set_state(self, state: dict[str, Any]) -> None:
        self.monitor.set_state(state)

    def on_train_begin(self) -> None:
        if Path(self.path).is_dir():
            raise IsADirectoryError(errno.EISDIR, "a folder, where the file of a model is to be written", self.path)
        # a model that cannot be saved is better found out before the first epoch than after it
        describe(self.model, self.include_optimizer)

    def read_logs(self, epoch: int, logs: dict[str, Any]) -> None:
        if self.save_best_only and not self.monitor.improved(logs):
            return
        if (self._names - {"epoch"} - logs.keys()) & self._expected:
            return  # what is measured every few epochs only, and has a part in the file's name
        path = self._path_of(epoch, logs)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_model(self.model, path, self.include_optimizer)

    def _path_of(self, epoch: int, logs: dict[str, Any]) -> Path:
        require_names(sorted(self._names - {"epoch"}), logs, others_may_come=False)
        try:
            return Path(self.path.format(**{**logs, "epoch": epoch + 1}))
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            values = {name: logs[name] for name in sorted(self._names - {"epoch"})}
            raise ValueError(
                f"the path {shown(self.path)} cannot be filled in with {shown(values)}: {error}"
            ) from error


def _pattern(path: Any) -> str:
    path = as_path("path", path)
    _names_in(path)  # raises an error if it is none
    return path


def _names_in(path: str) -> set[str]:
    """Return the names in the braces of a path, or raise a ValueError if these are none."""
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(path) if field is not None]
    except ValueError as error:
        raise ValueError(f"the path {shown(path)} is not a pattern: {error}; write {{{{ and }}}} for braces") from None
    names = {field.split(".")[0].split("[")[0] for field in fields}
    if any(name == "" or name.isdigit() for name in names):
        raise ValueError(f"the path {shown(path)} needs names in its braces, such as {{epoch}}; write {{{{ for a brace")
    return names
