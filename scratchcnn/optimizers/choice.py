"""What ``compile(optimizer=...)`` takes: an optimizer, or the name that Keras gives it."""

from __future__ import annotations

from typing import Any

from ..checks.messages import shown
from . import OPTIMIZERS
from .adam import Adam
from .base import Optimizer


def as_optimizer(optimizer: Any) -> Optimizer:
    """Return an optimizer: the one that is given, or that of a name with its default settings, as in Keras.

    Raises
    ------
    ValueError
        If it is none, or there is none of that name.
    """
    if optimizer is None:
        return Adam()
    if isinstance(optimizer, str):
        names = {name.lower(): kind for name, kind in OPTIMIZERS.items()}
        kind = names.get(optimizer.strip().lower())
        if kind is None:
            calls = ", ".join(f"sc.{name}()" for name in OPTIMIZERS)
            raise ValueError(f"there is no optimizer {shown(optimizer)}; there are {calls}")
        return kind()  # type: ignore[call-arg]  # each has a learning rate of its own
    if not isinstance(optimizer, Optimizer):
        hint = f"; write {optimizer.__name__}(...)" if isinstance(optimizer, type) else ""
        raise ValueError(
            f"optimizer must be an object such as sc.Adam(1e-3), or its name, got {shown(optimizer)}{hint}"
        )
    return optimizer
