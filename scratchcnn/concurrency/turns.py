"""Whose turn it is: which thread trains a model, and whether a backward belongs to the forward of the same thread.

Between a forward and a backward by hand a model cannot be locked: nobody says whether there will be a backward. So what
happens in between is noted, and the backward is refused if another thread has used the model meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import wraps
from threading import get_ident
from typing import Any, TypeVar, cast

from .interrupts import heeded
from .locks import lock_of

Function = TypeVar("Function", bound=Callable[..., Any])


class Turns:
    """The forward passes of the threads that use one object."""

    def __init__(self) -> None:
        self._latest = 0  # the thread of the latest forward,
        self._waiting = False  # and whether a backward may follow
        self._overtaken: dict[int, str] = {}  # threads whose forward was followed by that of another one: its name

    def __reduce__(self) -> Any:
        return Turns, ()

    def forward(self) -> None:
        """Note a forward of this thread."""
        me = get_ident()
        if me != self._latest:
            if self._waiting:
                self._overtaken[self._latest] = threading.current_thread().name
            self._overtaken.pop(me, None)
            self._latest = me
        self._waiting = True

    def overwritten(self) -> None:
        """Note that this thread has used the object for something that no backward by hand belongs to."""
        if get_ident() != self._latest:
            self.forward()
        self._waiting = False

    def backward(self, name: str) -> None:
        """Raise a RuntimeError if another thread has used the object since this thread's latest forward."""
        other = self._overtaken.get(get_ident())
        if other is not None:
            raise RuntimeError(
                f"{name}.backward belongs to the latest forward, and since that of this thread the thread {other!r} "
                f"has used the same object, whose numbers are now in its place; hold the model's lock from forward to "
                f"the update (with model.lock: ...), or give each thread a model of its own: copy.deepcopy(model)"
            )
        self._waiting = False


def one_at_a_time(fit: Function) -> Function:
    """Let only one thread at a time ``fit`` a model, and Ctrl-C wait for the end of an update."""

    @wraps(fit)
    def alone(model: Any, *arguments: Any, **named: Any) -> Any:
        me = os.getpid(), get_ident()
        with model.lock:
            before = model.fitted_by
            if before is not None and before[0] == me[0] and before[1] != me[1]:  # of another process: it was forked
                raise RuntimeError(
                    "another thread is training this model; wait until its fit returns (or is told to stop: "
                    "model.stop_training = True), or train a copy of it: copy.deepcopy(model)"
                )
            model.fitted_by = me
        try:
            with heeded():
                return fit(model, *arguments, **named)
        finally:
            model.fitted_by = before

    return cast(Function, alone)


def undisturbed(function: Function) -> Function:
    """Keep other threads from a model for as long as a function works with it."""

    @wraps(function)
    def locked(model: Any, *arguments: Any, **named: Any) -> Any:
        with model.lock, lock_of(model.loss):
            return function(model, *arguments, **named)

    return cast(Function, locked)
