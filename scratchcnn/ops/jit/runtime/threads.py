"""numba's threads: when they start, and how long they spin while they wait for work."""

import os
from functools import cache

import numba
import numpy as np
from llvmlite.binding import address_of_symbol

from ....concurrency.interrupts import heeded, unbroken
from .addresses import new_address_of
from .cpus import most_threads
from .fork import threads_are_lost
from .loops import Threads, thread

_none, _all = np.array([Threads(), Threads()], np.int64)
NONE = new_address_of(_none)
FUNCTIONS = "numba_parallel_for", "get_num_threads", "set_num_threads"  # as numba's own machine code calls them


def threads_that_are_here() -> int:
    """Return where ``Threads`` are that share the chunks; start them where they have not been started."""
    return NONE if threads_are_lost() else _started_threads()


@cache
def _started_threads() -> int:
    """Start numba's threads, and limit how long idle ones spin.

    Between two kernels GNU's OpenMP spin-waits for milliseconds. Where other programs want the CPU too, a spinning
    thread takes it from the very thread that all wait for, and a training step can take a hundred times longer. So the
    threads go to sleep sooner, unless the user has decided otherwise: OpenMP reads these variables once, when it is
    loaded.
    """
    decided = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ)
    if not decided:
        os.environ["GOMP_SPINCOUNT"] = "4000"
    try:
        with heeded(), unbroken:
            numba.get_num_threads()
    finally:
        if not decided:
            del os.environ["GOMP_SPINCOUNT"]
    _all[:] = Threads(most_threads(), thread(), *map(address_of_symbol, FUNCTIONS))
    return new_address_of(_all)
