"""What is left of numba in a process that was forked, as ``multiprocessing`` does on Linux by default.

Of the threads only the one that forked is in the child. numba does not know: it would hand chunks to threads that are
gone, and wait for ever, or end the process. So in such a child kernels run their chunks one after the other. The sums
are cut and added as before, so the bits are the same.
"""

import numba
from llvmlite.binding import ffi
from numba.core.compiler_lock import global_compiler_lock

from ....concurrency.locks import COMPILER, LLVM, call_in_forked_children, hold_at_fork, was_torn

_threads_are_lost = False
_COMPILER_LOCKS = global_compiler_lock._lock, ffi.lib._lock._lock

hold_at_fork(_COMPILER_LOCKS[0], COMPILER)
hold_at_fork(_COMPILER_LOCKS[1], LLVM)


def threads_are_lost() -> bool:
    """Return whether this process was forked from one that had started numba's threads."""
    return _threads_are_lost


def require_a_whole_compiler() -> None:
    """Raise a RuntimeError where the parent was compiling when it forked, which the compiler does not survive."""
    if any(was_torn(lock) for lock in _COMPILER_LOCKS):
        raise RuntimeError(
            "this process was forked while another thread of its parent was compiling, and cannot compile itself; "
            'start it with multiprocessing.get_context("spawn"), or run the model once before the fork'
        )


def _look_for_threads() -> None:
    global _threads_are_lost
    try:
        numba.threading_layer()
    except ValueError:  # not started: the child may start its own
        return
    _threads_are_lost = True


call_in_forked_children(_look_for_threads)
