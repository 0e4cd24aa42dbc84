"""Adam, and Adam with weight decay."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..checks.settings import Setting, above_zero, at_least_zero, below_one
from .base import LearningRate, Optimizer


class Adam(Optimizer):
    """Adam: every parameter has its own step size, from the mean and the size of its recent gradients.

    m <- b1 m + (1 - b1) g            running mean of the gradient
    v <- b2 v + (1 - b2) g^2          running mean of its square
    w <- w - a_t m / (sqrt(v) + eps)  where a_t = a sqrt(1 - b2^t) / (1 - b1^t)

    m and v start at zero and are too small at first; a_t, at update t = 1, 2, ..., makes up for it. ``epsilon`` is the
    one of section 2 of the paper, "epsilon hat" there, as in Keras. PyTorch's is that of the paper's algorithm 1, which
    in these formulas stands as sqrt(1 - b2^t) epsilon (Kingma & Ba 2015, "Adam: a method for stochastic optimization").

    Parameters
    ----------
    learning_rate : float or callable, default 0.001
        A number or a function of the step.
    beta_1, beta_2 : float, default 0.9 and 0.999
        How slowly the two running means forget, in [0, 1).
    epsilon : float, default 1e-7
        Keeps the quotient finite, > 0.
    weight_decay : float, default 0
        Decoupled weight decay, as in Keras: w <- w - a weight_decay w before the update. Every parameter decays, biases
        included, but those that ``exclude_from_weight_decay`` leaves out.
    global_clipnorm : float, optional
        The longest gradient allowed: the vector of all gradients is scaled down to this L2 norm where it is longer.
    l2_penalty : float, default 0
        What ``weight_decay`` means in PyTorch's ``Adam``: l2_penalty w is added to the gradient of every parameter,
        biases included, after clipping. This is the gradient of a penalty l2_penalty / 2 |w|^2, which the loss does not
        show. Inside Adam's quotient it is divided by the size of the gradient, so parameters with large gradients
        hardly shrink; ``weight_decay`` is usually what is wanted (Loshchilov & Hutter 2019, "Decoupled weight decay
        regularization"). Keras's L2 penalty belongs to a layer: ``kernel_regularizer=sc.regularizers.L2(l2)``.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> parameters, gradients = np.array([1.0, -2.0]), np.array([1.0, 2.0])
    >>> sc.Adam(0.1).step(parameters, gradients)
    >>> parameters.round(4).tolist()
    [0.9, -2.1]
    """

    slot_names = ("mean", "variance")

    beta_1 = Setting(below_one)
    beta_2 = Setting(below_one)
    l2_penalty = Setting(at_least_zero)
    epsilon = Setting(above_zero)  # at 0, a parameter with no gradient would become NaN

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.0,
        global_clipnorm: float | None = None,
        l2_penalty: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay, global_clipnorm)
        self.l2_penalty = l2_penalty
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    @property
    def _decays_in_update(self) -> bool:
        """Whether the pass over the vectors does the weight decay, of all parameters, as well."""
        return self.weight_decay > 0 and self.l2_penalty == 0 and self._decayed is None

    def decay(self, parameters: np.ndarray, learning_rate: float) -> None:
        if not self._decays_in_update:
            super().decay(parameters, learning_rate)

    def update(self, parameters: np.ndarray, gradients: np.ndarray, learning_rate: float) -> None:
        decoupled = self._decays_in_update
        decay = self.weight_decay if decoupled else self.l2_penalty
        settings = ops.AdamSettings(learning_rate, self.beta_1, self.beta_2, self.epsilon, decay, decoupled)
        averages = self.slots["mean"], self.slots["variance"]
        ops.adam_step(parameters, gradients, *averages, self.iterations + 1, settings)

    def config(self) -> dict[str, Any]:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon, "l2_penalty": self.l2_penalty}
        return {**super().config(), **own}


class AdamW(Adam):
    """Adam with weight decay: as in Keras, nothing but ``Adam`` with a ``weight_decay`` of 0.004 by default.

    Parameters are those of ``Adam``.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> parameters, gradients = np.array([1.0, -2.0]), np.zeros(2)
    >>> sc.AdamW(0.1, weight_decay=0.5).step(parameters, gradients)  # without a gradient, parameters only decay
    >>> parameters.round(4).tolist()
    [0.95, -1.9]
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        global_clipnorm: float | None = None,
        l2_penalty: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, weight_decay, global_clipnorm, l2_penalty)
