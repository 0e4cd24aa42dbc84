"""Paths that a user hands over."""

from __future__ import annotations

import os
from typing import Any

from .messages import shown


def as_path(name: str, value: Any, kind: str = "file") -> str:
    """Return a path as text, or raise a ValueError that says what was given in its place.

    Examples
    --------
    >>> import pathlib
    >>> as_path("path", pathlib.PurePosixPath("data/mnist.npz"))
    'data/mnist.npz'
    """
    if not isinstance(value, str | os.PathLike):
        advice = "; pass os.fsdecode of it" if isinstance(value, bytes) else ""
        raise ValueError(f"{name} must be the path of a {kind}, a str or a pathlib.Path, got {shown(value)}{advice}")
    text = os.fsdecode(value)
    if not text:
        raise ValueError(f'{name} must be the path of a {kind}, got ""; the current folder is "."')
    return text
