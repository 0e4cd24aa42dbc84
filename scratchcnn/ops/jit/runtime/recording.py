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
"""

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np

from ....concurrency.interrupts import heeded, unbroken
from ....types import Array
from .addresses import address_of, new_address_of
from .fork import threads_are_lost
from .launch import Call, exclusive, observed
from .loops import run_all
from .threads import threads_are_here


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

        # All dims of all calls, one after the other, and all operands as rows (address, size).
        operands = [(address_of(operand), operand) for call in calls for operand in call.operands]
        self._dims = np.array([dim for call in calls for dim in call.dims], np.int64)
        self._operands = np.array([(address, operand.size) for address, operand in operands], np.int64).reshape(-1, 2)
        # Of each call: its machine code, its chunks, and where its dims and its operands begin.
        first_dims = accumulate((len(call.dims) for call in calls), initial=0)
        first_operands = accumulate((len(call.operands) for call in calls), initial=0)
        firsts = zip(first_dims, first_operands, strict=True)
        rows = [(call.address, call.chunks, *first) for call, first in zip(calls, firsts, strict=False)]
        self._calls = np.array(rows, np.int64).reshape(-1, 4)
        # Which operands are arguments: rows (operand, argument). The others must live as long as the list.
        numbers = {address_of(array): number for number, array in enumerate(arguments) if array is not None}
        replaced = [(row, numbers[address]) for row, (address, _) in enumerate(operands) if address in numbers]
        self._replaced = np.array(replaced, np.int64).reshape(-1, 2)
        self._addresses = np.zeros(len(arguments), np.int64)
        self._kept = [operand for address, operand in operands if address not in numbers]
        # numba starts its threads when it loads what needs them. That run_all does, it forgets where it has compiled it
        # with a function that came from the cache on disk; run_all would then call what is not there yet.
        parallel, nothing = threads_are_here(), np.empty(0, np.int64)
        with heeded(), unbroken:  # is compiled now, not later
            run_all(self._calls[:0], nothing, self._operands[:0], self._replaced[:0], nothing, parallel)

    @exclusive
    def play(self, *arguments: Array | None) -> Any:
        """Do the same once more, with these arguments, and return the result."""
        if _shapes_of(arguments) != self._shapes or not all(a is None or a.flags.c_contiguous for a in arguments):
            raise ValueError(f"this was recorded with {self._shapes}, got {_shapes_of(arguments)}")
        return self.play_known(*arguments)

    @exclusive
    def play_known(self, *arguments: Array | None) -> Any:
        """Like ``play``, with arguments of which the caller knows that they are such as those of the recording."""
        for refresh in self._refreshing:
            refresh()
        for number, array in enumerate(arguments):
            if array is not None:
                self._addresses[number] = new_address_of(array)
        parallel = not threads_are_lost()  # since the recording they have been there, but for a fork
        run_all(self._calls, self._dims, self._operands, self._replaced, self._addresses, parallel)
        return self.result


def _shapes_of(arguments: tuple[Array | None, ...]) -> list[Any]:
    """Return what must be the same of the arguments of each replay."""
    return [None if array is None else (array.shape, array.dtype) for array in arguments]
