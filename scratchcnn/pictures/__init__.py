"""Pictures of handwriting: find the digits in them, make of each what MNIST would have made, and read it."""

from typing import NoReturn

from ..checks.habits import elsewhere as _elsewhere
from .errors import PictureError
from .finding import Found, find_digits
from .packaged import packaged_model
from .prepare import as_mnist
from .reading import Digit, read_digit, read_digits

__all__ = [
    "Digit",
    "Found",
    "PictureError",
    "as_mnist",
    "find_digits",
    "packaged_model",
    "read_digit",
    "read_digits",
]


def __getattr__(name: str) -> NoReturn:
    _elsewhere(__name__, name)
