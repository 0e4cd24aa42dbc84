"""Running a kernel: its integers and the addresses of its arrays are collected, its chunks shared by the threads."""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache, partial, wraps
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from ....concurrency.locks import OPERATION, Lock, call_in_forked_children
from ....memory import aligned_empty
from ....types import Array
from ...checks import checked
from .addresses import address_of, new_address_of
from .compile import is_dry_run
from .cpus import most_threads
from .loops import OPERANDS, loop, row_length, thread
from .threads import NONE, threads_that_are_here

MOST_OPERANDS = 64  # of a kernel
Function = TypeVar("Function", bound=Callable[..., Any])
ProgramCall = Callable[[int], None]
_lock = Lock(OPERATION)
_observer: Callable[[Any], Any] | None = None  # is told of each call of ``run``, and of what else it should know


class Call(NamedTuple):
    """The arguments of ``run``."""

    address: int
    chunks: int
    dims: tuple[int, ...]
    operands: tuple[Array, ...]


def exclusive(function: Function) -> Function:
    """Let only one thread at a time into the decorated functions, and only with arrays that a kernel can believe.

    A kernel uses all cores, so two at once gain nothing; they would share the scratch memory; and numba's ``workqueue``
    threading layer aborts the process when two threads launch kernels at once.
    """

    function = checked(function)

    @wraps(function)
    def locked(*arguments: Any, **named: Any) -> Any:
        with _lock:
            return function(*arguments, **named)

    return cast(Function, locked)


def run(address: int, chunks: int, dims: tuple[int, ...], *operands: Array) -> None:
    """Run a kernel for each of its chunks, in parallel, and return when all are done.

    Parameters
    ----------
    address : int
        What ``native`` returned.
    chunks : int
        Number of calls; the threads share them.
    dims : tuple of int
        What the kernel reads with ``read_dims``.
    *operands : ndarray
        What the kernel reads with ``read_arrays``, in that order; C-contiguous.
    """
    if is_dry_run():
        loop()  # which will run it, and so will threads if there are several chunks
        if chunks > 1:
            thread()
        return
    if _observer is not None:
        _observer(Call(address, chunks, dims, operands))
    program, call, pointers, place = _program_of_one()
    values = pointers_to(operands)
    pointers[: len(values)] = values
    program[0, : OPERANDS + 1] = address, chunks, address_of(_as_array(dims)), place
    run_program(call, chunks > 1)


def run_program(call: ProgramCall, worth_sharing: bool) -> None:
    """Run a list of kernels, by all threads if there are any; calling them takes longer than a small kernel."""
    call(threads_that_are_here() if worth_sharing else NONE)


def call_of(program: Array) -> ProgramCall:
    """Return the function that runs a list of kernels, given the address of ``Threads``. The caller keeps the list."""
    return partial(_loop(), *program.shape, address_of(program))


@cache
def _loop() -> Callable[..., None]:
    """Return the compiled loop; ctypes lets other threads of Python run meanwhile."""
    return ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 4)(loop())


def pointers_to(operands: Sequence[Array]) -> list[int]:
    """Return address and size of each array, one after the other."""
    pointers: list[int] = []
    for array in operands:
        pointers += (address_of(array), array.size)
    return pointers


@cache
def _program_of_one() -> tuple[Array, ProgramCall, Array, int]:
    """Return a list of one kernel, for ``run``, and what runs it; the kernel's pointers, and their address."""
    program, pointers = new_program(1), np.empty(2 * MOST_OPERANDS, np.int64)
    return program, call_of(program), pointers, new_address_of(pointers)


def new_program(calls: int) -> Array:
    """Return memory for a list of so many kernels."""
    return aligned_empty((calls, row_length(most_threads())), np.int64)


@contextmanager
def observed(observer: Callable[[Any], Any]) -> Iterator[None]:
    """Inside a ``with`` block, tell ``observer`` of each kernel that is run: a ``Call``."""
    global _observer
    before, _observer = _observer, observer
    try:
        yield
    finally:
        _observer = before


def tell_observer(event: Any) -> None:
    """Tell the observer, if there is one, of something else that happens between two kernels."""
    if _observer is not None:
        _observer(event)


def _forget_observer() -> None:
    global _observer
    _observer = None  # was a recording of another thread, which is not in this process


call_in_forked_children(_forget_observer)


@lru_cache(maxsize=1024)
def _as_array(dims: tuple[int, ...]) -> Array:
    return np.array(dims, np.int64)
