"""Parallel ahead-of-time compilation: all kernels that a function will need, before it is called.

Kernels are compiled just in time, when they are first run, and one after the other on one core, because numba's
compiler holds a lock. So a dry run of what is about to be done lists the kernels it needs. Where several are not in
numba's cache on disk yet, this process compiles them from the front of the list, and worker processes from its back
into that cache, until they meet. The largest are at the ends: so nobody begins a large one when the others are done.
"""

import gc
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numba.core.caching import FunctionCache

from .compile import Kernel, dry_run
from .cpus import most_threads
from .fork import threads_are_lost

WORTH_WORKERS = 4  # kernels to compile; to start a worker takes about as long as to compile one
MOST_WORKERS = 3  # each needs some 200 MB
PATIENCE = 120  # seconds for the kernel that a worker has begun
COLLECT_AFTER = 50_000  # new objects, some 15 MB
ROOT = Path(__file__).parents[4]  # where the package can be imported from
# At its end a worker does not tidy up: what it has compiled is on disk, and the other process waits for it.
WORKER = "import os, sys; from scratchcnn.ops.jit.runtime.ahead import work; work(sys.argv[1]); os._exit(0)"


def compile_ahead(function: Callable[..., Any], *arguments: Any) -> None:
    """Compile the kernels that ``function(*arguments)`` will run, if several are not on disk.

    The function is called without any kernel being run. It must not depend on what they compute.
    """
    if threads_are_lost() or most_threads() == 1:
        return  # then they are compiled when they are needed
    with dry_run() as kernels, np.errstate(all="ignore"):
        function(*arguments)
    missing = [kernel for kernel in kernels if not _is_on_disk(kernel)] if len(kernels) >= WORTH_WORKERS else []
    if len(missing) < WORTH_WORKERS:
        return
    middle = len(missing) // 2  # forward and backward kernels have functions in common with others of their kind
    missing = sorted(missing[:middle], key=_size, reverse=True) + sorted(missing[middle:], key=_size)
    with tempfile.TemporaryDirectory(prefix="scratchcnn-kernels-") as name, _workers(Path(name), missing):
        _compile(Path(name), enumerate(missing))


def work(folder: str) -> None:
    """Compile what another process has not begun to, from the back: the main program of a worker."""
    with open(Path(folder, "kernels"), "rb") as file:
        kernels = pickle.load(file)
    _compile(Path(folder), reversed(list(enumerate(kernels))))


def _size(kernel: Kernel) -> int:
    """Estimate how long a kernel takes to compile: the large ones have register tiles, whose shapes are constants."""
    return len(kernel.constants)


def _is_on_disk(kernel: Kernel) -> bool:
    """Return whether numba's cache has a kernel, or has no folder to keep it in."""
    function = kernel.function()
    try:
        folder = FunctionCache(function).cache_path
    except RuntimeError:
        return True
    return any(Path(folder).glob(f"*{function.__qualname__}-*.nbi"))


def _compile(folder: Path, numbered: Any) -> None:
    """Compile kernels, each of them only if this process is the first to make the file of its number.

    Meanwhile Python looks for garbage less often: of the compiler's many objects, that took a tenth of the time.
    """
    before = gc.get_threshold()
    gc.set_threshold(max(before[0], COLLECT_AFTER) if before[0] else 0)  # 0: the user wants none of it
    try:
        for number, kernel in numbered:
            with suppress(FileExistsError):
                (folder / str(number)).touch(exist_ok=False)
                kernel.compile()
    finally:
        gc.set_threshold(*before)


@contextmanager
def _workers(folder: Path, kernels: Sequence[Kernel]) -> Iterator[None]:
    """Start worker processes for a ``with`` block, and wait for them at its end."""
    with open(folder / "kernels", "wb") as file:
        pickle.dump(kernels, file)
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths, "NUMBA_NUM_THREADS": "1"}
    quiet: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started: list[subprocess.Popen] = []
    try:
        for _ in range(min(most_threads() - 1, len(kernels) // WORTH_WORKERS, MOST_WORKERS)):
            with suppress(OSError):  # then this process does it alone
                started.append(subprocess.Popen([sys.executable, "-c", WORKER, folder], env=environment, **quiet))
        yield
        for worker in started:
            with suppress(subprocess.TimeoutExpired):  # what it has begun is compiled once more, when it is needed
                worker.wait(PATIENCE)
    finally:
        for worker in started:
            worker.kill()
            worker.wait()
