"""numba's threads: when they start, and how long they spin while they wait for work."""

import os
from functools import cache

import numba

from ....concurrency.interrupts import heeded, unbroken
from .compile import NOTHING
from .fork import threads_are_lost
from .loops import run_together


def threads_are_here() -> bool:
    """Return whether there are threads to share the chunks, and start them where they have not been started."""
    if threads_are_lost():
        return False
    _start_threads()
    return True


@cache
def _start_threads() -> None:
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
            run_together(NOTHING, 1)  # is compiled now, not later
    finally:
        if not decided:
            del os.environ["GOMP_SPINCOUNT"]
