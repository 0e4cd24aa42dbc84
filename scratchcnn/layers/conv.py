"""The convolutional layer. Letters: N batch, H W height and width, C input channels, F filters, KH KW kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..checks.settings import Setting, yes_or_no
from ..regularizers import L2, as_regularizer, regularizer_config
from ..types import Shape
from .arguments import check_padding, image_shape, positive_int, positive_pair
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
    padding : "valid" or "same"
        "valid": filters stay inside the image, OH = (H - KH) // S + 1. "same": zeros around it, OH = ceil(H / S); an
        odd zero goes to the end.
    use_bias : bool
    kernel_initializer : str
        A name from ``initializers.py``; the bias starts at zero.
    kernel_regularizer : L2, optional
        A penalty on the kernel that is part of the loss, such as ``sc.regularizers.L2(1e-4)``; "l2" is ``L2(0.01)``.

    Input shape: (N, H, W, C). Output shape: (N, OH, OW, F). Parameters: kernel (KH, KW, C, F), bias (F,).
    Raises ValueError where the input is not an image, or smaller than the filter with "valid" padding.

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
    padding = Fixed(check_padding)
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
        padding: str = "valid",
        use_bias: bool = True,
        kernel_initializer: str = "glorot_uniform",
        kernel_regularizer: L2 | str | None = None,
    ) -> None:
        super().__init__()
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.kernel_regularizer = kernel_regularizer

    def weight_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        _, _, channels = image_shape("Conv2D", input_shape)
        kernel, bias = (*self.kernel_size, channels, self.filters), (self.filters,)
        return {"kernel": kernel, "bias": bias} if self.use_bias else {"kernel": kernel}

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        height, width, channels = image_shape("Conv2D", input_shape)
        self.window = sliding_window("Conv2D", (height, width), self.kernel_size, self.strides, self.padding)
        shapes = self.weight_shapes(input_shape)
        positions = self.kernel_size[0] * self.kernel_size[1]
        initialize = INITIALIZERS[self.kernel_initializer]
        kernel = initialize(shapes["kernel"], positions * channels, positions * self.filters, rng, self.dtype)
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
            "use_bias": self.use_bias,
            "kernel_initializer": self.kernel_initializer,
            **regularizer_config(self.kernel_regularizer),
        }

    def multiply_adds(self) -> int:
        if self.output_shape is None:
            return 0
        height, width, _ = self.output_shape
        return height * width * self.params["kernel"].size
