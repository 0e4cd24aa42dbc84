"""What the optimizers share.

An optimizer sees neither layers nor shapes, only two vectors of equal length: all parameters ``w`` and, in the same
order, their gradients ``g``. One update is one pass over them. What it remembers from step to step (``slots``: the
velocity of SGD, the two moments of Adam) are vectors of that length as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..layers.base import aligned_empty
from ..validation import as_integer
from .settings import Setting, above_zero, at_least_zero

LearningRate = float | Callable[[int], float]


def _rate(name: str, value: Any) -> LearningRate:
    if isinstance(value, type):
        raise ValueError(f"{name} must be a number or a schedule, got the class {value.__name__}; make an object of it")
    return value if callable(value) else at_least_zero(name, value)


def _longest(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        return above_zero(name, value)
    except ValueError:
        raise ValueError(f"{name} must be above 0, or None for no clipping, got {value}") from None


class Optimizer:
    """Base class of optimizers: the learning rate, gradient clipping, weight decay, and the count of the updates.

    A subclass names in ``slot_names`` what it remembers and implements ``update``. It is used by ``Sequential.fit``, or
    by hand: ``optimizer.step(model.parameters, model.gradients)``. The first step, or ``compile``, ties it to that
    vector of parameters and makes the slots.

    Every setting may be changed between updates; a value that the constructor would refuse is refused then too.

    Attributes
    ----------
    learning_rate : float or callable
        A number, or a function of the step such as a schedule.
    iterations : int
        Updates made so far, the step that a schedule is asked for.
    slots : dict of str to ndarray
        What is remembered between updates, by name; zero at first.
    """

    slot_names: tuple[str, ...] = ()

    learning_rate = Setting(_rate)
    weight_decay = Setting(at_least_zero)
    global_clipnorm = Setting(_longest)
    iterations = Setting(lambda name, value: as_integer(name, value, 0))

    def __init__(self, learning_rate: LearningRate, weight_decay: float, global_clipnorm: float | None) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.global_clipnorm = global_clipnorm
        self.iterations = 0
        self.slots: dict[str, np.ndarray] = {}
        self._built_for: np.ndarray | None = None

    def build(self, parameters: np.ndarray) -> None:
        """Tie the optimizer to a vector of parameters and make its slots; ``compile`` and the first ``step`` do it.

        Raises
        ------
        ValueError
            If the optimizer already serves another model: its memory belongs to that one's parameters. Or if the
            parameters are not a C-contiguous, writeable array of float32 or float64.
        """
        if self._built_for is parameters:
            return
        require_vector(parameters)
        if self._built_for is not None and not _same_memory(self._built_for, parameters):
            raise ValueError(
                f"this {type(self).__name__} already optimizes another model, whose moments it keeps; make a new one "
                "(the same model is another one after layers were frozen or thawed, for an optimizer not its own)"
            )
        for name, slot in self.slots.items():  # a copied or unpickled optimizer has slots already
            if slot.shape != parameters.shape or slot.dtype != parameters.dtype:
                raise ValueError(
                    f"this {type(self).__name__} remembers {name} of {slot.dtype} {slot.shape}, the parameters are "
                    f"{parameters.dtype} {parameters.shape}; make a new one"
                )
        self._built_for = parameters
        self.make_slots()

    def make_slots(self) -> None:
        """Make the slots that are named in ``slot_names`` and missing, filled with zeros."""
        if isinstance(self.slot_names, str):
            raise ValueError(f"slot_names must be a tuple of names, got {self.slot_names!r}; a comma is missing")
        if self._built_for is not None:
            for name in self.slot_names:
                if name not in self.slots:
                    self.slots[name] = aligned_empty(self._built_for.shape, self._built_for.dtype)
                    self.slots[name].fill(0)

    def follow(self, old: np.ndarray, new: np.ndarray, carried_over: Callable[[np.ndarray], np.ndarray]) -> None:
        """Serve the vector ``new`` in place of ``old``, after layers of the model were frozen or thawed.

        Parameters
        ----------
        old, new : ndarray
            The vectors of parameters.
        carried_over : callable
            Returns for a vector of the old order the one of the new, with zeros for what is new.
        """
        if self._built_for is not None and not _same_memory(self._built_for, old):
            return  # compiled, but used with another vector since
        self.slots = {name: carried_over(slot) for name, slot in self.slots.items()}
        self._built_for = None if self._built_for is None else new

    def current_learning_rate(self) -> float:
        """Return the learning rate of the next update."""
        rate = self.learning_rate
        return at_least_zero(f"learning_rate({self.iterations})", rate(self.iterations)) if callable(rate) else rate

    def step(self, parameters: np.ndarray, gradients: np.ndarray) -> None:
        """Update the parameters in place.

        Parameters
        ----------
        parameters : ndarray of float32 or float64, C-contiguous
            The same array at every step, such as ``model.parameters``.
        gradients : ndarray
            Of the same shape and dtype, such as ``model.gradients``. Scaled in place where ``global_clipnorm`` asks
            for it.

        Raises
        ------
        ValueError
            If these are no such arrays, or the parameters are not those of the steps before. Nothing is then changed.
        """
        require_gradients(parameters, gradients)
        self.build(parameters)
        learning_rate = self.current_learning_rate()
        if self.global_clipnorm is not None:
            ops.clip_by_norm(gradients, self.global_clipnorm)
        self.update(parameters, gradients, learning_rate)
        self.iterations += 1

    def update(self, parameters: np.ndarray, gradients: np.ndarray, learning_rate: float) -> None:
        """Apply the formula of this optimizer once."""
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments; a schedule stands for itself."""
        return {
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "global_clipnorm": self.global_clipnorm,
        }

    def __getstate__(self) -> dict[str, Any]:
        """Leave out of a copy or a pickle whose parameters these are: the copy serves those of its first step."""
        slots = {name: slot.copy() for name, slot in self.slots.items()}
        return {**self.__dict__, "slots": slots, "_built_for": None}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self.config().items())})"


