"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..checks.settings import Setting, at_least_zero, below_one, yes_or_no
from .base import LearningRate, Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

    Plain:      w <- w - a g
    Momentum:   v <- m v - a g,   w <- w + v              a heavy ball: steps in a lasting direction add up
    Nesterov:   v <- m v - a g,   w <- w + m v - a g      the gradient counts where the ball is about to be

    with the learning rate a and the momentum m (Sutskever et al. 2013, "On the importance of initialization and
    momentum in deep learning"). This is Keras's form: the velocity is made of steps. PyTorch's is made of gradients,
    and multiplied by the learning rate at each step; the two are the same as long as the learning rate is.

    Parameters
    ----------
    learning_rate : float or callable, default 0.01
        A number or a function of the step.
    momentum : float, default 0
        In [0, 1).
    nesterov : bool, default False
        Whether to look ahead; needs a momentum.
    weight_decay : float, default 0
        Decoupled weight decay, as in Keras: w <- w - a weight_decay w before the update. Every parameter decays, biases
        included, but those that ``exclude_from_weight_decay`` leaves out.
    global_clipnorm : float, optional
        The longest gradient allowed: the vector of all gradients is scaled down to this L2 norm where it is longer.
    l2_penalty : float, default 0
        What ``weight_decay`` means in PyTorch's ``SGD``: l2_penalty w is added to the gradient of every parameter,
        biases included, after clipping. This is the gradient of a penalty l2_penalty / 2 |w|^2, which the loss does not
        show. With momentum it is not the same as weight decay, because the velocity carries it on. Keras's L2 penalty
        belongs to a layer: ``kernel_regularizer=sc.regularizers.L2(l2)``.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> parameters, gradients = np.array([1.0, -2.0]), np.array([1.0, 2.0])
    >>> sc.SGD(0.1).step(parameters, gradients)
    >>> parameters.round(4).tolist()
    [0.9, -2.2]
    """

    l2_penalty = Setting(at_least_zero)
    _nesterov = False

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = 0.0,
        global_clipnorm: float | None = None,
        l2_penalty: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay, global_clipnorm)
        self.l2_penalty = l2_penalty
        self.momentum = momentum
        self.nesterov = nesterov

    @property
    def momentum(self) -> float:
        """How much of the velocity is kept; at 0 there is none to remember."""
        return self._momentum

    @momentum.setter
    def momentum(self, value: float) -> None:
        value = below_one("momentum", value)
        if value == 0 and self._nesterov:
            raise ValueError("momentum=0 leaves nothing to look ahead for; set nesterov = False first")
        self._momentum = value
        self.slot_names = ("velocity",) if value else ()
        if value == 0:
            self.slots.pop("velocity", None)
        self.make_slots()

    @property
    def nesterov(self) -> bool:
        """Whether to look ahead."""
        return self._nesterov

    @nesterov.setter
    def nesterov(self, value: bool) -> None:
        value = yes_or_no("nesterov", value)
        if value and self.momentum == 0:
            raise ValueError("nesterov=True changes nothing without a momentum; pass for example momentum=0.9")
        self._nesterov = value

    def update(self, parameters: np.ndarray, gradients: np.ndarray, learning_rate: float) -> None:
        settings = ops.SGDSettings(learning_rate, self.momentum, self.nesterov, self.l2_penalty)
        ops.sgd_step(parameters, gradients, self.slots.get("velocity"), settings)

    def config(self) -> dict[str, Any]:
        return {**super().config(), "momentum": self.momentum, "nesterov": self.nesterov, "l2_penalty": self.l2_penalty}
