"""The operations that layers call, and the dispatch to one of their two implementations.

``reference`` is plain NumPy, the textbook, whose functions return what they compute; ``jit`` is the same operations,
compiled with numba, which write it into arrays of the caller. Layers call ``ops.conv_forward(x, kernel, bias, window,
out=y)`` and do not know which one answers: ``writing`` below lets the textbook write, too. The choice is made once, at
import, from the environment variable ``SCRATCHCNN_BACKEND`` (``jit``, the default, or ``reference``), and can be
changed with ``use``. What was chosen is loaded with the first operation: numba alone takes longer than everything else
that is imported.

Only ``out`` is written, a tuple where there are several results, of which one may be None that is not wanted; those of
optimizers and moving averages are changed in place. All floating-point arrays of one call have the same dtype, float32
or float64, and are C-contiguous; ``checks.py`` refuses others. What a function does with compiled operations can be
recorded and played again: ``record``.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks.messages import shown
from ..concurrency.locks import BACKEND, Lock
from .checks import checked
from .exact import convolutions_are_exact as convolutions_are_exact
from .exact import exact_convolutions as exact_convolutions
from .operands import ARRAYS, operands_of
from .settings import AdamSettings as AdamSettings
from .settings import Distortion as Distortion
from .settings import RMSpropSettings as RMSpropSettings
from .settings import SGDSettings as SGDSettings
from .settings import Window as Window

if TYPE_CHECKING:  # the names, for readers and type checkers; use() and __getattr__ put the chosen ones here
    from .jit import *  # noqa: F403

BACKENDS = ("jit", "reference")
OPERATIONS = (*ARRAYS, "draw_seed")
VARIABLES = (  # of the environment
    "SCRATCHCNN_BACKEND",
    "SCRATCHCNN_CACHE",
    "SCRATCHCNN_DATA",
    "SCRATCHCNN_EXACT_CONVOLUTIONS",
)
_backend: str
_choice = Lock(BACKEND)  # held while the implementation is chosen, and where it must stay the same


def use(name: str) -> None:
    """Let all layers run on the implementation ``name``: ``"jit"`` or ``"reference"``.

    The choice is the process's, not the thread's. What another thread is computing goes on with the one or the other.

    Raises
    ------
    ValueError
        If there is no such implementation.
    """
    global _backend
    if name not in BACKENDS:
        raise ValueError(f"there is no backend {shown(name)}; choose one of {', '.join(BACKENDS)}")
    if name == "jit" and _is_numbas_compiler_off():
        raise ValueError(
            "NUMBA_DISABLE_JIT is set, without numba's compiler there is no jit; unset it before Python starts"
        )
    operations = _operations_of(name)
    with _choice:
        globals().update(operations)
        _backend = name


def _operations_of(name: str) -> dict[str, Callable[..., Any]]:
    """Import an implementation and return its operations."""
    module = importlib.import_module(f".{name}", __name__)
    operations = {operation: getattr(module, operation) for operation in OPERATIONS}
    if name == "reference":  # those of ``jit`` write and check by themselves
        operations = {operation: checked(writing(function)) for operation, function in operations.items()}
    return operations


def _first_operation(name: str) -> Callable[..., Any]:
    """Return an operation of the implementation that was chosen at import, after loading all of them."""
    if name not in OPERATIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    operations = _operations_of(_backend)
    with _choice:
        if name not in globals():  # else another thread has loaded or chosen one since
            globals().update(operations)
    return globals()[name]


if not TYPE_CHECKING:  # where a type checker saw it, it would believe in all names
    __getattr__ = _first_operation


def __dir__() -> list[str]:
    return sorted({*globals(), *OPERATIONS})


@cache
def writing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return an operation of ``reference`` that writes what it computes into ``out``, as those of ``jit`` do."""
    name = function.__name__
    if name not in ARRAYS or not operands_of(name, list(inspect.signature(function).parameters)).results:
        return function

    @wraps(function)
    def filling(*arguments: Any, out: Any) -> None:
        results = function(*arguments)
        arrays, results = (out, results) if isinstance(out, tuple) else ((out,), (results,))
        for array, result in zip(arrays, results, strict=True):
            if array is not None:
                array[...] = result

    return filling


def backend() -> str:
    """Return the name of the implementation in use."""
    return _backend


