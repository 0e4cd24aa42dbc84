"""Paths that a user hands over."""

from __future__ import annotations

import os
from typing import Any

from .messages import shown


def as_path(name: str, value: Any, kind: str = "file") -> str:
    """Return a path as text, with the user's home for a tilde, or raise a ValueError that says what was given.

    Examples
    --------
    >>> import pathlib
    >>> as_path("path", pathlib.PurePosixPath("data/mnist.npz"))
    'data/mnist.npz'
    """
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if isinstance(text, str):
        if text:
            return os.path.expanduser(text)
        raise ValueError(f'{name} must be the path of a {kind}, got ""; the current folder is "."')
    advice = ""
    if isinstance(value, bytes | os.PathLike):
        advice = f"; pass os.fsdecode({name})"
    elif hasattr(value, "read"):
        advice = "; pass the name of the file instead of the open file"
    raise ValueError(f"{name} must be the path of a {kind}, a str or a pathlib.Path, got {shown(value)}{advice}")


def shown_path(path: str | os.PathLike[str]) -> str:
    """Return a path for an error message: without quotes, and of at most 1,000 characters."""
    return shown(os.fspath(path), 1000)[1:-1]
