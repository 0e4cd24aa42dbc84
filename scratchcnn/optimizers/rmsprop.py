"""RMSprop: a step of the same length for every parameter, however large its gradients are."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..checks.settings import Setting, above_zero, below_one, yes_or_no
from .base import LearningRate, Optimizer


class RMSprop(Optimizer):
    """RMSprop: each gradient is divided by the size of its recent ones.

        s <- rho s + (1 - rho) g^2                 moving average of the square
        w <- w - a g / sqrt(s + epsilon)           or, with momentum:
        v <- momentum v + a g / sqrt(s + epsilon),   w <- w - v

    ``centered`` divides by the gradient's deviation from its moving average rather than by its size: s minus that
    average's square takes the place of s. The formulas are Keras's; PyTorch adds epsilon after the root.
    (Tieleman & Hinton 2012, lecture 6.5 of "Neural networks for machine learning"; centered: Graves 2013.)

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number or a function of the step.
    rho : float, default 0.9
        How slowly the average forgets, in [0, 1).
    momentum : float, default 0
        In [0, 1).
    epsilon : float, default 1e-7
        Keeps the quotient finite, > 0.
    centered : bool, default False
    weight_decay : float, default 0
        Decoupled weight decay, as in Keras: w <- w - a weight_decay w before the update.
    global_clipnorm : float, optional
        The longest gradient allowed: the vector of all gradients is scaled down to this L2 norm where it is longer.

    Examples
    --------
    >>> import numpy as np
    >>> from scratchcnn import RMSprop
    >>> parameters = np.array([1.0, 1.0])
    >>> RMSprop(0.1, rho=0.0).step(parameters, np.array([100.0, -0.01]))
    >>> parameters.round(3).tolist()  # both by the learning rate, though one gradient is 10,000 times larger
    [0.9, 1.1]
    """

    slot_names: tuple[str, ...] = ("square",)
    rho = Setting(below_one)
    epsilon = Setting(above_zero)

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        global_clipnorm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, weight_decay, global_clipnorm)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    @property
    def momentum(self) -> float:
        """How much of the velocity is kept; at 0 there is none to remember."""
        return self._momentum

    @momentum.setter
    def momentum(self, value: float) -> None:
        self._momentum = below_one("momentum", value)
        self._remember("velocity", self._momentum > 0)

    @property
    def centered(self) -> bool:
        """Whether to divide by the deviation from the mean, which is then remembered, too."""
        return self._centered

    @centered.setter
    def centered(self, value: bool) -> None:
        self._centered = yes_or_no("centered", value)
        self._remember("mean", self._centered)

    def _remember(self, slot: str, wanted: bool) -> None:
        others = tuple(name for name in self.slot_names if name != slot)
        self.slot_names = (*others, slot) if wanted else others
        if not wanted:
            self.slots.pop(slot, None)
        self.make_slots()

    def update(self, parameters: np.ndarray, gradients: np.ndarray, learning_rate: float) -> None:
        mean, velocity = self.slots.get("mean"), self.slots.get("velocity")
        settings = ops.RMSpropSettings(learning_rate, self.rho, self.momentum, self.epsilon)
        ops.rmsprop_step(parameters, gradients, self.slots["square"], mean, velocity, settings)

    def config(self) -> dict[str, Any]:
        return {
            **super().config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
