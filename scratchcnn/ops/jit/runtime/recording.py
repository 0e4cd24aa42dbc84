"""A list of kernels, written down once and then run at one stroke.

A training step runs some twenty kernels, and each run is prepared in Python: which layer comes next, which tile suits
its shapes, where its arrays lie. On a small network that takes as long as the arithmetic. But from one step to the next
nothing of it changes as long as the shapes stay: the same kernels run in the same order on the same memory, the layers'
buffers and parameters. So one step is done in Python, and what it runs is written down; each further one is a single
call into machine code, which goes through that list.

Three things may differ from step to step. Arrays that the caller passes anew (images, labels, an output) lie elsewhere
each time: their addresses in the list are replaced. What is done in Python, such as drawing a seed, is done again
before the list is run: functions that ``tell_observer`` was told of. And numbers that a kernel has computed are read
when the list has been run. (With the kernels of a GPU, the same is known as graph capture and replay: CUDA Graphs.)

A function can be recorded if what it does to arrays it does with ``run`` alone. NumPy's work would not be repeated.

A short list, such as the prediction for one image, is run by all threads or by one, whichever took less time in the
last trial. Beforehand that cannot be known: where two cores share no cache, or another program has one of them, a
second thread saves less time than it takes to fetch what the first has written, or to wait for it. (``keras``, one
image, on two cores of Zen 5: by both 14 us, by one 18; where they share no cache, by both 22, as chosen here 19; where
another program has one of them, by both 77, as chosen here 23.)
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from ....types import Array
from .addresses import address_of, new_address_of
from .cpus import most_threads
from .launch import Call, call_of, exclusive, new_program, observed, pointers_to, run_program
from .loops import OPERANDS

SHORT = 100e-6  # seconds that all threads take; longer lists, such as most training steps, are always run by all
TRIALS = 16  # runs of a short list by all threads, and then by one
SLOWER = 1.25  # times as long as all: if one thread takes that in two runs, it is not tried further
PERIOD = 2000  # runs until it is tried again


class Recording:
    """What ``function(*arguments)`` does, recorded while it is done.

    Parameters
    ----------
    function : callable
        All that it does to arrays is done by kernels, whichever values they hold.
    *arguments : ndarray or None
        C-contiguous arrays. In a replay each may be replaced by another one of the same shape and dtype; others are a
        ValueError.

    Attributes
    ----------
    result : object
        What the function returned; arrays in it are filled anew by each replay.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Array | None) -> None:
        self._record(function, arguments)

    @exclusive
    def _record(self, function: Callable[..., Any], arguments: tuple[Array | None, ...]) -> None:
        if not all(array is None or array.flags.c_contiguous for array in arguments):
            raise ValueError("only C-contiguous arrays can be exchanged in a recording")
        self._shapes = _shapes_of(arguments)
        seen: list[Any] = []
        with observed(seen.append):
            self.result = function(*arguments)
        calls = [event for event in seen if isinstance(event, Call)]
        self._refreshing = [event for event in seen if not isinstance(event, Call)]

        self._program = new_program(len(calls))
        self._call = call_of(self._program)
        self._pointers = [np.array(pointers_to(call.operands), np.int64) for call in calls]
        self._dims = [np.array(call.dims, np.int64) for call in calls]
        for row, call, dims, pointers in zip(self._program, calls, self._dims, self._pointers, strict=True):
            row[: OPERANDS + 1] = call.address, call.chunks, new_address_of(dims), new_address_of(pointers)
        self._shares = most_threads() > 1 and any(call.chunks > 1 for call in calls)
        self._until_trial = 0 if self._shares else -1  # runs; negative is never
        self._seconds: list[float] = []  # of the runs of a trial
        # Which operands are arguments: of each the places of its address. The others must live as long as the list.
        numbers = {address_of(array): number for number, array in enumerate(arguments) if array is not None}
        self._replaced: list[tuple[int, Array, int]] = []
        self._kept = []
        for call, pointers in zip(calls, self._pointers, strict=True):
            for place, operand in enumerate(call.operands):
                number = numbers.get(address_of(operand))
                if number is None:
                    self._kept.append(operand)
                else:
                    self._replaced.append((number, pointers, 2 * place))

    @exclusive
    def play(self, *arguments: Array | None) -> Any:
        """Do the same once more, with these arguments, and return the result."""
        if _shapes_of(arguments) != self._shapes or not all(a is None or a.flags.c_contiguous for a in arguments):
            raise ValueError(f"this was recorded with {self._shapes}, got {_shapes_of(arguments)}")
        return self.play_known(*arguments)

    @exclusive
    def play_known(self, *arguments: Any) -> Any:
        """Like ``play``, with arguments of which the caller knows that they are such as those of the recording."""
        for refresh in self._refreshing:
            refresh()
        for number, pointers, place in self._replaced:
            pointers[place] = new_address_of(arguments[number])
        if self._until_trial:
            self._until_trial -= 1
            run_program(self._call, self._shares)
        else:
            self._try()
        return self.result

    def _try(self) -> None:
        """Run the list once more, by all threads or by one; when both have been tried, decide."""
        seconds = self._seconds
        begin = perf_counter()
        run_program(self._call, len(seconds) < TRIALS)
        seconds.append(perf_counter() - begin)
        shared, alone = seconds[:TRIALS], seconds[TRIALS:]
        is_long = len(seconds) == TRIALS and min(shared) > SHORT
        is_slower = len(alone) == 2 and min(alone) > SLOWER * median(shared)
        if is_long or is_slower or len(alone) >= TRIALS:
            self._until_trial, self._seconds = PERIOD, []
            self._shares = is_long or is_slower or median(shared) <= median(alone)


def _shapes_of(arguments: tuple[Array | None, ...]) -> list[Any]:
    """Return what must be the same of the arguments of each replay."""
    return [None if array is None else (array.shape, array.dtype) for array in arguments]
