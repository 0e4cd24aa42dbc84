"""How a kernel is written, compiled once, and run on all cores.

A kernel is a function of four arguments, compiled to machine code that any program could call:

    @kernel
    def double(s, slices, numbers, addresses):
        g = geometry(numbers, Size)              # a NamedTuple of whole numbers: g.N, g.F, ...
        x, y = arrays(addresses, 2, precision)   # its arrays, flat
        for i in range(s * g.N // slices, (s + 1) * g.N // slices):
            y[i] = 2 * x[i]

``run(double, slices, Size(...), x, y)`` calls it for s = 0 ... slices - 1, in parallel. That all kernels have the same
signature is what keeps the first start short: numba's machinery for parallel loops takes longer to compile than the
kernels themselves, and here it is compiled once, in ``_run_slices``, for all of them. What a kernel makes of its four
arguments, ``geometry`` and ``arrays``, stands in ``arguments.py``.

Kernels are made by factories, functions of a tile's shape and a ``precision``, and cached on disk by numba. The
precision, ``precision_of(float32)``, is a number made of the bits of a floating-point number and a fingerprint of the
source files in this folder: numba looks only at the file of the kernel itself, so without it a change to another file
would leave old machine code in use.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache, partial, wraps
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from llvmlite import binding, ir
from numba import cfunc, njit, prange, types
from numba.core import cgutils, config
from numba.extending import intrinsic

from ....concurrency.interrupts import heeded, unbroken
from ....concurrency.locks import OPERATION, Lock, call_in_forked_children
from ...checks import checked
from .addresses import address_of
from .fork import require_a_whole_compiler, threads_are_lost


def fingerprint(folder: Path) -> int:
    """Return a number that changes with any source file in a folder or below it."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(folder.rglob("*.py")))).digest()
    return int.from_bytes(digest[:6], "big")


FINGERPRINT = fingerprint(Path(__file__).parents[1])  # of all of ops/jit
# contract: a*b + c may be one instruction. nsz: -0 is 0. Never nnan: a NaN must come through to be seen.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract", "nsz"}}
SIGNATURE = types.void(types.int64, types.int64, types.CPointer(types.int64), types.CPointer(types.int64))


Function = TypeVar("Function", bound=Callable[..., Any])
_NO_NUMBERS = np.empty(0, np.int64)
_lock = Lock(OPERATION)
_observer: Callable[[Any], Any] | None = None  # is told of each call of ``run``, and of what else it should know


class Call(NamedTuple):
    """The arguments of ``run``."""

    address: int
    slices: int
    numbers: tuple[int, ...]
    operands: tuple[np.ndarray, ...]


def operation(function: Function) -> Function:
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


@cache
def precision_of(dtype: np.dtype) -> int:
    """Return the number that tells kernels the dtype of their arrays, and numba's cache the state of the source."""
    return FINGERPRINT * 128 + 8 * dtype.itemsize


def kernel(function: Callable[..., None]) -> int:
    """Compile a kernel, or load it from the cache on disk, and return the address of its machine code.

    numba keeps all variants of a function under one name, and two processes that compile two of them at once can mix
    them up. So each variant gets a name of its own, from the numbers that the factory has put into it and the CPU.
    """
    numbers = [cell.cell_contents for cell in function.__closure__ or ()]
    variant = repr((numbers, config.CPU_NAME, binding.get_host_cpu_name()))
    function.__qualname__ = f"{function.__name__}-{hashlib.sha256(variant.encode()).hexdigest()[:16]}"
    require_a_whole_compiler()
    with heeded(), unbroken:  # inside of the compiler a KeyboardInterrupt can get lost
        _run_in_turn(0, 0, _NO_NUMBERS, _NO_NUMBERS)  # is compiled with the first kernel, not later
        return _cached(partial(cfunc, SIGNATURE), function).address


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that kernels can call; it becomes part of their machine code, and is not cached by itself."""
    return njit(**OPTIONS)(function)


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Do as ``compiled``, but put the code in the place of each call, which LLVM does by itself for short functions.

    For what inner loops call with tiles and arrays: a call would have to copy them.
    """
    return njit(forceinline=True, **OPTIONS)(function)


def _cached(compiler: Callable[..., Any], function: Callable[..., Any]) -> Any:
    """Compile with numba's cache on disk, or without where there is no folder that it could write to."""
    try:
        return compiler(cache=True, **OPTIONS)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        return compiler(**OPTIONS)(function)


