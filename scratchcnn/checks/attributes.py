"""Attributes that nobody reads: a misspelt setting is refused where it is set.

Python takes ``layer.trainabel = False`` for a new attribute, and the training goes on as if nothing had been said.
"""

from __future__ import annotations

import difflib
import itertools
import sys
from types import FrameType
from typing import Any

from .elsewhere.arguments import SYNONYMS
from .habits import KnownArguments

LIBRARY = __name__.partition(".")[0]
_numbers = itertools.count(1)
_latest_change = 0
CLOSE = 0.8  # similarity from which on a name is taken for a misspelt one, where any name might be meant


def latest_change() -> int:
    """Return a number that is another one after a setting of any layer or loss of this process has been set."""
    return _latest_change


class KnownAttributes(KnownArguments):
    """Mixin that lets only the methods of an object, and what they call, introduce public attributes.

    From outside, an attribute that does not exist is refused with an AttributeError: any for the library's own classes,
    and one that looks like another misspelt for a class derived from them. Names that begin with _ are free.

    """

    _watched = False  # whether what is set here is a change that ``latest_change`` counts

    def __setattr__(self, name: str, value: Any) -> None:
        if name[:1] != "_" and name not in self.__dict__ and not hasattr(type(self), name):
            _require_own_method(self, name)
        super().__setattr__(name, value)
        if self._watched:
            global _latest_change
            _latest_change = next(_numbers)


def _require_own_method(thing: Any, name: str) -> None:
    """Raise an AttributeError unless a method of the object is introducing an attribute of its own."""
    if _is_at_work(thing):
        return
    kind = type(thing)
    known = public_attributes(thing)
    if name in known:
        return  # one that is declared and not set yet
    like = similar(name, known)
    if kind.__module__.partition(".")[0] == LIBRARY:
        hint = f"did you mean {like!r}?" if like else f"there are {', '.join(known)};"
        raise AttributeError(f"{kind.__name__} has no attribute {name!r}; {hint} Names of your own begin with _")
    if like and (name in SYNONYMS or _looks_misspelt(name, like)):
        raise AttributeError(
            f"{kind.__name__} has no attribute {name!r}; did you mean {like!r}? "
            f"If not, let a method of {kind.__name__} set it first, or let it begin with _"
        )


def _is_at_work(thing: Any) -> bool:
    """Return whether a method of the object sets the attribute, or a helper that the method calls."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_name == "__setattr__":
        frame = frame.f_back
    while frame is not None:
        code, known = frame.f_code, frame.f_locals
        first = code.co_varnames[0] if code.co_argcount and hasattr(type(thing), code.co_name) else "self"
        if known.get(first) is thing or known.get("self") is thing:
            return True
        if frame.f_globals.get("__name__", "").partition(".")[0] == LIBRARY:
            return False  # beyond it others are at work, such as the fit that a callback was called by
        frame = frame.f_back
    return False


def public_attributes(thing: Any) -> list[str]:
    """Return the names of an object's public attributes, without its methods."""
    kind = type(thing)
    declared = [name for cls in kind.__mro__ for name in vars(cls).get("__annotations__", {})]
    of_class = [name for name in dir(kind) if not callable(getattr(kind, name))]
    return sorted({name for name in (*vars(thing), *declared, *of_class) if not name.startswith("_")})


def similar(name: str, known: list[str]) -> str | None:
    """Return the name among the known ones that was probably meant, if any."""
    meant = next((other for other in SYNONYMS.get(name, ()) if other in known), None)
    if meant is not None:
        return meant
    close = difflib.get_close_matches(name, known, n=1)
    longer = [other for other in known if len(name) > 3 and (name in other or other in name)]
    return next(iter(close or longer), None)


def _looks_misspelt(name: str, like: str) -> bool:
    """Return whether a name differs from another by less than would be done on purpose, such as kernel_2 for kernel."""
    meant = name.rstrip("0123456789_") == like.rstrip("0123456789_")
    return not meant and difflib.SequenceMatcher(None, name, like).ratio() >= CLOSE
