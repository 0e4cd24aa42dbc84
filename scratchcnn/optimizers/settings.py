"""Checks of the settings that all optimizers have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..checks.calls import why_not_callable
from ..checks.messages import shown
from ..checks.settings import above_zero, at_least_zero

LearningRate = float | Callable[[int], float]


def rate_or_schedule(name: str, value: Any) -> LearningRate:
    if isinstance(value, type):
        raise ValueError(f"{name} must be a number or a schedule, got the class {value.__name__}; make an object of it")
    if not callable(value):
        return at_least_zero(name, value)
    if why_not_callable(value, 0) is not None:
        raise ValueError(
            f"{name} must be a number or a function of the step, such as lambda step: 0.1 / (1 + step); got one that "
            f"cannot be called with a step: {shown(value)}"
        )
    return value


def decay_or_none(name: str, value: Any) -> float:
    return at_least_zero(name, 0.0 if value is None else value)


def norm_or_none(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        return above_zero(name, value)
    except ValueError:
        raise ValueError(f"{name} must be above 0, or None for no clipping, got {value}") from None
