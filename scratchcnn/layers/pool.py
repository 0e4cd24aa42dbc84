"""Pooling layers: they make images smaller, and the network less particular about where exactly a pattern is.

Letters: N batch, H W height and width, C channels, OH OW height and width of the output, PH PW pool size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..types import Pair, Shape
from .arguments import check_padding, image_shape, positive_pair
from .base import Layer
from .settings import Fixed
from .windows import sliding_window


def _at_most_a_byte(what: str, pool_size: Any) -> Pair:
    size = positive_pair(what, pool_size)
    if size[0] * size[1] > 255:
        raise ValueError(f"{what} may cover at most 255 pixels, got {size}")
    return size


class MaxPool2D(Layer):
    """Keep the largest value of each window, channel by channel.

        y[n, oy, ox, c] = max over ky, kx of  x[n, oy S + ky, ox S + kx, c]

    Backward: y is equal to one of the window's pixels, the first maximum, and moves with that one alone. So each dy
    goes to its window's maximum, the other pixels get 0; a pixel that won several overlapping windows gets the sum.

    Parameters
    ----------
    pool_size : int or (int, int)
        Height and width of the window; at most 255 pixels, since the place of the maximum is kept in one byte.
    strides : int, (int, int) or None
        Step of the sliding window; None, the default, is the pool size: windows side by side.
    padding : "valid" or "same"
        "valid": windows stay inside, OH = (H - PH) // S + 1, and pixels that remain at the end are dropped. "same":
        OH = ceil(H / S), and what lies outside the image never is a maximum.

    Input shape: (N, H, W, C). Output shape: (N, OH, OW, C).
    Raises ValueError where the input is not an image, or smaller than the window with "valid" padding.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> sc.Sequential([sc.MaxPool2D(2)], input_shape=(28, 28, 32)).output_shape
    (14, 14, 32)
    """

    pool_size = Fixed(_at_most_a_byte)
    strides = Fixed(positive_pair)
    padding = Fixed(check_padding)

    window: ops.Window  # how it slides over the image; set by build
    _index: np.ndarray  # where in its window each maximum was found: kept by forward for backward

    def __init__(
        self,
        pool_size: int | tuple[int, int] = 2,
        strides: int | tuple[int, int] | None = None,
        padding: str = "valid",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.pool_size = pool_size
        self.strides = self.pool_size if strides is None else strides
        self.padding = padding

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*self._window_over(input_shape).output, input_shape[-1])

    def _window_over(self, input_shape: Shape) -> ops.Window:
        height, width, _ = image_shape("MaxPool2D", input_shape)
        return sliding_window("MaxPool2D", (height, width), self.pool_size, self.strides, self.padding)

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        self.window = self._window_over(input_shape)
        return self.set_shapes(input_shape, self.compute_output_shape(input_shape))

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self.as_input(x)  # (N, H, W, C)
        y = self.output_buffer()  # (N, OH, OW, C)
        self._index = self.buffer("index", y.shape, np.uint8)  # (N, OH, OW, C)
        ops.max_pool_forward(x, self.window, out=(y, self._index))
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = self.as_gradient(dy)  # (N, OH, OW, C)
        dx = self.input_gradient_buffer()  # (N, H, W, C)
        ops.max_pool_backward(dy, self._index, self.window, out=dx)
        return dx

    def config(self) -> dict[str, Any]:
        return {"pool_size": self.pool_size, "strides": self.strides, "padding": self.padding}


class AveragePool2D(Layer):
    """Replace each window by its average, channel by channel.

        y[n, oy, ox, c] = 1/(PH PW) sum over ky, kx of  x[n, oy S + ky, ox S + kx, c]

    Backward: every pixel moved y by 1/(PH PW) of its own change, so every pixel gets dy / (PH PW) from each window that
    it is in. Where a window sticks out of the image ("same"), only the pixels inside are averaged, as in
    TensorFlow: the divisor is their number, not PH PW.

    Parameters
    ----------
    pool_size : int or (int, int)
        Height and width of the window.
    strides : int, (int, int) or None
        Step of the sliding window; None, the default, is the pool size.
    padding : "valid" or "same"
        As in MaxPool2D.

    Input shape: (N, H, W, C). Output shape: (N, OH, OW, C).
    Raises ValueError where the input is not an image, or smaller than the window with "valid" padding.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> sc.Sequential([sc.AveragePool2D(3, strides=2, padding="same")], input_shape=(27, 27, 32)).output_shape
    (14, 14, 32)
    """

    pool_size = Fixed(positive_pair)
    strides = Fixed(positive_pair)
    padding = Fixed(check_padding)

    window: ops.Window  # how it slides over the image; set by build

    def __init__(
        self,
        pool_size: int | tuple[int, int] = 2,
        strides: int | tuple[int, int] | None = None,
        padding: str = "valid",
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.pool_size = pool_size
        self.strides = self.pool_size if strides is None else strides
        self.padding = padding

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*self._window_over(input_shape).output, input_shape[-1])

    def _window_over(self, input_shape: Shape) -> ops.Window:
        height, width, _ = image_shape("AveragePool2D", input_shape)
        return sliding_window("AveragePool2D", (height, width), self.pool_size, self.strides, self.padding)

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        self.window = self._window_over(input_shape)
        return self.set_shapes(input_shape, self.compute_output_shape(input_shape))

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self.as_input(x)  # (N, H, W, C)
        y = self.output_buffer()  # (N, OH, OW, C)
        ops.average_pool_forward(x, self.window, out=y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = self.as_gradient(dy)  # (N, OH, OW, C)
        dx = self.input_gradient_buffer()  # (N, H, W, C)
        ops.average_pool_backward(dy, self.window, out=dx)
        return dx

    def config(self) -> dict[str, Any]:
        return {"pool_size": self.pool_size, "strides": self.strides, "padding": self.padding}


class GlobalAveragePool2D(Layer):
    """Replace each channel of an image by its average: y[n, c] = (sum over h, w of x[n, h, w, c]) / (H W).

    Backward: every pixel has the same share, dx[n, h, w, c] = dy[n, c] / (H W).

    Input shape: (N, H, W, C). Output shape: (N, C).
    Raises ValueError where the input is not an image.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> sc.Sequential([sc.GlobalAveragePool2D()], input_shape=(7, 7, 64)).output_shape
    (64,)
    """

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return image_shape("GlobalAveragePool2D", input_shape)[2:]

    def build(self, input_shape: Shape, rng: np.random.Generator) -> Shape:
        height, width, channels = image_shape("GlobalAveragePool2D", input_shape)
        self._image = height, width
        return self.set_shapes(input_shape, (channels,))

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = self.as_input(x)  # (N, H, W, C)
        y = self.output_buffer()  # (N, C)
        ops.global_average_pool_forward(x, out=y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dy = self.as_gradient(dy)  # (N, C)
        dx = self.input_gradient_buffer()  # (N, H, W, C)
        ops.global_average_pool_backward(dy, self._image, out=dx)
        return dx
