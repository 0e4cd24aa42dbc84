"""How a gradient becomes a step: stochastic gradient descent and Adam.

An optimizer sees neither layers nor shapes, only two vectors of equal length: all parameters ``w`` and, in the same
order, their gradients ``g``. One update is one pass over them. What it remembers from step to step (``slots``: the
velocity of SGD, the two moments of Adam) are vectors of that length as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import ops
from .layers.base import aligned_empty

LearningRate = float | Callable[[int], float]


class Optimizer:
    """What the optimizers share: the learning rate, gradient clipping, weight decay, and counting the updates.

    Attributes
    ----------
    learning_rate : float or callable
        A number, or a function of the step such as a schedule. May be changed between updates.
    iterations : int
        Updates made so far, the step that a schedule is asked for.
    slots : dict of str to ndarray
        What is remembered between updates, by name; zero at first.
    """

    slot_names: tuple[str, ...] = ()

    def __init__(self, learning_rate: LearningRate, weight_decay: float, global_clipnorm: float | None) -> None:
        if not callable(learning_rate):
            learning_rate = _at_least_zero("learning_rate", learning_rate)
        if global_clipnorm is not None and not global_clipnorm > 0:
            raise ValueError(f"global_clipnorm must be above 0, or None for no clipping, got {global_clipnorm}")
        self.learning_rate = learning_rate
        self.weight_decay = _at_least_zero("weight_decay", weight_decay)
        self.global_clipnorm = global_clipnorm
        self.iterations = 0
        self.slots: dict[str, np.ndarray] = {}
        self._built_for: np.ndarray | None = None

    def build(self, parameters: np.ndarray) -> None:
        """Allocate the slots for a vector of parameters; ``Sequential.compile`` calls this.

        Raises
        ------
        ValueError
            If the optimizer already serves another model: its memory belongs to that one's parameters.
        """
        if self._built_for is parameters:
            return
        if self._built_for is not None:
            raise ValueError(
                f"this {type(self).__name__} already optimizes another model, whose moments it keeps; make a new one"
            )
        for name in self.slot_names:
            self.slots[name] = aligned_empty(parameters.shape, parameters.dtype)
            self.slots[name].fill(0)
        self._built_for = parameters

    def current_learning_rate(self) -> float:
        """Return the learning rate of the next update."""
        if callable(self.learning_rate):
            return float(self.learning_rate(self.iterations))
        return self.learning_rate

    def step(self, parameters: np.ndarray, gradients: np.ndarray) -> None:
        """Update the parameters in place. Gradients are scaled in place where ``global_clipnorm`` asks for it."""
        if self.global_clipnorm is not None:
            ops.clip_by_norm(gradients, self.global_clipnorm)
        self.update(parameters, gradients, self.current_learning_rate())
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

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self.config().items())})"


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

    Plain:      w <- w - a g
    Momentum:   v <- m v - a g,   w <- w + v              a heavy ball: steps in a lasting direction add up
    Nesterov:   v <- m v - a g,   w <- w + m v - a g      the gradient counts where the ball is about to be

    with the learning rate a and the momentum m (Sutskever et al. 2013, "On the importance of initialization and
    momentum in deep learning").

    Parameters
    ----------
    learning_rate : float or callable, default 0.01
        A number or a function of the step.
    momentum : float, default 0
        In [0, 1).
    nesterov : bool, default False
        Whether to look ahead; needs a momentum.
    weight_decay : float, default 0
        L2 penalty on every parameter: ``weight_decay * w`` is added to the gradient.
    global_clipnorm : float, optional
        The longest gradient allowed: the vector of all gradients is scaled down to this L2 norm where it is longer.
    """

    slot_names: tuple[str, ...] = ("velocity",)

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, global_clipnorm)
        self.momentum = _below_one("momentum", momentum)
        self.nesterov = bool(nesterov)
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov=True changes nothing without a momentum; pass for example momentum=0.9")
        if self.momentum == 0:
            self.slot_names = ()

    def update(self, parameters: np.ndarray, gradients: np.ndarray, learning_rate: float) -> None:
        ops.sgd_step(
            parameters,
            gradients,
            self.slots.get("velocity"),
            learning_rate,
            self.momentum,
            self.nesterov,
            self.weight_decay,
        )

    def config(self) -> dict[str, Any]:
        return {**super().config(), "momentum": self.momentum, "nesterov": self.nesterov}


class Adam(Optimizer):
    """Adam: every parameter has its own step size, from the mean and the size of its recent gradients.

    m <- b1 m + (1 - b1) g            running mean of the gradient
    v <- b2 v + (1 - b2) g^2          running mean of its square
    w <- w - a_t m / (sqrt(v) + eps)  where a_t = a sqrt(1 - b2^t) / (1 - b1^t)

    m and v start at zero and are too small at first; a_t, at update t = 1, 2, ..., makes up for it. ``epsilon`` is the
    one of section 2 of the paper, "epsilon hat" there, as in Keras (Kingma & Ba 2015, "Adam: a method for stochastic
    optimization").

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number or a function of the step.
    beta_1, beta_2 : float, default 0.9 and 0.999
        How slowly the two running means forget, in [0, 1).
    epsilon : float, default 1e-7
        Keeps the quotient finite, > 0.
    weight_decay : float, default 0
        L2 penalty on every parameter: ``weight_decay * w`` is added to the gradient, and scaled with it. Usually
        ``AdamW`` is what is wanted.
    global_clipnorm : float, optional
        The longest gradient allowed: the vector of all gradients is scaled down to this L2 norm where it is longer.
    """

    slot_names = ("mean", "variance")
    decoupled = False

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float = 0.0,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, global_clipnorm)
        self.beta_1 = _below_one("beta_1", beta_1)
        self.beta_2 = _below_one("beta_2", beta_2)
        if not epsilon > 0:
            raise ValueError(f"epsilon must be above 0, got {epsilon}: a parameter with no gradient would become NaN")
        self.epsilon = float(epsilon)

    def update(self, parameters: np.ndarray, gradients: np.ndarray, learning_rate: float) -> None:
        ops.adam_step(
            parameters,
            gradients,
            self.slots["mean"],
            self.slots["variance"],
            self.iterations + 1,
            learning_rate,
            self.beta_1,
            self.beta_2,
            self.epsilon,
            self.weight_decay,
            self.decoupled,
        )

    def config(self) -> dict[str, Any]:
        return {**super().config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


class AdamW(Adam):
    """Adam with decoupled weight decay: w <- w - a wd w before each Adam update.

    Inside Adam's quotient an L2 penalty is divided by the size of the gradient, so parameters with large gradients
    hardly decay. Taken out of it, all decay at the same pace (Loshchilov & Hutter 2019, "Decoupled weight decay
    regularization").

    Parameters are those of ``Adam``, but ``weight_decay`` is 0.004 by default. It applies to every parameter.
    """

    decoupled = True

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float = 0.004,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, weight_decay, global_clipnorm)


def _at_least_zero(name: str, value: float) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be a finite number >= 0, got {value}")
    return float(value)


def _below_one(name: str, value: float) -> float:
    if not 0 <= value < 1:
        raise ValueError(f"{name} must lie in [0, 1), got {value}")
    return float(value)
