"""Attributes of a layer that were changed since it was made: ``load_model`` would make the layer without the change.

What a layer notes while it works (the latest input, a count, a cache) makes no other layer. It is told from what its
user has set by the code of its methods: those that run when the layer works, and what they read and store.
"""

from __future__ import annotations

import dis
import functools
import types
from typing import Any, NamedTuple

import numpy as np

from ..checks.messages import shown
from ..layers.base import Layer

_PLAIN = (bool, int, float, str, np.generic)
_CONTAINERS = (list, dict, set, np.ndarray)
_CHANGING = frozenset({"append", "extend", "insert", "update", "add", "setdefault", "pop", "clear", "fill", "copyto"})


class _Work(NamedTuple):
    """What the methods of a layer do to its attributes, by name, while it works."""

    reads: frozenset[str]
    stores: frozenset[str]
    may_change: frozenset[str]  # what is in them, such as a cache


def require_same_attributes(layer: Layer, twin: Layer, config: dict[str, Any]) -> None:
    """Raise a ValueError if a layer was given another value of an attribute than ``config`` tells."""
    work = _work_of(*type(layer).__mro__)
    for attribute in (vars(layer).keys() | vars(twin).keys()) - vars(Layer()).keys() - {"trainable"}:
        private = attribute.startswith("_")
        if attribute in work.stores and (private or attribute not in config):
            continue
        if (private or not hasattr(twin, attribute)) and attribute not in work.reads:
            continue
        own, made = getattr(layer, attribute, None), getattr(twin, attribute, None)
        if _differ(own, made, look_inside=not private and attribute not in work.may_change):
            name = type(layer).__name__
            raise ValueError(
                f"cannot save {layer.name}: its {attribute} is {shown(own)}, but {name}(**layer.config()) has "
                f"{shown(made)}; make it an argument of __init__ that config() returns, or keep it as an array in "
                f'self.state["{attribute}"]'
            )


def _differ(own: Any, made: Any, look_inside: bool) -> bool:
    """Return whether two values that can be compared differ; None stands for one that was not there, or not known."""
    if own is None or (isinstance(own, _CONTAINERS) and not look_inside):
        return False
    value, other = _comparable(own), _comparable(made)
    return value is not None and (other is not None or made is None) and repr(value) != repr(other) and value != other


def _comparable(value: Any) -> Any:
    """Return a value in a form that == compares, without the difference of lists and tuples; None if there is none."""
    if isinstance(value, np.ndarray):
        return None if value.dtype.hasobject else (value.shape, value.tolist())
    if isinstance(value, dict):
        value = list(value.items())
    if isinstance(value, set):
        return value
    if isinstance(value, list | tuple):
        items = [_comparable(item) for item in value]
        return None if None in items else items
    return value if isinstance(value, _PLAIN) else None


@functools.cache
def _work_of(*classes: type) -> _Work:
    """Return what methods do that run when a layer works: those that the library knows, and all that they call."""
    library = [cls for cls in classes if cls.__module__.partition(".")[0] == __name__.partition(".")[0]]
    pending = {name for cls in library for name in vars(cls)} - {"__init__"}
    reads: set[str] = set()
    stores: set[str] = set()
    may_change: set[str] = set()
    while pending:
        name = pending.pop()
        reads.add(name)
        for code in [code for cls in classes if name in vars(cls) for code in _codes(vars(cls)[name])]:
            operations = list(dis.get_instructions(code))
            stores |= {str(each.argval) for each in operations if each.opname == "STORE_ATTR"}
            named = {*code.co_names, *(text for text in code.co_consts if isinstance(text, str))}
            if _CHANGING & named or any(each.opname in ("STORE_SUBSCR", "STORE_SLICE") for each in operations):
                may_change |= named
            pending |= named - reads
    return _Work(frozenset(reads), frozenset(stores), frozenset(may_change))


def _codes(thing: Any) -> list[types.CodeType]:
    """Return the code of a method or a property, with that of functions inside."""
    thing = getattr(thing, "fget", getattr(thing, "__func__", thing))
    codes = [thing.__code__] if isinstance(thing, types.FunctionType) else []
    for code in codes:
        codes += [inner for inner in code.co_consts if isinstance(inner, types.CodeType)]
    return codes
