"""Answers for what users of other libraries type and this one does not have: the line to write here instead.

What they type stands in ``names_elsewhere.py``.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar, cast

from .messages import shown
from .names_elsewhere import ARGUMENTS, ELSEWHERE, SYNONYMS

Function = TypeVar("Function", bound=Callable[..., Any])


def elsewhere(module: str, name: str) -> NoReturn:
    """Say what a name that a module does not have is called here: for the module's ``__getattr__``.

    Raises
    ------
    ImportError
        Where it comes from ``from module import name``, which would replace the message of any other error.
    AttributeError
        Else.
    """
    text = f"module {module!r} has no attribute {name!r}"
    if name in ELSEWHERE:
        text = f"{module} has no {name}: {ELSEWHERE[name]}"
    if name in ELSEWHERE and sys._getframe(2).f_code.co_name == "_handle_fromlist":
        raise ImportError(text)
    raise AttributeError(text, name=name, obj=sys.modules.get(module))


def require_known_arguments(cls: type, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Raise a TypeError with the line to write if a class cannot be called with these arguments."""
    known = _parameters_of(cls.__init__)  # type: ignore[misc]
    if known is None:
        return
    for name in named:
        if name not in known:
            raise TypeError(unknown_argument(cls.__name__, name, list(known)))
    by_position = [name for name, may in known.items() if may]
    if len(arguments) > len(by_position):
        others = [f"{name}=..." for name, may in known.items() if not may]
        advice = f"; write the others by name, such as {others[-1]}" if others else ""
        taken = ", ".join(by_position) or "nothing"
        raise TypeError(f"{cls.__name__} takes {taken} by position, got {shown(list(arguments))}{advice}")


@functools.cache
def _parameters_of(function: Callable[..., Any]) -> dict[str, bool] | None:
    """Return the names that a method takes beside self, and whether by position; None if it takes any."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    anything = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    if any(parameter.kind in anything for parameter in parameters):
        return None
    return {parameter.name: parameter.kind is not inspect.Parameter.KEYWORD_ONLY for parameter in parameters}


def unknown_argument(what: str, name: str, known: list[str]) -> str:
    """Return the message for an argument that is not taken, with the line to write."""
    if name in ARGUMENTS:
        return f"{what} has no argument {name}: {ARGUMENTS[name]}"
    meant = SYNONYMS.get(name)
    if meant in known:
        return f"{what} has no argument {name}: scratchcnn calls it {meant}"
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"it takes {', '.join(known) or 'none'}"
    return f"{what} has no argument {name}; {hint}"


def explained(function: Function) -> Function:
    """Let a function that cannot be called with the arguments it gets say what to write."""

    @functools.wraps(function)
    def explaining(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except TypeError as error:
            message = _why_not(function, arguments, named)
            if message is None:
                raise
            raise TypeError(message) from error

    return cast(Function, explaining)


def _why_not(function: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> str | None:
    """Return why a function cannot be called with these arguments; None if it can."""
    signature = inspect.signature(function)
    known = [name for name in signature.parameters if name not in ("self", "model")]
    name = function.__name__
    for argument in named:
        if argument not in known:
            return unknown_argument(name, argument, known)
    try:
        signature.bind(*arguments, **named)
    except TypeError as error:
        return f"{name}: {error}; it takes {', '.join(known)}"
    return None
