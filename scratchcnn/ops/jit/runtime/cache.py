"""numba's cache on disk: machine code that is compiled once, and loaded by every later process.

numba notices a change of the file that a function is in, not of the files whose functions it calls. So the name of
each kernel has a fingerprint of all of ``ops/jit`` in it (``compile.py``): after a change of any file every kernel is
compiled anew.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any


def fingerprint(folder: Path) -> str:
    """Return a text that changes with any source file in a folder or below it."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(folder.rglob("*.py")))).hexdigest()


FINGERPRINT = fingerprint(Path(__file__).parents[1])  # of all of ops/jit
unkept: set[str] = set()  # names of kernels that no folder could be found for
# contract: a*b + c may be one instruction. nsz: -0 is 0. Never nnan: a NaN must come through to be seen.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract", "nsz"}}


def cached(compiler: Callable[..., Any], function: Callable[..., Any]) -> Any:
    """Compile with numba's cache on disk, or without where there is no folder that it could write to."""
    try:
        return compiler(cache=True, **OPTIONS)(function)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        unkept.add(function.__name__)
        return compiler(**OPTIONS)(function)
