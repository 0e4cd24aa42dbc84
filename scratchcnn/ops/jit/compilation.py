"""Tells the user that kernels are being compiled, which happens once and takes seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event


class _Announcer(event.Listener):
    """Hears of each compilation as it starts and ends (those within others included)."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self.write = write
        self.depth = 0
        self.kernels = 0
        self.seconds = 0.0
        self.started = 0.0

    def on_start(self, event: event.Event) -> None:
        if self.kernels == 0 and self.depth == 0:
            self.write("Compiling kernels for this CPU (only the first time; they are kept on disk) ...")
        if self.depth == 0:
            self.started = time.perf_counter()
        self.depth += 1

    def on_end(self, event: event.Event) -> None:
        self.depth -= 1
        self.kernels += 1
        if self.depth == 0:
            self.seconds += time.perf_counter() - self.started


@contextmanager
def announce(write: Callable[[str], Any]) -> Iterator[None]:
    """Inside a ``with`` block, tell ``write`` when the first kernel is compiled and, at the end, the seconds it took.

    Nothing is written where every kernel comes from the cache on disk.
    """
    announcer = _Announcer(write)
    event.register("numba:compile", announcer)
    try:
        yield
    finally:
        event.unregister("numba:compile", announcer)
        if announcer.kernels:
            write(f"Compiled {announcer.kernels} kernels in {announcer.seconds:.1f} s.")
