"""What the compiled operations need where they are recorded (``ops/jit/runtime/recording.py``); here nothing is."""

from __future__ import annotations

from collections.abc import Callable


def each_time(function: Callable[[], None]) -> None:
    """Call a function now and, where this is being recorded, again before each replay."""
    function()
