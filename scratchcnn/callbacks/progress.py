"""Progress display: a bar on a terminal, or a line an epoch; and the news that kernels are being compiled."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from tqdm import tqdm
from tqdm.std import TqdmDefaultWriteLock  # type: ignore[attr-defined]

from .. import ops
from ..checks.messages import can_write, say, shown
from ..concurrency.locks import DISPLAY, hold_at_fork
from ..history import as_text
from ..network.network import Network
from . import Callback, LogReader

REFRESH_SECONDS = 0.1
_silent = ContextVar("silent", default=False)  # whether a compilation is not announced, or already by an outer block

hold_at_fork(TqdmDefaultWriteLock.th_lock, DISPLAY)


class EpochLines(LogReader):
    """A line for each epoch: its number, its seconds, and what it measured."""

    def on_epoch_begin(self, epoch: int) -> None:
        self._started = time.monotonic()

    def read_logs(self, epoch: int, logs: dict[str, Any]) -> None:
        seconds = time.monotonic() - self._started
        say(f"{self.title(epoch)}  {seconds:5.1f} s  {_numbers(logs)}")

    def title(self, epoch: int) -> str:
        """Return "Epoch  7/10"."""
        return f"Epoch {epoch + 1:{len(str(self.epochs))}}/{self.epochs}"


class ProgressBar(EpochLines):
    """The same lines, and while an epoch lasts a bar in the place of its line, with loss and accuracy so far."""

    def attach(self, model: Network, epochs: int, steps: int) -> None:
        super().attach(model, epochs, steps)
        self._bar = _Bar(disable=True)
        self._written = 0.0

    def on_epoch_begin(self, epoch: int) -> None:
        super().on_epoch_begin(epoch)
        screen = shutil.get_terminal_size()  # 80 x 24 where the terminal does not say
        self._bar = _Bar(
            total=self.steps,
            desc=self.title(epoch),
            bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
            leave=False,
            file=sys.stdout,
            ncols=screen.columns,
            nrows=screen.lines,
            mininterval=REFRESH_SECONDS,
        )
        self._written = 0.0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        now = time.monotonic()
        if now - self._written > REFRESH_SECONDS:  # to write the numbers out takes longer than to count a batch
            self._written = now
            self._bar.set_postfix_str(_numbers(logs), refresh=False)
        self._bar.update()

    def read_logs(self, epoch: int, logs: dict[str, Any]) -> None:
        self._bar.close()
        super().read_logs(epoch, logs)

    def on_train_end(self) -> None:
        self._bar.close()


class _Bar(tqdm):
    """A bar without the thread that watches over slow ones."""

    monitor_interval = 0

    def __del__(self) -> None:
        with suppress(Exception):  # a bar that could not be drawn cannot be wiped off either
            self.close()


def progress_display(verbose: int | str) -> Callback:
    """Return the callback for ``verbose``: 0 silent, 1 a bar, 2 lines, "auto" a bar where one can move, else lines."""
    if verbose == "auto":
        verbose = 1 if _is_terminal() or _is_notebook() else 2
    if verbose == 1 and not can_write(sys.stdout):
        verbose = 2  # whose lines are not written then either
    displays: dict[int | str, type[Callback]] = {0: Callback, 1: ProgressBar, 2: EpochLines}
    if not isinstance(verbose, int | str) or verbose not in displays:
        raise ValueError(f'verbose must be 0, 1, 2 or "auto", got {shown(verbose)}')
    return displays[verbose]()


def _is_terminal() -> bool:
    try:
        return sys.stdout.isatty()
    except (AttributeError, ValueError, OSError):  # there is none, or it is closed
        return False


def _is_notebook() -> bool:
    """Return whether output goes to a notebook, where a bar moves, too."""
    return "ipykernel" in sys.modules and type(sys.stdout).__module__.startswith("ipykernel")


@contextmanager
def silenced(silent: bool = True) -> Iterator[None]:
    """Inside a ``with`` block nothing says that kernels are being compiled, if ``silent``."""
    before = _silent.set(silent or _silent.get())
    try:
        yield
    finally:
        _silent.reset(before)


@contextmanager
def announcing_compilation() -> Iterator[None]:
    """Inside a ``with`` block say on standard error that kernels are being compiled, unless an outer block does."""
    if _silent.get():
        yield
        return
    with silenced(), ops.announce_compilation(_write_around_bars):
        yield


def _write_around_bars(text: str) -> None:
    if not can_write(sys.stderr):
        return
    with suppress(AttributeError, ValueError, OSError):  # standard error may fail: the work goes on
        tqdm.write(text, file=sys.stderr)


def _numbers(logs: dict[str, Any]) -> str:
    return "  ".join(f"{name} {as_text(value)}" for name, value in logs.items())