def record(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that runs compiled operations, and return a ``Recording`` of it.

    Or do nothing and return None, where another thread has just chosen ``reference``: of that nothing can be recorded.
    """
    from .jit.runtime.recording import Recording

    with _choice:
        return Recording(function, *arguments) if _backend == "jit" else None


def compile_ahead(function: Callable[..., Any], *arguments: Any) -> None:
    """Compile the kernels that a call of a function will run, several at once, where that saves time.

    The function is called once, too, but runs no kernel: its results must not matter.
    """
    if _backend == "jit":
        from .jit.runtime.ahead import compile_ahead

        compile_ahead(function, *arguments)


@contextmanager
def using(name: str) -> Iterator[None]:
    """Use the implementation ``name`` inside a ``with`` block.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> with sc.ops.using("reference"):
    ...     sc.ops.backend()
    'reference'
    """
    global _backend
    before, is_loaded = _backend, OPERATIONS[0] in globals()
    use(name)
    try:
        yield
    finally:
        if is_loaded:
            use(before)
        else:  # nor is it now: the first operation will load it
            with _choice:
                for operation in OPERATIONS:
                    globals().pop(operation, None)
                _backend = before


def convolution_algorithms(
    kernel: tuple[int, ...],
    window: Window,
    dtype: np.dtype,
    pool: Window | None = None,
    wants_input_gradient: bool = True,
    groups: int = 1,
) -> tuple[str, str, str]:
    """Return which algorithms compute a convolution: its outputs, its kernel's gradient, its input's.

    Parameters
    ----------
    kernel : (KH, KW, C, F)
        C the channels of a group.
    window : Window
    pool : Window, optional
        Of a max-pool that is one operation with the convolution and a ReLU.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> window = sc.ops.Window(size=(3, 3), strides=(1, 1), padding=(0, 0), image=(13, 13), output=(11, 11))
    >>> with sc.ops.using("reference"):
    ...     sc.ops.convolution_algorithms((3, 3, 32, 64), window, np.dtype("float32"))
    ('NumPy', 'NumPy', 'NumPy')
    """
    if _backend == "reference":
        return "NumPy", "NumPy", "NumPy" if wants_input_gradient else ""
    from .jit.convolution.choice import PLAIN, Convolution, algorithms_of, needs_plain_loops

    if needs_plain_loops(window, groups * kernel[2], kernel[2]):
        return PLAIN, PLAIN, PLAIN if wants_input_gradient else ""
    convolution = Convolution.of(kernel, window, dtype, pool, convolutions_are_exact())
    return algorithms_of(convolution, wants_input_gradient)


def announce_compilation(write: Callable[[str], Any]) -> AbstractContextManager[None]:
    """Return a context that tells ``write`` when kernels are being compiled, and how long it took; else nothing."""
    if _backend == "jit":
        from .jit.runtime.announce import announce

        return announce(write)
    return nullcontext()


def _warn_of_misspelt_variables() -> None:
    for name in os.environ:
        if name.startswith("SCRATCHCNN_") and name not in VARIABLES:
            like = next(iter(difflib.get_close_matches(name, VARIABLES, n=1)), None)
            hint = f"; did you mean {like}?" if like else f"; there are {', '.join(VARIABLES)}"
            warnings.warn(f"the environment variable {name} is not used{hint}", RuntimeWarning, stacklevel=3)


def _is_numbas_compiler_off() -> bool:
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


def _default() -> str:
    wanted = os.environ.get("SCRATCHCNN_BACKEND", "")
    if not wanted and importlib.util.find_spec("numba") is None:
        warnings.warn(
            "numba is not installed: scratchcnn runs on its slow NumPy reference", RuntimeWarning, stacklevel=2
        )
        wanted = "reference"
    if wanted in ("", "jit") and _is_numbas_compiler_off():
        warnings.warn(
            "NUMBA_DISABLE_JIT is set: scratchcnn runs on its slow NumPy reference", RuntimeWarning, stacklevel=2
        )
        wanted = "reference"
    if wanted not in ("", *BACKENDS):
        raise ValueError(f"SCRATCHCNN_BACKEND is {wanted!r}; it must be one of {', '.join(BACKENDS)}, or not be set")
    return wanted or "jit"


_warn_of_misspelt_variables()
_backend = _default()
