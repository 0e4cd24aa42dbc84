"""Tells the user that kernels are being compiled, which happens once and takes seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event

from .cache import unkept

NOTICEABLE = 0.2  # seconds


class _Compiler(event.Listener):
    """Hears of each pass of numba's compiler; functions from the cache on disk need none."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self.write = write
        self.announced = False
        self.first = self.last = 0.0  # when the first pass began and the last one ended

    def on_start(self, event: event.Event) -> None:
        self.first = self.first or time.perf_counter()

    def on_end(self, event: event.Event) -> None:
        self.last = time.perf_counter()
        if self.last - self.first > NOTICEABLE and not self.announced:
            self.announced = True
            self.write("Compiling kernels for this CPU; they are kept on disk for the next run ...")


@contextmanager
def announce(write: Callable[[str], Any]) -> Iterator[None]:
    """Inside a ``with`` block, tell ``write`` when kernels are being compiled and, at the end, the seconds it took.

    Nothing is written where every kernel comes from the cache on disk, or it takes no noticeable time.
    """
    compiler = _Compiler(write)
    event.register("numba:run_pass", compiler)
    try:
        yield
    finally:
        event.unregister("numba:run_pass", compiler)
        if compiler.announced:
            write(f"Compiled in {compiler.last - compiler.first:.1f} s.")
            if unkept:
                write("They could not be kept on disk: name a folder that can be written to in NUMBA_CACHE_DIR.")
