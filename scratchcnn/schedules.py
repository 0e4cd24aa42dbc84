"""Learning rates that change during training: each schedule is a function of the step.

A schedule is called with the number of updates made so far (0 before the first) and returns the learning rate of the
next one. It keeps nothing between calls, so training that is interrupted and resumed sees the same rates. Where an
optimizer takes ``learning_rate``, a number, one of these or any function of the step will do.

A step is one mini-batch. The steps of a whole training are ``epochs * ceil(samples / batch_size)``.
"""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, asdict, dataclass, field
from typing import Any, NoReturn

from .checks.attributes import KnownAttributes
from .checks.habits import elsewhere as _elsewhere

__all__ = ["CosineDecay", "OneCycle", "Schedule", "StepDecay"]


class Schedule(KnownAttributes):
    """What the schedules share: ``schedule(step)`` is a float, ``config`` is what ``save`` writes.

    A schedule cannot be changed, or a training that is continued would not be the one that was begun.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__ and not name.startswith("_"):
            kind = type(self).__name__
            raise FrozenInstanceError(f"a {kind} cannot be changed; make a new one, {kind}(..., {name}={value!r})")
        super().__setattr__(name, value)

    def __call__(self, step: int) -> float:
        """Return the learning rate of the update that follows ``step`` earlier ones."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, step)")

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain JSON values."""
        return asdict(self)  # type: ignore[call-overload]  # every schedule below is a dataclass


@dataclass(unsafe_hash=True)
class StepDecay(Schedule):
    """A staircase: the learning rate is multiplied by ``factor`` after every ``every`` steps.

    Keras's ``ExponentialDecay(learning_rate, every, factor, staircase=True)``, PyTorch's ``StepLR`` where that counts
    steps, not epochs.

    Parameters
    ----------
    learning_rate : float
        The rate of the first stair.
    every : int
        Steps on one stair, > 0.
    factor : float
        What each stair multiplies the rate by, in (0, 1].

    Examples
    --------
    >>> schedule = StepDecay(1.0, every=10, factor=0.5)
    >>> [schedule(step) for step in (0, 9, 10, 20)]
    [1.0, 1.0, 0.5, 0.25]
    """

    learning_rate: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _require_rate("learning_rate", self.learning_rate)
        _require_steps("every", self.every)
        _require_fraction("factor", self.factor)
        if self.factor == 0:
            raise ValueError("factor must be above 0: the learning rate would be 0 from the first stair on")

    def __call__(self, step: int) -> float:
        return self.learning_rate * self.factor ** (step // self.every)


@dataclass(unsafe_hash=True)
class CosineDecay(Schedule):
    """Half a cosine from ``learning_rate`` down to ``final_fraction`` of it, after a linear warm-up.

    The warm-up is part of ``steps``: it climbs in ``warmup_steps`` equal steps, and step ``warmup_steps`` is the first
    to run at the full rate. From step ``steps`` on the rate stays at its final value.
    (Loshchilov & Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", without the restarts.)

    Without a warm-up this is Keras's ``CosineDecay(learning_rate, steps, alpha=final_fraction)``. Keras's warm-up is
    another one: it comes before its ``decay_steps``, and its first step has the initial rate, which is often 0; here
    the first of n warm-up steps has 1 / (n + 1) of the full rate.

    Parameters
    ----------
    learning_rate : float
        The highest rate.
    steps : int
        Steps of the whole training, > 0.
    warmup_steps : int
        Steps of the climb, less than ``steps``.
    final_fraction : float
        The last rate as a fraction of the highest, in [0, 1].

    Examples
    --------
    >>> schedule = CosineDecay(1.0, steps=100, warmup_steps=4)
    >>> [round(schedule(step), 2) for step in (0, 1, 4, 52, 100)]
    [0.2, 0.4, 1.0, 0.5, 0.0]
    """

    learning_rate: float
    steps: int
    warmup_steps: int = field(default=0, kw_only=True)
    final_fraction: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        _require_rate("learning_rate", self.learning_rate)
        _require_steps("steps", self.steps)
        _require_fraction("final_fraction", self.final_fraction)
        if self.warmup_steps != int(self.warmup_steps) or not 0 <= self.warmup_steps < self.steps:
            raise ValueError(
                f"warmup_steps must be an integer, at least 0 and less than steps={self.steps}, got {self.warmup_steps}"
            )

    def __call__(self, step: int) -> float:
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / (self.warmup_steps + 1)
        progress = min((step - self.warmup_steps) / (self.steps - self.warmup_steps), 1.0)
        return _cosine(self.learning_rate, self.final_fraction * self.learning_rate, progress)


@dataclass(unsafe_hash=True)
class OneCycle(Schedule):
    """Up along half a cosine to a high peak, then down along another to almost nothing.

    The high rates in the middle explore, the long descent settles; a network trained so needs far fewer epochs than at
    a constant rate (Smith & Topin 2019, "Super-convergence"). The rates are those of PyTorch's ``OneCycleLR``, with its
    defaults, so that recipes can be carried over, but for two things. PyTorch by default also moves the momentum, from
    0.95 down to 0.85 at the peak and back; a schedule here is of the learning rate alone, which is PyTorch's
    ``cycle_momentum=False``. And where the climb takes less than one step, warmup_fraction * steps < 1, the first step
    is at the peak; in PyTorch it is already below.

    Parameters
    ----------
    peak : float
        The highest rate.
    steps : int
        Steps of the whole training, > 0.
    warmup_fraction : float
        The part of the steps that climbs, in [0, 1].
    start_fraction, final_fraction : float
        The first and the last rate as fractions of the peak, in [0, 1].

    Examples
    --------
    >>> schedule = OneCycle(1.0, steps=101)
    >>> [round(schedule(step), 2) for step in (0, 30, 100)]
    [0.04, 1.0, 0.0]
    """

    peak: float
    steps: int
    warmup_fraction: float = 0.3
    start_fraction: float = 1 / 25
    final_fraction: float = 1 / 250_000

    def __post_init__(self) -> None:
        _require_rate("peak", self.peak)
        _require_steps("steps", self.steps)
        for name in ("warmup_fraction", "start_fraction", "final_fraction"):
            _require_fraction(name, getattr(self, name))

    def __call__(self, step: int) -> float:
        top = max(self.warmup_fraction * self.steps - 1, 0.0)  # the step at the peak, perhaps between two
        last = self.steps - 1
        if step < top:
            return _cosine(self.start_fraction * self.peak, self.peak, step / top)
        progress = min((step - top) / (last - top), 1.0) if last > top else 0.0
        return _cosine(self.peak, self.final_fraction * self.peak, progress)


# The schedules that a saved model may have been compiled with: load_model looks names up here and nowhere else.
SCHEDULES: dict[str, type[Schedule]] = {kind.__name__: kind for kind in (StepDecay, CosineDecay, OneCycle)}


def _cosine(start: float, end: float, progress: float) -> float:
    """Return the value at ``progress`` (0 to 1) of half a cosine from ``start`` to ``end``: flat at both ends."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def _require_rate(name: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be a finite number >= 0, got {value}")


def _require_steps(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name} must be a number of steps >= 1, got {value}")


def _require_fraction(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {value}")


def __getattr__(name: str) -> NoReturn:
    _elsewhere(__name__, name)
