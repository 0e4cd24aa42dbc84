"""The dense layer. Letters: N batch, D inputs, F outputs (``units``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..checks.settings import Setting, yes_or_no
from ..regularizers import L2, as_regularizer, regularizer_config
from ..types import Shape
from .activation_argument import as_activation
from .arguments import positive_int
from .base import Layer
from .initializers import INITIALIZERS, check_initializer
from .settings import Fixed


class Dense(Layer):
    """Every output is a weighted sum of every input: y = x W + b.

    Backward, with dy = dL/dy of shape (N, F):

        y[n, j] = sum_i x[n, i] W[i, j] + b[j]      so each x[n, i] touches all y[n, :], each W[i, j] all y[:, j]

        dx = dy W^T          (N, D)
        dW = x^T dy          (D, F)
        db = sum_n dy[n]     (F,)

    Parameters
    ----------
    units : int
        Number of outputs F.
    activation : str or Layer, optional
        "relu", "leaky_relu", "elu", "sigmoid", "tanh" or a layer, which a model puts after this one. Not "softmax": a
        network ends in logits.
    use_bias : bool
    kernel_initializer : str
        A name from ``initializers.py``; the bias starts at zero.
    kernel_regularizer : L2, optional
        A penalty on the kernel that is part of the loss, such as ``sc.regularizers.L2(1e-4)``; "l2" is ``L2(0.01)``.
    name : str, optional
        Without one, the model gives it one.

    Input shape: (N, D). Output shape: (N, F). Parameters: kernel W (D, F), bias b (F,).
    Raises ValueError where the input is not two-dimensional: put a Flatten before it.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Dense(10)], input_shape=(784,))
    >>> model.output_shape, model.count_params()  # 784 weights and a bias for each output
    ((10,), 7850)
    """

    units = Fixed(positive_int)
    use_bias = Fixed(yes_or_no)
    kernel_initializer = Fixed(check_initializer)

    _x: np.ndarray  # the input: kept by forward for backward
    kernel_regularizer = Setting(as_regularizer)

    def __init__(
        self,
        units: int,
        activation: Layer | str | None = None,
        use_bias: bool = True,
        kernel_initializer: str = "glorot_uniform",
        kernel_regularizer: L2 | str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.units = units
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.kernel_regularizer = kernel_regularizer
        self.activation = as_activation(f"sc.Dense({self.units}", activation)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        if len(input_shape) != 1:
            got = ", ".join(map(str, ("N", *input_shape)))
            raise ValueError(f"Dense expects (N, D) vectors, got ({got}); put a Flatten before it")
        kernel, bias = (input_shape[0], self.units), (self.units,)
        return {"kernel": kernel, "bias": bias} if self.use_bias else {"kernel": kernel}

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (self.units,)

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        shapes = self.weight_shapes(input_shape)
        initialize = INITIALIZERS[self.kernel_initializer]
        self.add_parameter("kernel", initialize(shapes["kernel"], input_shape[0], self.units, rng, self.dtype))
        if self.use_bias:
            self.add_parameter("bias", np.zeros(shapes["bias"]))
        return self.set_shapes(input_shape, (self.units,))

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._x = x = self.as_input(x)  # (N, D)
        y = self.output_buffer()  # (N, F)
        ops.dense_forward(x, self.params["kernel"], self.params.get("bias"), out=y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dy = self.as_gradient(dy)  # (N, F)
        dx = self.input_gradient_buffer() if self.needs_input_gradient else None  # (N, D)
        gradients = dx, self.grads["kernel"], self.grads.get("bias")
        ops.dense_backward(self._x, self.params["kernel"], dy, out=gradients)
        return dx

    def config(self) -> dict[str, Any]:
        return {
            "units": self.units,
            "use_bias": self.use_bias,
            "kernel_initializer": self.kernel_initializer,
            **regularizer_config(self.kernel_regularizer),
        }

    def multiply_adds(self) -> int:
        return self.params["kernel"].size if self.params else 0
