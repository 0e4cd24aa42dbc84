"""Answers for what users of other libraries type and this one does not have: the line to write here instead.

What they type stands in the folder ``elsewhere``.
"""

from __future__ import annotations

import difflib
import dis
import functools
import inspect
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn, TypeVar, cast

from .elsewhere.arguments import ARGUMENTS, SYNONYMS
from .elsewhere.names import ELSEWHERE, METRICS_ELSEWHERE
from .messages import shown

Function = TypeVar("Function", bound=Callable[..., Any])
INNER_MODULES = ("layers", "losses", "optimizers", "metrics", "callbacks", "regularizers", "schedules", "data")


def elsewhere(module: str, name: str) -> NoReturn:
    """Say what a name that a module does not have is called here: for the module's ``__getattr__``.

    Raises
    ------
    ImportError
        Where it comes from ``from module import name``, which would replace the message of any other error.
    AttributeError
        Else.
    """
    advice = _advice_on(module, name)
    text = f"module {module!r} has no attribute {name!r}" if advice is None else f"{module} has no {name}: {advice}"
    if advice is not None and _is_imported_from(sys._getframe(2)):
        raise ImportError(text)
    raise AttributeError(text, name=name, obj=sys.modules.get(module))


def _is_imported_from(caller: FrameType) -> bool:
    """Return whether a name was asked for by ``from module import name``, of a package or of a module."""
    if caller.f_code.co_name == "_handle_fromlist":
        return True
    return caller.f_lasti >= 0 and dis.opname[caller.f_code.co_code[caller.f_lasti]] == "IMPORT_FROM"


def _advice_on(module: str, name: str) -> str | None:
    """Return what to write for a name that a module does not have; None where nothing is known of it."""
    if name in METRICS_ELSEWHERE and module.endswith(".metrics"):
        return METRICS_ELSEWHERE[name]
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    if not name.startswith("_"):
        package = module.partition(".")[0]
        for inner in INNER_MODULES:  # perhaps it is there, one storey further in
            found = sys.modules.get(f"{package}.{inner}")
            if found is not None and name in getattr(found, "__all__", ()):
                return f"it is sc.{inner}.{name}"
    return None


class _Advisor:
    """Answers imports of modules that Keras has and this package does not: from scratchcnn.models import Sequential."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> None:
        package, _, name = fullname.partition(".")
        if package == __name__.partition(".")[0] and ELSEWHERE.get(name.rpartition(".")[2]):
            message = f"there is no module {fullname}: {ELSEWHERE[name.rpartition('.')[2]]}"
            raise ModuleNotFoundError(message, name=fullname)


sys.meta_path.append(_Advisor())  # asked last, when no other finder has found a module


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
        advice = f"; write the others by name: {', '.join(others)}" if others else ""
        taken = ", ".join(by_position) or "nothing"
        raise TypeError(f"{cls.__name__} takes {taken} by position, got {shown(list(arguments))}{advice}")


class KnownArguments:
    """Mixin whose constructor answers arguments that do not exist with the line to write."""

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        if arguments or named:  # a copy is made without
            require_known_arguments(cls, arguments, named)
        return super().__new__(cls)


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
    meant = next((other for other in SYNONYMS.get(name, ()) if other in known), None)
    if meant is not None:
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


def attribute_elsewhere(thing: Any, name: str, methods: dict[str, str]) -> NoReturn:
    """Raise the AttributeError for an attribute that an object does not have: for its class's ``__getattr__``."""
    text = f"{type(thing).__name__} has no attribute {name!r}"
    raise AttributeError(f"{text}: {methods[name]}" if name in methods else text, name=name, obj=thing)
