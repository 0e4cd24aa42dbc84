"""Whether a function of the user's takes the arguments that it will be called with."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def why_not_callable(function: Callable[..., Any], *arguments: Any) -> str | None:
    """Return why a function cannot be called with these arguments; None if it can, or does not say what it takes.

    Examples
    --------
    >>> why_not_callable(lambda epoch, logs: None, 0)
    "missing a required argument: 'logs'"
    """
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        return str(error)
    except ValueError:  # a function in C has no signature
        return None
    return None
