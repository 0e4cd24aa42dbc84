"""A list of kernels, written down once and then run at one stroke.

A training step runs some twenty kernels, and each run is prepared in Python: which layer comes next, which tile suits
its shapes, where its arrays lie. On a small network that takes as long as the arithmetic. But from one step to the next
nothing of it changes as long as the shapes stay: the same kernels run in the same order on the same memory, the layers'
buffers and parameters. So the first step is done in Python, and what it runs is written down; each further one is a
single call into machine code, which goes through that list.

Three things may differ from step to step. Arrays that the caller passes anew (images, labels, an output) lie elsewhere
each time: their addresses in the list are replaced. What is random is drawn in Python: functions that were handed to
``each_time`` are called again. And numbers that a kernel has computed are read when the list has been run.

A function can be recorded if what it does to arrays it does with ``run`` alone. NumPy's work would not be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from numba import njit

from .kernel import Call, _cached, _call, _run_slices, address_of, new_address_of, observed, operation

_refreshed: list[Callable[[], None]] | None = None  # what each_time was given while a recording is made


@operation
def each_time(function: Callable[[], None]) -> None:
    """Call a function now and, where this is being recorded, again before each replay."""
    if _refreshed is not None:
        _refreshed.append(function)
    function()


class Recording:
    """What ``function(*arguments)`` does, recorded while it is done.

    Parameters
    ----------
    function : callable
        All that it does to arrays is done by kernels, whichever values they hold.
    *arguments : ndarray or None
        C-contiguous arrays. In a replay each may be replaced by another one of the same shape and dtype.

    Attributes
    ----------
    result : object
        What the function returned; arrays in it are filled anew by each replay.
    """

    def __init__(self, function: Callable[..., Any], *arguments: np.ndarray | None) -> None:
        self._record(function, arguments)

    @operation
    def _record(self, function: Callable[..., Any], arguments: tuple[np.ndarray | None, ...]) -> None:
        global _refreshed
        calls: list[Call] = []
        self._refreshed = _refreshed = []
        try:
            with observed(calls.append):
                self.result = function(*arguments)
        finally:
            _refreshed = None

        self._numbers = np.array([number for call in calls for number in call.numbers], np.int64)
        operands = [operand for call in calls for operand in call.operands]
        self._places = np.array([(address_of(operand), operand.size) for operand in operands], np.int64).reshape(-1)
        # Of each call: machine code, slices, and where its numbers and its operands begin.
        numbers = accumulate((len(call.numbers) for call in calls), initial=0)
        places = accumulate((2 * len(call.operands) for call in calls), initial=0)
        rows = [(call.address, call.slices, *starts) for call, *starts in zip(calls, numbers, places, strict=False)]
        self._calls = np.array(rows, np.int64).reshape(-1, 4)
        # Which addresses are those of an argument, and of which one. The other operands must live as long as the list.
        given = {address_of(array): i for i, array in enumerate(arguments) if array is not None}
        found = [(place, given[address_of(operand)]) for place, operand in enumerate(operands) if _in(operand, given)]
        self._arguments = np.array([(2 * place, i) for place, i in found], np.int64).reshape(-1, 2)
        self._kept = [operand for operand in operands if not _in(operand, given)]
        _play(self._calls[:0], self._numbers, self._places, self._arguments[:0], self._numbers)  # compiles it

    @operation
    def play(self, *arguments: np.ndarray | None) -> Any:
        """Do the same once more, with these arguments, and return the result."""
        for refresh in self._refreshed:
            refresh()
        addresses = np.array([0 if array is None else new_address_of(array) for array in arguments], np.int64)
        _play(self._calls, self._numbers, self._places, self._arguments, addresses)
        return self.result


def _in(operand: np.ndarray, addresses: dict[int, int]) -> bool:
    return address_of(operand) in addresses


def _play(calls, numbers, places, arguments, addresses):
    for i in range(len(arguments)):
        places[arguments[i, 0]] = addresses[arguments[i, 1]]
    for i in range(len(calls)):
        address, slices = calls[i, 0], calls[i, 1]
        its_numbers, its_places = numbers[calls[i, 2] :], places[calls[i, 3] :]
        if slices > 1:
            _run_slices(address, slices, its_numbers, its_places)
        else:
            _call(address, 0, 1, its_numbers, its_places)


_play = _cached(partial(njit, nogil=True), _play)
