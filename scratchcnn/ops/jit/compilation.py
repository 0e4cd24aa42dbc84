"""Tells the user that kernels are being compiled, which happens once and takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event

from . import kernel


class _FirstPass(event.Listener):
    """Hears of each step of numba's compiler, which a kernel from the cache on disk does not take."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self.write = write
        self.heard = False

    def on_start(self, event: event.Event) -> None:
        if not self.heard:
            self.heard = True
            self.write("Compiling kernels for this CPU; they are kept on disk for the next run ...")

    def on_end(self, event: event.Event) -> None:
        pass


@contextmanager
def announce(write: Callable[[str], Any]) -> Iterator[None]:
    """Inside a ``with`` block, tell ``write`` when the first kernel is compiled and, at the end, the seconds it took.

    Nothing is written where every kernel comes from the cache on disk.
    """
    seconds: list[float] = []
    first_pass = _FirstPass(write)
    event.register("numba:run_pass", first_pass)
    kernel.listeners.append(seconds.append)
    try:
        yield
    finally:
        event.unregister("numba:run_pass", first_pass)
        kernel.listeners.remove(seconds.append)
        if seconds:
            write(f"Compiled {len(seconds)} kernels in {sum(seconds):.1f} s.")
