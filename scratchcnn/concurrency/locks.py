"""Locks that know what to do when the process forks, and that a copy or a pickle makes anew.

Objects that work in buffers of their own, a model above all, must be used by one thread at a time. Each has a ``Lock``.
They are taken in the order of their levels, so that no two threads wait for each other.

A fork copies the memory, but of the threads only the one that forks: a lock that another thread holds would stay locked
in the child for ever, and what it guards would stay half done. So the thread that forks takes all locks first, waiting
for what is being done, and gives them back on both sides. It waits for ``PATIENCE`` at most. A lock that it could not
get is made anew in the child, and ``was_torn`` says so.
"""

from __future__ import annotations

import _thread
import os
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

MODEL, LOSS, BACKEND, OPERATION, COMPILER, LLVM, DISPLAY = range(
    7
)  # who holds one may take a later one, not an earlier one
PATIENCE = 10.0  # seconds, and
PATIENCE_WITH_MODELS = 2.0  # for those of models, which may be held for a whole search of the learning rate

_levels: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()  # of all locks that a fork waits for
_torn: weakref.WeakSet[Any] = weakref.WeakSet()  # in a child: locks that the parent held when it forked
_forking = threading.local()


class Lock(_thread.RLock):  # type: ignore[misc,valid-type]
    """A re-entrant lock: the thread that holds it may take it again."""

    def __init__(self, level: int = MODEL) -> None:
        self.level = level
        hold_at_fork(self, level)

    def __reduce__(self) -> Any:
        return Lock, (self.level,)


def hold_at_fork(lock: Any, level: int) -> None:
    """Let a fork wait until nobody holds a re-entrant lock, and see that it is free in the child."""
    _levels[lock] = level


def was_torn(lock: Any) -> bool:
    """Return whether this is a forked child, and another thread of the parent held the lock for longer than patience.

    What the lock guards may then be half done, here for ever.
    """
    return lock in _torn


_without_a_place = Lock(LOSS)  # of all objects that take no attribute
_nothing: AbstractContextManager[None] = nullcontext()
_guard = threading.Lock()


def lock_of(thing: Any) -> AbstractContextManager[Any]:
    """Return the lock of an object that several models may share, such as a loss of the user's own, or of None."""
    try:
        return thing.__dict__["_lock_of_users"]
    except KeyError:
        with _guard:
            return thing.__dict__.setdefault("_lock_of_users", Lock(LOSS))
    except AttributeError:
        return _without_a_place if thing is not None else _nothing


def _all_locks() -> list[Any]:
    return [lock for reference in _levels.keyrefs() if (lock := reference()) is not None]


def _before_fork() -> None:
    begun = time.monotonic()
    _forking.held = []
    for lock in sorted(_all_locks(), key=_levels.__getitem__):
        deadline = begun + (PATIENCE if _levels[lock] > LOSS else PATIENCE_WITH_MODELS)
        if lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            _forking.held.append(lock)


def _after_fork_in_parent() -> None:
    for lock in reversed(_forking.__dict__.pop("held", [])):
        lock.release()


def _after_fork_in_child() -> None:
    global _guard
    _guard = threading.Lock()
    _after_fork_in_parent()
    for lock in _all_locks():
        if lock.acquire(blocking=False):
            lock.release()
        else:  # its holder is not here
            lock._at_fork_reinit()
            _torn.add(lock)


def call_in_forked_children(function: Callable[[], None]) -> None:
    """Call a function in each child that is forked from now on, after the locks have been seen to."""
    if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
        os.register_at_fork(after_in_child=function)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent)
    call_in_forked_children(_after_fork_in_child)
