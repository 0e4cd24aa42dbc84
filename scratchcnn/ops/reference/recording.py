"""Doing the same again: where nothing is compiled there is nothing to record, and a function is simply called again.

``ops/jit/recording.py`` says what this is good for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def each_time(function: Callable[[], None]) -> None:
    """Call a function now and, where this is being recorded, again before each replay."""
    function()


class Recording:
    """What ``function(*arguments)`` does; ``play`` does the same for other arguments of the same shapes and dtypes."""

    def __init__(self, function: Callable[..., Any], *arguments: np.ndarray | None) -> None:
        self.function = function
        self.result = function(*arguments)

    def play(self, *arguments: np.ndarray | None) -> Any:
        """Call the function once more and return its result."""
        self.result = self.function(*arguments)
        return self.result
