"""Pictures made of characters: digits in half blocks with the probabilities beside them, and confusion matrices.

Each function returns a text to print, in the colours and characters that standard output has at that moment; what that
is, and which variables of the environment decide, is in ``colours.py``.
"""

from typing import NoReturn

from ..checks.habits import elsewhere as _elsewhere
from .ascii import ascii_digit
from .blocks import digit, half_block_image
from .colours import colours
from .confusion import confusion_matrix

__all__ = ["ascii_digit", "colours", "confusion_matrix", "digit", "half_block_image"]


def __getattr__(name: str) -> NoReturn:
    _elsewhere(__name__, name)
