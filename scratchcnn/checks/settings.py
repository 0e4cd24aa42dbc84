"""Settings: attributes that are checked whenever they are assigned, not only by the constructor."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from .messages import shown


class Setting:
    """An attribute whose values go through ``check(name, value)``, which returns the value to keep or raises.

    The value is kept in the object's dictionary, under the same name, and found there without a call.
    """

    def __init__(self, check: Callable[[str, Any], Any]) -> None:
        self.check = check
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    if TYPE_CHECKING:

        def __get__(self, instance: Any, owner: type) -> Any:
            """Without this, the dictionary comes first."""

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.name] = self.check(self.name, value)


def as_number(name: str, value: Any) -> float:
    """Return a real number as a float; True and False are none."""
    if type(value) is float:
        return value
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, Real) or isinstance(value, bool):
        raise ValueError(f"{name} must be a number, got {shown(value)}")
    return float(value)


def at_least_zero(name: str, value: Any) -> float:
    """Return a finite number >= 0."""
    number = as_number(name, value)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{name} must be a finite number >= 0, got {value}")
    return number


def below_one(name: str, value: Any) -> float:
    """Return a number in [0, 1)."""
    number = as_number(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{name} must lie in [0, 1), got {value}")
    return number


def above_zero(name: str, value: Any) -> float:
    """Return a finite number > 0."""
    number = as_number(name, value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be above 0, got {value}")
    return number


def yes_or_no(name: str, value: Any) -> bool:
    """Return True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)
