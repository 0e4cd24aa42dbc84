"""How a command ends: with an exit status, and with one line where it has failed.

The status is 0 where all went well, 1 after a failure, 2 where the command line is wrong, 130 after Ctrl-C, and 141
where the reader of the output has gone (``... | head``), as in the shell.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable

from ..checks.messages import can_write, reason

FAILED, INTERRUPTED, NO_READER = 1, 130, 141
FAILURES = (OSError, ValueError, RuntimeError, MemoryError, ImportError)  # whose messages are written for the user


def ended(name: str, action: Callable[[], int | None]) -> int:
    """Run a command; return its exit status, after one line on standard error if it has failed.

    A mistake in the library itself, such as a TypeError, keeps its traceback.

    Parameters
    ----------
    name : str
        Of the command, for the line.
    action : callable
        Returns the exit status, or None for 0.

    Examples
    --------
    >>> def fail():
    ...     raise ValueError("too large")
    >>> ended("read", fail)  # and on standard error "scratchcnn read: too large"
    1
    """
    try:
        status = action() or 0
        if can_write(sys.stdout):
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _write_no_more()
        return NO_READER
    except SystemExit as end:
        if not isinstance(end.code, str):
            raise
        return _failed(name, end.code)
    except FAILURES as error:
        return _failed(name, reason(error, 1000))


def _failed(name: str, message: str) -> int:
    """Write what went wrong, in one line, after what was printed before; return the exit status."""
    _write_no_more()  # a full disk, for example: Python would try once more as it ends, and complain
    complain(name, message)
    return FAILED


def complain(name: str, message: str) -> None:
    """Print a line of a command on standard error, after all that was printed before."""
    with contextlib.suppress(OSError, ValueError):
        if can_write(sys.stdout):
            sys.stdout.flush()
        if can_write(sys.stderr):
            print(f"scratchcnn {name}: {' '.join(message.split())}", file=sys.stderr, flush=True)


def _write_no_more() -> None:
    """Write what standard output still holds; if that cannot be, let it go nowhere."""
    try:
        if can_write(sys.stdout):
            sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
