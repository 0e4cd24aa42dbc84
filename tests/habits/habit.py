"""What a line of the table of habits says."""

from __future__ import annotations

from typing import NamedTuple


class Habit(NamedTuple):
    """Code that works as it is where ``instead`` is empty; else the code that an error shows, which does.

    ``runs``, where it is given, is a program that shows that it does: of a part of a line, or of words, the whole line.
    """

    code: str
    instead: str = ""
    runs: str = ""
