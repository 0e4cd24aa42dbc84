"""The convolutional layer. Letters: N batch, H W height and width, C input channels, F filters, KH KW kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..checks.settings import Setting, yes_or_no
from ..regularizers import L2, as_regularizer, regularizer_config
from ..types import Shape
from .activation_argument import as_activation
from .arguments import check_explicit_padding, image_shape, positive_int, positive_pair
from .base import Layer
from .initializers import INITIALIZERS, check_initializer
from .settings import Fixed
from .windows import sliding_window


class Conv2D(Layer):
    """Look for F small patterns at every place of an image.

    Each filter is a little image of KH x KW pixels and C channels. It slides over the input in steps of S; wherever it
    positions, pixels and filter are multiplied and summed. For a pixel xp of the input, zeros around it included:

        y[n, oy, ox, f] = bias[f] + sum over ky, kx, c of  xp[n, oy S + ky, ox S + kx, c] kernel[ky, kx, c, f]

    Backward, with dy = dL/dy of shape (N, OH, OW, F). A weight helped to make every output pixel of its filter, a pixel
    every output whose window covered it; the chain rule sums over those:

        dkernel[ky, kx, c, f] = sum over n, oy, ox of  xp[n, oy S + ky, ox S + kx, c] dy[n, oy, ox, f]
        dbias[f]              = sum over n, oy, ox of  dy[n, oy, ox, f]
        dxp[n, iy, ix, c]     = sum over f, and over all (oy, ky), (ox, kx) with oy S + ky = iy and ox S + kx = ix,
                                of  dy[n, oy, ox, f] kernel[ky, kx, c, f]

    Parameters
    ----------
    filters : int
        Number of filters F, the channels of the output.
    kernel_size : int or (int, int)
        Height and width of the filters.
    strides : int or (int, int)
        Step of the sliding filter, down and to the right.
    padding : "valid", "same", int, (int, int) or ((int, int), (int, int))
        "valid": filters stay inside the image, OH = (H - KH) // S + 1. "same": zeros around it, OH = ceil(H / S); an
        odd zero goes to the end. Or the number of zeros on every side, as in PyTorch; above and below, left and right;
        or ((top, bottom), (left, right)).
    dilation_rate : int or (int, int)
        Pixels from one pixel of a filter to the next: with 2, a filter of 3 x 3 sees every other pixel of 5 x 5 (Yu and
        Koltun 2016, "Multi-scale context aggregation by dilated convolutions").
    groups : int
        The channels are split into this many groups, and so are the filters: each filter sees the channels of its group
        alone. With as many groups as channels this is a depthwise convolution.
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

    Input shape: (N, H, W, C). Output shape: (N, OH, OW, F). Parameters: kernel (KH, KW, C / groups, F), bias
    (F,). Raises ValueError where the input is not an image, smaller than the filter, or its channels do not make the
    groups. Convolutions with groups, a dilation, or more padding than the filter is wide are computed in plain loops,
    and are not fused with what follows them.

    Filters of 3 x 3 pixels at stride 1, with 8 channels and filters or more, take a shorter way (Winograd's), in which
    neighbouring outputs share their rounding: next to a pixel that is 10,000 times larger than the others, outputs that
    do not touch it lose digits. ``scratchcnn.ops.exact_convolutions()`` gives the bound, and keeps from it.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> sc.Sequential([sc.Conv2D(32, 3)], input_shape=(28, 28, 1)).output_shape
    (26, 26, 32)
    """

    filters = Fixed(positive_int)
    kernel_size = Fixed(positive_pair)
    strides = Fixed(positive_pair)
    padding = Fixed(check_explicit_padding)
    dilation_rate = Fixed(positive_pair)
    groups = Fixed(positive_int)
    use_bias = Fixed(yes_or_no)
    kernel_initializer = Fixed(check_initializer)

    window: ops.Window  # how the kernel slides over the image; set by build
    _x: np.ndarray  # the input: kept by forward for backward
    kernel_regularizer = Setting(as_regularizer)

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str | int | tuple[Any, Any] = "valid",
        *,
        dilation_rate: int | tuple[int, int] = 1,
        groups: int = 1,
        activation: Layer | str | None = None,
        use_bias: bool = True,
        kernel_initializer: str = "glorot_uniform",
        kernel_regularizer: L2 | str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.dilation_rate = dilation_rate
        self.groups = groups
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.kernel_regularizer = kernel_regularizer
        self.activation = as_activation(f"sc.Conv2D({self.filters}, {self.kernel_size}", activation)

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        _, _, channels = image_shape("Conv2D", input_shape)
        if channels % self.groups or self.filters % self.groups:
            raise ValueError(
                f"Conv2D: {channels} channels and {self.filters} filters cannot both be split into {self.groups} "
                "groups of the same size; with groups=channels, filters must be a multiple of the channels"
            )
        kernel, bias = (*self.kernel_size, channels // self.groups, self.filters), (self.filters,)
        return {"kernel": kernel, "bias": bias} if self.use_bias else {"kernel": kernel}

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*self._window_over(input_shape).output, self.filters)

    def _window_over(self, input_shape: Shape) -> ops.Window:
        height, width, _ = image_shape("Conv2D", input_shape)
        how = self.kernel_size, self.strides, self.padding, self.dilation_rate
        return sliding_window("Conv2D", (height, width), *how)

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        self.window = self._window_over(input_shape)
        shapes = self.weight_shapes(input_shape)
        KH, KW, channels, F = shapes["kernel"]
        initialize = INITIALIZERS[self.kernel_initializer]
        kernel = initialize(shapes["kernel"], KH * KW * channels, KH * KW * F, rng, self.dtype)
        self.add_parameter("kernel", kernel)
        if self.use_bias:
            self.add_parameter("bias", np.zeros(shapes["bias"]))
        return self.set_shapes(input_shape, (*self.window.output, self.filters))

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self._x = x = self.as_input(x)  # (N, H, W, C)
        y = self.output_buffer()  # (N, OH, OW, F)
        ops.conv_forward(x, self.params["kernel"], self.params.get("bias"), self.window, out=y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        dy = self.as_gradient(dy)  # (N, OH, OW, F)
        dx = self.input_gradient_buffer() if self.needs_input_gradient else None  # (N, H, W, C)
        gradients = dx, self.grads["kernel"], self.grads.get("bias")
        ops.conv_backward(self._x, self.params["kernel"], dy, self.window, out=gradients)
        return dx

    def config(self) -> dict[str, Any]:
        return {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            **self._unusual(),
            "use_bias": self.use_bias,
            "kernel_initializer": self.kernel_initializer,
            **regularizer_config(self.kernel_regularizer),
        }

    def _unusual(self) -> dict[str, Any]:
        """Return dilation and groups where there are any: what files and a repr of earlier versions do not have."""
        dilation = {} if self.dilation_rate == (1, 1) else {"dilation_rate": self.dilation_rate}
        return dilation | ({} if self.groups == 1 else {"groups": self.groups})

    @property
    def is_fusible(self) -> bool:
        """Whether it may run as one with the layers after it."""
        inside = self.window.padding[0] < self.kernel_size[0] and self.window.padding[1] < self.kernel_size[1]
        return inside and not self._unusual()

    def multiply_adds(self) -> int:
        if self.output_shape is None:
            return 0
        height, width, _ = self.output_shape
        return height * width * self.params["kernel"].size
