"""Advice for what is not an array of numbers yet: tensors, lists, files, tables. None of their libraries is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..messages import reason, shorten, shown


def as_array(value: Any, what: str, name: str) -> np.ndarray:
    """Return what a user holds as an array, or raise a ValueError that says how to make one of it.

    Parameters
    ----------
    value : object
    what : str
        "images" or "labels".
    name : str
        What advice calls the value: ``x`` or ``y``.
    """
    if type(value) is np.ndarray:
        return value
    if advice := _advice_for_object(value, what, name):
        raise ValueError(f"{what} must be an array of numbers, got {advice}")
    try:
        return np.asarray(value)
    except Exception as error:  # whatever the object's own conversion raises
        if hasattr(value, "detach"):  # a tensor that knows its gradient, or lies on another device
            as_float = ".float()" if "bfloat16" in str(getattr(value, "dtype", "")) else ""  # NumPy has no such type
            advice = f"; pass {name}.detach().cpu(){as_float}.numpy()"
        elif isinstance(value, list | tuple):
            advice = _advice_for_list(value, name)
        else:
            advice = ""
        kind = type(value).__name__
        raise ValueError(f"{what} must be an array of numbers; a {kind} is none: {reason(error)}{advice}") from error


def held(value: Any, name: str) -> str:
    """Return an expression for the array that a value is or becomes: methods of arrays can be called on that."""
    return name if type(value) is np.ndarray else f"np.asarray({name})"


def _advice_for_object(value: Any, what: str, name: str) -> str:
    """Return what a value that is no array is, and what to pass instead, or nothing if it may well be an array."""
    kind = type(value).__name__
    if value is None:
        return "None"
    if isinstance(value, str | os.PathLike):
        text = os.fspath(value)
        if not (isinstance(text, str) and os.path.isfile(text)):
            return f"the text {shown(text)}"
        advice = f"; pass np.load({name})" if text.endswith(".npy") else ""
        if any(mark in text for mark in ("idx1", "idx2", "idx3", ".idx")):
            advice = f"; pass sc.data.read_idx({name})"
        return f"the name of a file, {shown(text)}{advice}"
    if isinstance(value, dict):
        keys = shorten(", ".join(map(shown, list(value)[:10])))
        return f"a {kind} with the keys {keys or 'none'}" + (f"; pass one of its values: {name}[key]" if value else "")
    if isinstance(value, set | frozenset):
        return f"a {kind}, which has no order"
    if isinstance(value, zip):
        return "a zip; images and labels are two arguments"
    if isinstance(value, Iterator):
        return f"a {kind}; if it yields batches (images, targets), leave y out; of images pass list({name})"
    if callable(getattr(value, "toarray", None)):
        return f"a sparse {kind}; pass {name}.toarray()"
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        if what == "images":
            return f"an array with masked values; pass {name}.filled(0)"
        return f"an array with masked values; leave these samples out: {name}.compressed(), x[~np.ma.getmaskarray(y)]"
    return ""


def _advice_for_list(value: Any, name: str) -> str:
    """Return advice for a list of which NumPy makes no array."""
    if any(hasattr(part, "detach") for part in value):
        return f"; pass np.stack([part.detach().cpu().numpy() for part in {name}])"
    try:
        shapes = [np.shape(part) for part in value]
    except ValueError:
        return "; the rows must all be of one length"
    if len(shapes) == 2 and len(shapes[0]) > 1 and len(shapes[1]) == 1:
        return f"; pass images and labels as two arguments: {name}[0], {name}[1]"
    return f"; its parts have different shapes: {shorten(', '.join(map(str, sorted(set(shapes)))))}; make them of one"


def for_dtype(x: np.ndarray, name: str, given: Any) -> str:
    """Return advice for images that are no real numbers, or nothing; ``given`` is what became the array x."""
    if x.dtype == object and x.ndim == 0:
        return f": a {type(given).__name__} is none"
    if x.dtype.names:
        return f"; it has fields, of which one may be meant: pass {held(given, name)}[{x.dtype.names[0]!r}]"
    if x.dtype.kind == "O" and x.ndim == 1 and len({np.shape(part) for part in x if hasattr(part, "__array__")}) == 1:
        return f"; pass np.stack([np.asarray(part) for part in {name}])"
    if x.dtype.kind in "OUST" and become(x, float):
        return f"; pass {held(given, name)}.astype(float)"
    return ""


def become(x: np.ndarray, kind: type) -> bool:
    """Return whether all values can be converted."""
    try:
        x.astype(kind)
    except (ValueError, TypeError, OverflowError):
        return False
    return x.size > 0