def require_vector(parameters: Any) -> None:
    """Raise a ValueError unless this is an array that an update can be written into."""
    if not isinstance(parameters, np.ndarray):
        raise ValueError(f"parameters must be a NumPy array such as model.parameters, got {type(parameters).__name__}")
    if parameters.dtype not in (np.float32, np.float64):
        raise ValueError(f"parameters must be float32 or float64, got {parameters.dtype}; pass model.parameters")
    if not parameters.flags.carray:  # C-contiguous, aligned, writeable
        raise ValueError(
            "parameters must be one C-contiguous, writeable array, got a view with gaps or one that cannot be written; "
            "pass model.parameters"
        )


def require_gradients(parameters: Any, gradients: Any) -> None:
    """Raise a ValueError unless there is one gradient for each parameter, in memory of their own."""
    if not isinstance(gradients, np.ndarray):
        raise ValueError(f"gradients must be a NumPy array such as model.gradients, got {type(gradients).__name__}")
    if not isinstance(parameters, np.ndarray):
        require_vector(parameters)
    if gradients.shape != parameters.shape or gradients.dtype != parameters.dtype:
        raise ValueError(
            f"gradients must be of the shape and dtype of the parameters, {parameters.shape} {parameters.dtype}, "
            f"got {gradients.shape} {gradients.dtype}; pass model.gradients"
        )
    if not (gradients.flags.c_contiguous and gradients.flags.aligned):
        raise ValueError("gradients must be C-contiguous; pass np.ascontiguousarray(gradients)")
    if np.may_share_memory(parameters, gradients):
        raise ValueError("parameters and gradients are the same memory; pass model.parameters and model.gradients")


def _same_memory(one: np.ndarray, other: np.ndarray) -> bool:
    return one.ctypes.data == other.ctypes.data and one.shape == other.shape and one.dtype == other.dtype
