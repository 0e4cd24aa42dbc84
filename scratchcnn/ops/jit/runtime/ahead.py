"""Compiling ahead: all kernels that something will need, several at once, before it begins.

Kernels are compiled when they are first run, one after the other on one core, because numba's compiler works on one
kernel at a time. So what is about to be done is first done without running a kernel: that tells which ones it needs
(``foreseeing`` in ``compile.py``). Then this process compiles them from the front of the list, and helpers, processes
of their own, from its back into numba's cache on disk, until they meet. Where all of them are on disk already, they are
loaded and no helper is started.
"""

import importlib
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from numba.core import event

from .cache import unkept
from .compile import Kernel, foreseeing
from .cpus import most_threads
from .fork import threads_are_lost
from .threads import threads_are_here

MOST_HELPERS = 3  # each needs some 150 MB
ROOT = Path(__file__).parents[4]  # where the package can be imported from
HELPER = "import sys; from scratchcnn.ops.jit.runtime.ahead import help_compiling; help_compiling(sys.argv[1])"


def compile_ahead(function: Callable[[], Any]) -> None:
    """Compile the kernels that ``function()`` runs, and load them; it must not depend on what they compute."""
    with foreseeing() as kernels:
        function()
    if not kernels or threads_are_lost() or unkept:
        return  # they are compiled one by one, when they are needed
    with tempfile.TemporaryDirectory(prefix="scratchcnn-kernels-") as name:
        work = _Work(Path(name), list(kernels))
        with _helpers(work):
            threads_are_here()  # compiles the parallel loop, which takes longest
            work.do(range(len(work.kernels)))
        for kernel in work.kernels:  # what helpers have compiled is loaded, what they have not is compiled
            compile_kernel(kernel)


def compile_kernel(kernel: Kernel) -> None:
    """Compile a kernel or load it from the cache on disk."""
    getattr(importlib.import_module(kernel.module), kernel.factory)(*kernel.constants)


def help_compiling(folder: str) -> None:
    """Do what is left of the work of another process, from the back: the main program of a helper."""
    with open(Path(folder, "kernels"), "rb") as file:
        work = _Work(Path(folder), pickle.load(file))
    work.do(reversed(range(len(work.kernels))))


class _Work:
    """A list of kernels, each to be compiled by the process that first makes the file of its number in a folder."""

    def __init__(self, folder: Path, kernels: list[Kernel]) -> None:
        self.folder, self.kernels = folder, kernels

    def do(self, numbers: Any) -> None:
        for number in numbers:
            with suppress(FileExistsError):
                (self.folder / str(number)).touch(exist_ok=False)
                compile_kernel(self.kernels[number])


class _AtFirst(event.Listener):
    """Calls a function when numba's compiler begins with something that was not on disk."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function: Callable[[], Any] | None = function

    def on_start(self, event: event.Event) -> None:
        function, self.function = self.function, None
        if function is not None:
            function()

    def on_end(self, event: event.Event) -> None:
        pass


@contextmanager
def _helpers(work: _Work) -> Iterator[None]:
    """Inside a ``with`` block let helpers take part as soon as something is compiled; wait for them at its end."""
    started: list[subprocess.Popen] = []

    def start() -> None:
        with open(work.folder / "kernels", "wb") as file:
            pickle.dump(work.kernels, file)
        paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": paths, "NUMBA_NUM_THREADS": "1"}
        command = [sys.executable, "-c", HELPER, str(work.folder)]
        quiet: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        for _ in range(min(most_threads() - 1, len(work.kernels) // 2, MOST_HELPERS)):
            with suppress(OSError):  # then this process does it alone
                started.append(subprocess.Popen(command, env=environment, **quiet))

    listener = _AtFirst(start)
    event.register("numba:run_pass", listener)
    try:
        yield
        for helper in started:
            helper.wait()
    finally:
        event.unregister("numba:run_pass", listener)
        for helper in started:
            helper.kill()
            helper.wait()
