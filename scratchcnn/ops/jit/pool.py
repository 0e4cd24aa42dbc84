"""Pooling by itself: one output line at a time, a window's pixels outermost and the channels innermost.

The channels of a pixel lie side by side, so the innermost loops become SIMD instructions. Nothing is held in registers
for long; a line of windows fits the L1 cache. (After a convolution, pooling can be part of the convolution's kernel.)
"""

from typing import NamedTuple

import numpy as np

from ...types import OFF, Array, Pair
from ..settings import Window
from .runtime.arguments import EMPTY, read_array, read_arrays, read_dims
from .runtime.chunks import chunk_range, chunks_for_rows
from .runtime.compile import device, native
from .runtime.launch import exclusive, run
from .shared.padded_image import zero

NO_INDEX = EMPTY[np.dtype(np.uint8)]  # of an average


class Pooling(NamedTuple):
    """The integers of a pool: the letters of ``ops/reference``."""

    N: int
    H: int
    W: int
    C: int
    OH: int
    OW: int
    PH: int
    PW: int
    stride_y: int
    stride_x: int
    top: int
    left: int

    @classmethod
    def of(cls, x: Array, window: Window) -> "Pooling":
        """Return the integers of a pool of images like x."""
        N, H, W, C = x.shape
        return cls(N, H, W, C, *window.output, *window.size, *window.strides, *window.padding)


@exclusive
def max_pool_forward(x: Array, window: Window, *, out: tuple[Array, Array]) -> None:
    """Compute the maximum of each window, and at which position of the window it is found first."""
    max_pool(x, window, out, relu=False)


def max_pool(x: Array, window: Window, out: tuple[Array, Array], relu: bool) -> None:
    """Compute ``max_pool_forward`` or, with ``relu``, the ReLU of it, with 255 for the positions of what that stops."""
    g = Pooling.of(x, window)
    run(_forward(x.dtype, True, relu), chunks_for_rows(g.N * g.OH), g, x, *out)


@exclusive
def max_pool_backward(dy: Array, index: Array, window: Window, *, out: Array) -> None:
    """Hand each output's gradient to the pixel that was its window's maximum."""
    g = Pooling.of(out, window)
    run(_max_pool_backward(dy.dtype), chunks_for_rows(g.N), g, dy, out, index)


@exclusive
def average_pool_forward(x: Array, window: Window, *, out: Array) -> None:
    """Compute the average of each window's pixels that lie in the image."""
    g = Pooling.of(x, window)
    run(_forward(x.dtype, False, False), chunks_for_rows(g.N * g.OH), g, x, out, NO_INDEX)


@exclusive
def average_pool_backward(dy: Array, window: Window, *, out: Array) -> None:
    """Share each output's gradient equally among the pixels of its window."""
    g = Pooling.of(out, window)
    run(_average_pool_backward(dy.dtype), chunks_for_rows(g.N), g, dy, out)


@exclusive
def global_average_pool_forward(x: Array, *, out: Array) -> None:
    """Compute the average over all pixels of an image: a pool with one window."""
    average_pool_forward(x, _whole(x.shape), out=out.reshape(len(x), 1, 1, -1))


@exclusive
def global_average_pool_backward(dy: Array, image: Pair, *, out: Array) -> None:
    """Share each output's gradient equally among all pixels of its image."""
    average_pool_backward(dy.reshape(len(dy), 1, 1, -1), _whole(out.shape), out=out)


def _whole(shape: tuple[int, ...]) -> Window:
    _, H, W, _ = shape
    return Window(size=(H, W), strides=(1, 1), padding=(0, 0), image=(H, W), output=(1, 1))


@device
def window_inside(g, oy, ox):
    """Return the window of output (oy, ox) as far as it lies in the image: first and end line, first and end pixel."""
    y, x = oy * g.stride_y - g.top, ox * g.stride_x - g.left
    return max(0, y), min(g.H, y + g.PH), max(0, x), min(g.W, x + g.PW)


@native
def _forward(dtype, is_max, relu):
    def pool_forward(chunk, chunks, dims, pointers):
        """The maximum of each window and its number, perhaps as ReLU lets it pass, or the average.

        Which of these, ``is_max`` and ``relu``, are constants of the code.
        """
        g = read_dims(dims, Pooling)
        x, y = read_arrays(pointers, 2, dtype)
        index = read_array(pointers, 2, np.uint8)
        for row in chunk_range(g.N * g.OH, chunk, chunks):
            n, oy = row // g.OH, row % g.OH
            for ox in range(g.OW):
                place = (row * g.OW + ox) * g.C
                result, first = y[place : place + g.C], index[place : place + g.C]
                for c in range(g.C):
                    if is_max:
                        result[c], first[c] = -np.inf, 255  # not yet: even minus infinity wins the first comparison
                    else:
                        result[c] = 0
                y0, y1, x0, x1 = window_inside(g, oy, ox)
                for py in range(y0, y1):
                    for px in range(x0, x1):
                        number = np.uint8((py - oy * g.stride_y + g.top) * g.PW + px - ox * g.stride_x + g.left)
                        place = ((n * g.H + py) * g.W + px) * g.C
                        pixel = x[place : place + g.C]
                        for c in range(g.C):
                            value, best = pixel[c], result[c]
                            if is_max:
                                wins = (value > best) | (first[c] == 255) | ((value != value) & (best == best))
                                result[c] = value if wins else best
                                first[c] = number if wins else first[c]
                            else:
                                result[c] += value
                for c in range(g.C):
                    if not is_max:
                        result[c] /= (y1 - y0) * (x1 - x0)
                    elif relu and result[c] <= 0:
                        result[c], first[c] = 0, OFF

    return pool_forward


@native
def _max_pool_backward(dtype):
    def max_pool_backward(chunk, chunks, dims, pointers):
        g = read_dims(dims, Pooling)
        dy, dx = read_arrays(pointers, 2, dtype)
        index = read_array(pointers, 2, np.uint8)
        size = g.H * g.W * g.C
        for n in chunk_range(g.N, chunk, chunks):
            image = dx[n * size : (n + 1) * size]
            zero(image)
            for oy in range(g.OH):
                for ox in range(g.OW):
                    place = ((n * g.OH + oy) * g.OW + ox) * g.C
                    corner = (oy * g.stride_y - g.top) * g.W + ox * g.stride_x - g.left
                    for c in range(g.C):
                        position = np.int64(index[place + c])
                        pixel = corner + position // g.PW * g.W + position % g.PW
                        if 0 <= pixel < g.H * g.W:  # an index that no forward pass has written may say anything
                            image[pixel * g.C + c] += dy[place + c]

    return max_pool_backward


@native
def _average_pool_backward(dtype):
    def average_pool_backward(chunk, chunks, dims, pointers):
        g = read_dims(dims, Pooling)
        dy, dx = read_arrays(pointers, 2, dtype)
        size = g.H * g.W * g.C
        for n in chunk_range(g.N, chunk, chunks):
            image = dx[n * size : (n + 1) * size]
            zero(image)
            for oy in range(g.OH):
                for ox in range(g.OW):
                    place = ((n * g.OH + oy) * g.OW + ox) * g.C
                    gradient = dy[place : place + g.C]
                    y0, y1, x0, x1 = window_inside(g, oy, ox)
                    pixels = (y1 - y0) * (x1 - x0)
                    for py in range(y0, y1):
                        for px in range(x0, x1):
                            place = (py * g.W + px) * g.C
                            pixel = image[place : place + g.C]
                            for c in range(g.C):
                                pixel[c] += gradient[c] / pixels

    return average_pool_backward
