"""What is written for people to read: values and reasons in messages, never empty, never endless; lines of output."""

from __future__ import annotations

import difflib
import html
import reprlib
import sys
from collections.abc import Iterable, Sequence
from typing import Any


def shown(value: Any, limit: int = 300) -> str:
    """Return ``repr(value)`` for an error message: of at most ``limit`` characters, whatever the value is.

    Examples
    --------
    >>> shown([28, 28])
    '[28, 28]'
    >>> len(shown("x" * 1_000_000))
    300
    """
    brief = reprlib.Repr()  # never writes out what is cut away afterwards: a list may have millions of elements
    brief.maxlevel = 4
    brief.maxlist = brief.maxtuple = brief.maxset = brief.maxfrozenset = brief.maxdict = brief.maxarray = 15
    brief.maxstring = brief.maxlong = brief.maxother = limit
    try:
        text = brief.repr(value[: 2 * limit] if isinstance(value, bytes) else value)
        return shorten(" ".join(text.split()) if "\n" in text else text, limit)  # an array of several rows
    except Exception:  # a repr of the user's own, or an int of more digits than Python writes
        return f"an object of type {type(value).__name__}"


def shorten(text: str, limit: int = 300) -> str:
    """Return a text of at most ``limit`` characters: its beginning, and its end, where the advice of a message is."""
    if len(text) <= limit:
        return text
    end = limit // 3
    return f"{text[: limit - end - 5]} ... {text[-end:]}"


def reason(error: BaseException, limit: int = 300) -> str:
    """Return what an exception says, for use within another message: never nothing, and never endless.

    Examples
    --------
    >>> reason(ValueError("too large")), reason(KeyError("config")), reason(MemoryError())
    ('too large', "KeyError: 'config'", 'MemoryError')
    """
    text, kind = str(error), type(error).__name__
    if not text:
        return kind
    return shorten(f"{kind}: {text}" if isinstance(error, LookupError) else text, limit)


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table for a notebook."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def can_write(stream: Any) -> bool:
    """Return whether there is such an output: a program without a console has none, and one may have been closed."""
    return stream is not None and not getattr(stream, "closed", False)


def can_show(text: str) -> bool:
    """Return whether standard output has these characters."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def say(text: str) -> None:
    """Print a line, with a question mark for what the output cannot encode, or nothing where there is no output."""
    if can_write(sys.stdout):
        if not can_show(text):
            text = text.encode(sys.stdout.encoding, "replace").decode(sys.stdout.encoding)
        print(text, flush=True)


def similar_name(name: Any, known: Iterable[str]) -> str | None:
    """Return the name among the known ones that another one spells, but for capitals and underscores, or nearly."""
    if not isinstance(name, str):
        return None
    plain = {other.replace("_", ""): other for other in known}
    close = difflib.get_close_matches(name.lower().replace("_", ""), plain, n=1, cutoff=0.8)
    return plain[close[0]] if close else None
