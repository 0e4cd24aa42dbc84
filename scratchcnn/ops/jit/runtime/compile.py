"""How a kernel is written, and compiled once.

A kernel is a function of four arguments, compiled to machine code that any program could call. It is made by a factory,
a function of a register tile's shape and a dtype, which become constants of the machine code:

    @native
    def _double(dtype):
        def double(chunk, chunks, dims, pointers):
            g = read_dims(dims, Size)               # a NamedTuple of integers: g.N, g.F, ...
            x, y = read_arrays(pointers, 2, dtype)  # its arrays, flat
            for i in chunk_range(g.N, chunk, chunks):
                y[i] = 2 * x[i]

        return double

``run(_double(dtype), chunks, Size(...), x, y)`` (``launch.py``) calls it for chunk = 0 ... chunks - 1, in parallel. All
kernels have the same signature, so that one compiled loop (``loops.py``) calls them all. The small functions that
kernels call are ``device`` functions, in CUDA's word: compiled into each kernel.
"""

import hashlib
import importlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, NamedTuple

from llvmlite import binding
from numba import cfunc, njit, types
from numba.core import config

from ....concurrency.interrupts import heeded, unbroken
from .cache import FINGERPRINT, OPTIONS, cached
from .fork import require_a_whole_compiler

INTEGERS = types.CPointer(types.int64)
SIGNATURE = types.void(types.int64, types.int64, INTEGERS, INTEGERS)


class Kernel(NamedTuple):
    """Which kernel: the factory that makes it, and with which constants."""

    module: str
    factory: str
    constants: tuple[Any, ...]

    def compile(self) -> None:
        """Compile it, or load it from the cache on disk."""
        self._factory()(*self.constants)

    def function(self) -> Callable[..., None]:
        """Return its function, not compiled, under the name that it has on disk."""
        return named(self._factory().__wrapped__(*self.constants))

    def _factory(self) -> Any:
        return getattr(importlib.import_module(self.module), self.factory)


_of_thread = threading.local()
_dry_runs = 0  # in all threads; mostly none, so that the question costs little


@contextmanager
def dry_run() -> Iterator[list[Kernel]]:
    """Skip all kernels of this thread inside a ``with`` block; at its end the list has those that are not loaded."""
    global _dry_runs
    missing: dict[Kernel, None] = {}
    _of_thread.missing = missing
    _dry_runs += 1
    found: list[Kernel] = []
    try:
        yield found
    finally:
        _dry_runs -= 1
        _of_thread.missing = None
        found += missing


def is_dry_run() -> bool:
    """Return whether this thread skips its kernels."""
    return _dry_runs > 0 and getattr(_of_thread, "missing", None) is not None


def native(factory: Callable[..., Callable[..., None]], signature: Any = SIGNATURE) -> Callable[..., int]:
    """Let a factory of kernels return the address of a kernel's machine code, compiled or loaded from the disk once."""
    addresses: dict[tuple[Any, ...], int] = {}

    @wraps(factory)
    def address_of_kernel(*constants: Any) -> int:
        address = addresses.get(constants)
        if address is None:
            if is_dry_run():
                _of_thread.missing[Kernel(factory.__module__, factory.__name__, constants)] = None
                return 0
            address = addresses[constants] = compiled(factory(*constants), signature)
        return address

    return address_of_kernel


def named(function: Callable[..., None]) -> Callable[..., None]:
    """Give a kernel the name that it has on disk.

    numba keeps all variants of a function under one name, and two processes that compile two of them at once can mix
    them up. So each variant gets a name of its own: a hash of the constants that the factory has put into it, the CPU,
    and the source files.
    """
    constants = [cell.cell_contents for cell in function.__closure__ or ()]
    variant = repr((FINGERPRINT, constants, config.CPU_NAME, binding.get_host_cpu_name()))
    function.__qualname__ = f"{function.__name__}-{hashlib.sha256(variant.encode()).hexdigest()[:16]}"
    return function


def compiled(function: Callable[..., None], signature: Any = SIGNATURE) -> int:
    """Compile a kernel, or load it from the cache on disk, and return the address of its machine code."""
    function = named(function)
    require_a_whole_compiler()
    with heeded(), unbroken:  # inside of the compiler a KeyboardInterrupt can get lost
        return cached(partial(cfunc, signature), function).address


def device(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Return a function that kernels can call; it becomes part of their machine code, and is not cached by itself.

    Nothing else calls it. So it gets none of the wrappers for Python and C, which take longer to compile than it does.
    """
    return njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **options, **OPTIONS)(function)


# The same, inlined by force: for what inner loops call with register tiles and arrays, which a call would have to copy.
inlined = partial(device, forceinline=True)