def run(address: int, slices: int, numbers: tuple[int, ...], *operands: np.ndarray) -> None:
    """Run a kernel for each of its slices, in parallel, and return when all are done.

    Parameters
    ----------
    address : int
        What ``kernel`` returned.
    slices : int
        Number of calls; the threads share them.
    numbers : tuple of int
        What the kernel reads with ``geometry``.
    *operands : ndarray
        What the kernel reads with ``arrays``, in that order; C-contiguous.
    """
    tell_observer(Call(address, slices, numbers, operands))
    places: list[int] = []
    for array in operands:
        places += (address_of(array), array.size)
    arguments = address, slices, _as_array(numbers), np.array(places, np.int64)
    if slices > 1 and threads_are_here():  # waking the threads takes longer than a small kernel
        _run_slices(*arguments)
    else:
        _run_in_turn(*arguments)


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


def threads_are_here() -> bool:
    """Return whether there are threads to share the slices, and start them where they have not been started."""
    if threads_are_lost():
        return False
    _start_threads()
    return True


@cache
def _start_threads() -> None:
    """Start numba's threads, and let them wait with patience.

    Between two kernels GNU's OpenMP lets a thread run in circles for milliseconds, looking for work. Where other
    programs want the CPU too, it takes it from the very thread that everybody waits for, and a training step can take a
    hundred times longer. So the threads go to sleep sooner, unless the user has decided otherwise: OpenMP reads these
    variables once, when it is loaded.
    """
    decided = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(os.environ)
    if not decided:
        os.environ["GOMP_SPINCOUNT"] = "4000"
    try:
        with heeded(), unbroken:
            numba.get_num_threads()
            _run_slices(0, 0, _NO_NUMBERS, _NO_NUMBERS)  # is compiled now, not later
    finally:
        if not decided:
            del os.environ["GOMP_SPINCOUNT"]


@lru_cache(maxsize=1024)
def _as_array(numbers: tuple[int, ...]) -> np.ndarray:
    return np.array(numbers, np.int64)


@intrinsic
def _call(typing, address, s, slices, numbers, addresses):
    """Call the machine code at ``address`` as a kernel."""

    def codegen(context, builder, signature, arguments):
        function, s, slices, numbers, addresses = arguments
        integer = ir.IntType(64)
        pointers = [
            cgutils.create_struct_proxy(array)(context, builder, value=value).data
            for array, value in zip(signature.args[3:], (numbers, addresses), strict=True)
        ]
        kernel_type = ir.FunctionType(ir.VoidType(), [integer, integer, integer.as_pointer(), integer.as_pointer()])
        builder.call(builder.inttoptr(function, kernel_type.as_pointer()), [s, slices, *pointers])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, numbers, addresses), codegen


def _run_slices(address, slices, numbers, addresses):
    for s in prange(slices):
        _call(address, s, slices, numbers, addresses)


def _run_in_turn(address, slices, numbers, addresses):
    for s in range(slices):
        _call(address, s, slices, numbers, addresses)


def run_all(calls, numbers, operands, replaced, addresses, parallel):
    """Run kernels one after the other, without Python between them.

    Parameters
    ----------
    calls : int64 ndarray, shape (K, 4)
        Of each: its machine code, its slices, and where its numbers and its operands begin.
    numbers : int64 ndarray
        Of all kernels.
    operands : int64 ndarray, shape (M, 2)
        Of all kernels: address and size.
    replaced : int64 ndarray, shape (R, 2)
        Rows of ``operands`` whose address is replaced first, each by the one of that number in ``addresses``.
    parallel : bool
        Whether there are threads to share the slices.
    """
    for r in range(len(replaced)):
        operands[replaced[r, 0], 0] = addresses[replaced[r, 1]]
    flat = operands.reshape(-1)
    for k in range(len(calls)):
        address, slices = calls[k, 0], calls[k, 1]
        own_numbers, own_operands = numbers[calls[k, 2] :], flat[2 * calls[k, 3] :]
        if slices > 1 and parallel:
            _run_slices(address, slices, own_numbers, own_operands)
        else:
            _run_in_turn(address, slices, own_numbers, own_operands)


_run_slices = _cached(partial(njit, nogil=True, parallel=True), _run_slices)
_run_in_turn = _cached(partial(njit, nogil=True), _run_in_turn)
run_all = _cached(partial(njit, nogil=True), run_all)
