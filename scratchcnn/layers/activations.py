"""Activations: element-wise non-linearities. Without them, a stack of dense layers could be replaced by one layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..checks.settings import at_least_zero
from ..types import Shape
from .base import Layer
from .settings import LayerSetting


class ReLU(Layer):
    """Cut off what is negative: y = max(x, 0).

    Backward: y moves with x where x > 0 and stands still elsewhere, so dx = dy where y > 0, else 0. The output tells
    where that was; the input need not be kept.

    Input shape: any. Output shape: the same.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.ReLU()], input_shape=(3,))
    >>> model.forward(np.array([[-2.0, 0.0, 3.0]], np.float32)).tolist()
    [[0.0, 0.0, 3.0]]
    """

    _y: np.ndarray  # the output: kept by forward for backward

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self.as_input(x)
        self._y = self.output_buffer()
        ops.relu_forward(x, out=self._y)
        return self._y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = self.as_gradient(dy)
        dx = self.input_gradient_buffer()
        ops.relu_backward(self._y, dy, out=dx)
        return dx


class LeakyReLU(Layer):
    """Weaken what is negative: y = x where x > 0, else negative_slope x (Maas, Hannun and Ng 2013).

    Unlike ReLU it never blocks the gradient: dx = dy where x > 0, else negative_slope dy.

    Parameters
    ----------
    negative_slope : float
        At least 0; 0 is ReLU.

    Input shape: any. Output shape: the same.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.LeakyReLU(0.5)], input_shape=(3,))
    >>> model.forward(np.array([[-2.0, 0.0, 3.0]], np.float32)).tolist()
    [[-1.0, 0.0, 3.0]]
    """

    negative_slope = LayerSetting(at_least_zero)

    _x: np.ndarray  # the input: kept by forward for backward

    def __init__(self, negative_slope: float = 0.3, name: str | None = None) -> None:
        super().__init__(name)
        self.negative_slope = negative_slope

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._x = x = self.as_input(x)
        y = self.output_buffer()
        ops.leaky_relu_forward(x, self.negative_slope, out=y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = self.as_gradient(dy)
        dx = self.input_gradient_buffer()
        ops.leaky_relu_backward(self._x, self.negative_slope, dy, out=dx)
        return dx

    def config(self) -> dict[str, Any]:
        return {"negative_slope": self.negative_slope}


class Sigmoid(Layer):
    """Squeeze any number into (0, 1): y = 1 / (1 + exp(-x)).

    Backward: dy/dx = y (1 - y), at most a quarter, so a stack of them hardly learns in its first layers; in front of
    ``BinaryCrossEntropy`` it is not needed, which takes logits.

    Input shape: any. Output shape: the same.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Sigmoid()], input_shape=(3,))
    >>> model.forward(np.array([[-100.0, 0.0, 100.0]], np.float32)).round(3).tolist()
    [[0.0, 0.5, 1.0]]
    """

    _y: np.ndarray  # the output: kept by forward for backward

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self.as_input(x)
        self._y = self.output_buffer()
        ops.sigmoid_forward(x, out=self._y)
        return self._y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = self.as_gradient(dy)
        dx = self.input_gradient_buffer()
        ops.sigmoid_backward(self._y, dy, out=dx)
        return dx


class Tanh(Layer):
    """Squeeze any number into (-1, 1): y = tanh(x), the activation of LeNet-5 (LeCun et al. 1998).

    Backward: dy/dx = 1 - y^2.

    Input shape: any. Output shape: the same.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Tanh()], input_shape=(3,))
    >>> model.forward(np.array([[-100.0, 0.0, 100.0]], np.float32)).tolist()
    [[-1.0, 0.0, 1.0]]
    """

    _y: np.ndarray  # the output: kept by forward for backward

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self.as_input(x)
        self._y = self.output_buffer()
        ops.tanh_forward(x, out=self._y)
        return self._y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = self.as_gradient(dy)
        dx = self.input_gradient_buffer()
        ops.tanh_backward(self._y, dy, out=dx)
        return dx


class ELU(Layer):
    """Bend what is negative towards -alpha: y = x where x > 0, else alpha (exp(x) - 1).

    Unlike ReLU it never blocks the gradient, and its mean output is nearer to 0 (Clevert, Unterthiner and Hochreiter
    2016, "Fast and accurate deep network learning by exponential linear units").

    Backward: dx = dy where x > 0, else dy alpha exp(x), which is dy (y + alpha).

    Parameters
    ----------
    alpha : float
        At least 0; 0 is ReLU.

    Input shape: any. Output shape: the same.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.ELU(0.5)], input_shape=(3,))
    >>> model.forward(np.array([[-100.0, 0.0, 3.0]], np.float32)).tolist()
    [[-0.5, 0.0, 3.0]]
    """

    alpha = LayerSetting(at_least_zero)

    _y: np.ndarray  # the output: kept by forward for backward
    _alpha: float  # of that forward

    def __init__(self, alpha: float = 1.0, name: str | None = None) -> None:
        super().__init__(name)
        self.alpha = alpha

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self.as_input(x)
        self._y, self._alpha = self.output_buffer(), self.alpha
        ops.elu_forward(x, self._alpha, out=self._y)
        return self._y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = self.as_gradient(dy)
        dx = self.input_gradient_buffer()
        ops.elu_backward(self._y, self._alpha, dy, out=dx)
        return dx

    def config(self) -> dict[str, Any]:
        return {"alpha": self.alpha}
