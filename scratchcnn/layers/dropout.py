"""Dropout as a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..checks.messages import shown
from ..checks.settings import as_number
from ..types import Shape
from .base import Layer
from .settings import LayerSetting


def _share(what: str, value: Any) -> float:
    rate = as_number(what, value)
    if not 0 <= rate < 1:
        raise ValueError(f"{what} is the share to drop, at least 0 and below 1, got {shown(value)}")
    return rate


class Dropout(Layer):
    """In training, set each number to 0 with probability ``rate`` and divide the others by 1 - rate.

    A network that cannot rely on any single number learns to use many (Srivastava et al. 2014). At inference the
    layer does nothing: the division has already kept the mean.

    Backward: dx = dy / (1 - rate) where the number was kept, 0 where it was dropped. Which these are is not stored: it
    is computed from a seed, drawn anew from the model's generator for each batch, once forward and once backward.

    Parameters
    ----------
    rate : float
        Probability of being dropped, in [0, 1).

    Input shape: any. Output shape: the same.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Dropout(0.5)], input_shape=(1000,))
    >>> x = np.ones((1, 1000), np.float32)
    >>> sorted(set(model.forward(x, training=True).ravel().tolist()))  # dropped, or scaled up so that the mean stays
    [0.0, 2.0]
    >>> bool((model.forward(x) == x).all())  # nothing is dropped when the network is used
    True
    """

    rate = LayerSetting(_share)

    _seed: int | np.ndarray  # of what is dropped: kept by forward for backward
    _dropped = False  # whether the latest forward dropped anything

    def __init__(self, rate: float, name: str | None = None) -> None:
        super().__init__(name)
        self.rate = rate

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        self.rng = rng
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self.as_input(x)
        self._dropped = training
        if not training:
            return x
        self._seed = ops.draw_seed(self.rng)
        y = self.output_buffer()
        ops.dropout_forward(x, self.rate, self._seed, out=y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = self.as_gradient(dy)
        if not self._dropped:
            return dy
        dx = self.input_gradient_buffer()
        ops.dropout_backward(dy, self.rate, self._seed, out=dx)
        return dx

    def config(self) -> dict[str, Any]:
        return {"rate": self.rate}
