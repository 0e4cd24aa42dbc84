"""Adam, and Adam with decoupled weight decay."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from .base import LearningRate, Optimizer
from .settings import Setting, above_zero, below_one


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

    beta_1 = Setting(below_one)
    beta_2 = Setting(below_one)
    epsilon = Setting(above_zero)  # at 0, a parameter with no gradient would become NaN

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
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

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
