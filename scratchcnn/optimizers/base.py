"""What the optimizers share.

An optimizer sees neither layers nor shapes, only two vectors of equal length: all parameters ``w`` and, in the same
order, their gradients ``g``. One update is one pass over them. What it remembers from step to step (``slots``: the
velocity of SGD, the two moments of Adam) are vectors of that length as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import numpy as np

from .. import ops
from ..checks.attributes import KnownAttributes
from ..checks.elsewhere.methods import OPTIMIZER_METHODS
from ..checks.habits import attribute_elsewhere
from ..checks.inputs import as_integer
from ..checks.messages import shown
from ..checks.settings import Setting, at_least_zero
from ..memory import aligned_empty
from .decay import Excluded
from .settings import LearningRate, decay_or_none, norm_or_none, rate_or_schedule
from .vectors import require_gradients, require_vector, same_memory


class Optimizer(KnownAttributes):
    """Base class of optimizers: the learning rate, gradient clipping, weight decay, and the count of the updates.

    A subclass names in ``slot_names`` what it remembers and implements ``update``. It is used by ``Sequential.fit``, or
    by hand: ``optimizer.step(model.parameters, model.gradients)``. The first step, or ``compile``, ties it to that
    vector of parameters and makes the slots.

    A step does this, in this order, which is Keras's:

        g <- g min(1, global_clipnorm / |g|)      if the vector of all gradients is to be clipped; g is what the caller
                                                  passes, so a layer's ``kernel_regularizer`` is part of it
        w <- w - learning_rate weight_decay w     decoupled weight decay, for all parameters that are not excluded
        the update: the formula of the optimizer

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
    l2_penalty: Any = 0.0  # a setting of those that have one

    learning_rate = Setting(rate_or_schedule)
    weight_decay = Setting(decay_or_none)
    global_clipnorm = Setting(norm_or_none)
    iterations = Setting(lambda name, value: as_integer(name, value, 0))

    def __init__(
        self, learning_rate: LearningRate, weight_decay: float | None = None, global_clipnorm: float | None = None
    ) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.global_clipnorm = global_clipnorm
        self.iterations = 0
        self.slots: dict[str, np.ndarray] = {}
        self.excluded = Excluded()
        self._built_for: np.ndarray | None = None
        self._gradients: np.ndarray | None = None
        self._named: dict[str, np.ndarray] | None = None
        self._decayed: list[slice] | None = None  # parts of the vector that decay; None: the whole of it

    def __getattr__(self, name: str) -> NoReturn:
        attribute_elsewhere(self, name, OPTIMIZER_METHODS)

    def build(self, parameters: np.ndarray, named: dict[str, np.ndarray] | None = None) -> None:
        """Tie the optimizer to a vector of parameters and make its slots; ``compile`` and the first ``step`` do it.

        Parameters
        ----------
        parameters : ndarray
            All of a model's trainable parameters, ``model.parameters``.
        named : dict of str to ndarray, optional
            The parameters by name, views of that vector: ``model.named_parameters()``. ``compile`` passes them; by hand
            they are needed where ``exclude_from_weight_decay`` was given names.

        Raises
        ------
        ValueError
            If the optimizer already serves another model: its memory belongs to that one's parameters. Or if the
            parameters are not a C-contiguous, writeable array of float32 or float64.
        """
        if self._built_for is parameters and named is None:
            return
        require_vector(parameters)
        if self._built_for is not None and not same_memory(self._built_for, parameters):
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
        if named is not None or self._decayed is None:  # a copied optimizer knows its parts
            self.excluded, self._decayed = self.excluded.find(parameters, named)
        self._built_for, self._named = parameters, named
        self.make_slots()

    def exclude_from_weight_decay(self, var_list: Iterable[Any] = (), var_names: Iterable[str] = ()) -> None:
        """Choose what ``weight_decay`` leaves alone, as in Keras; what an earlier call chose counts no more.

        Parameters
        ----------
        var_list : sequence of Layer or ndarray
            Layers, all of whose parameters are meant, or single parameters such as ``layer.params["bias"]``.
        var_names : sequence of str
            Every parameter that has one of these in its name is meant. A name is that of the layer and that of the
            parameter, ``"conv2d/bias"``, so ``["bias", "gamma", "beta"]`` are all biases and all of the batch
            normalisations, and ``["dense_1/"]`` is a layer.

        Raises
        ------
        ValueError
            If nothing is meant by one of the entries: here, or by ``build``, where the optimizer serves no model yet.

        Examples
        --------
        >>> from scratchcnn import AdamW
        >>> optimizer = AdamW(1e-3, weight_decay=0.05)
        >>> optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        """
        if self.l2_penalty and not self.weight_decay:
            raise ValueError(
                "l2_penalty falls on every parameter; use weight_decay, or give the layers that are meant a "
                "kernel_regularizer=sc.regularizers.L2(l2)"
            )
        excluded, decayed = Excluded.of(var_list, var_names), None
        if self._built_for is not None:
            excluded, decayed = excluded.find(self._built_for, self._named)
        self.excluded, self._decayed = excluded, decayed

    def make_slots(self) -> None:
        """Make the slots that are named in ``slot_names`` and missing, filled with zeros."""
        if isinstance(self.slot_names, str):
            raise ValueError(f"slot_names must be a tuple of names, got {shown(self.slot_names)}; a comma is missing")
        if self._built_for is not None:
            for name in self.slot_names:
                if name not in self.slots:
                    self.slots[name] = aligned_empty(self._built_for.shape, self._built_for.dtype)
                    self.slots[name].fill(0)

    def follow(
        self,
        old: np.ndarray,
        new: np.ndarray,
        carried_over: Callable[[np.ndarray], np.ndarray],
        named: dict[str, np.ndarray],
    ) -> None:
        """Serve the vector ``new`` in place of ``old``, after layers of the model were frozen or thawed.

        Parameters
        ----------
        old, new : ndarray
            The vectors of parameters.
        carried_over : callable
            Returns for a vector of the old order the one of the new, with zeros for what is new.
        named : dict of str to ndarray
            As in ``build``, where they lie now.
        """
        if self._built_for is not None and not same_memory(self._built_for, old):
            return  # compiled, but used with another vector since
        self.slots = {name: carried_over(slot) for name, slot in self.slots.items()}
        self._built_for, self._gradients, self._named = None, None, None
        self._decayed = None
        self.build(new, named)

    def current_learning_rate(self) -> float:
        """Return the learning rate of the next update."""
        if not callable(self.learning_rate):
            return self.learning_rate
        rate = float(self.learning_rate(self.iterations))
        return rate if 0 <= rate < math.inf else at_least_zero(f"learning_rate({self.iterations})", rate)

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
        same = parameters is self._built_for and gradients is self._gradients  # as in the last step
        if not (same and parameters.flags.writeable):
            require_vector(parameters)
            require_gradients(parameters, gradients)
            self.build(parameters)
            self._gradients = gradients
        learning_rate = self.current_learning_rate()
        if self.global_clipnorm is not None:
            ops.clip_by_norm(gradients, self.global_clipnorm)
        if self.weight_decay:
            self.decay(parameters, learning_rate)
        self.update(parameters, gradients, learning_rate)
        self.__dict__["iterations"] += 1  # which needs no check

    def decay(self, parameters: np.ndarray, learning_rate: float) -> None:
        """Apply the weight decay: w <- w - learning_rate weight_decay w, for all w that are not excluded."""
        flat = parameters.reshape(-1)
        for part in [slice(None)] if self._decayed is None else self._decayed:
            flat[part] -= learning_rate * self.weight_decay * flat[part]

    def update(self, parameters: np.ndarray, gradients: np.ndarray, learning_rate: float) -> None:
        """Apply the formula of this optimizer once; clipping and weight decay have been done."""
        raise NotImplementedError(
            f"{type(self).__name__} must define update(self, parameters, gradients, learning_rate)"
        )

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
        return {**self.__dict__, "slots": slots, "_built_for": None, "_gradients": None, "_named": None}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self.config().items())})"
