"""Ctrl-C at a moment when nothing is half done.

Python raises ``KeyboardInterrupt`` between any two lines. Between some it does harm: inside of numba's compiler it can
vanish, where Python was called by machine code that knows no exceptions, or leave tables half written; between the
update of parameters and the counting of updates it leaves an optimizer that believes in another number. So inside of
``unbroken`` a Ctrl-C is noted, and raised at the end.

That takes a handler of the signal, which ``heeded`` puts in the place of Python's own; a handler of the user's stays.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from types import FrameType
from typing import Any


class _Unbroken:
    """The context ``unbroken``; it may be entered again inside."""

    heeding = 0  # the thread that Ctrl-C interrupts, where a signal is handled here
    depth = 0
    noted = False

    def __enter__(self) -> None:
        if get_ident() == self.heeding:
            self.depth += 1

    def __exit__(self, *exception: Any) -> None:
        if get_ident() == self.heeding:
            self.depth -= 1
            if self.noted and self.depth == 0:
                self.noted = False
                raise KeyboardInterrupt


unbroken = _Unbroken()


def _handle(number: int, frame: FrameType | None) -> None:
    if unbroken.depth:
        unbroken.noted = True
    else:
        signal.default_int_handler(number, frame)


@contextmanager
def heeded() -> Iterator[None]:
    """Inside a ``with`` block, let Ctrl-C wait for the end of what is ``unbroken``."""
    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if not is_ours:
        yield
        return
    unbroken.heeding = get_ident()
    signal.signal(signal.SIGINT, _handle)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is _handle:  # nobody has put another one in its place
            signal.signal(signal.SIGINT, signal.default_int_handler)
        unbroken.heeding = 0
