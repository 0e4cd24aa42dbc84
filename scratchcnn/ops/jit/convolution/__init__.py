"""Convolution, compiled: the six operations, and for each the algorithm that is quickest for its shapes.

``choice.py`` has the table that says which algorithm is chosen when; each algorithm has a file of its own. Read
``direct.py`` first, ``winograd/backward.py`` last.

Letters: N batch, C channels, F filters, KH KW kernel, OH OW output.
"""

import numpy as np

from ....types import Array
from ...exact import convolutions_are_exact
from ...settings import Gradients, Window
from ..activations import relu_backward
from ..pool import max_pool
from ..runtime.launch import exclusive
from ..runtime.scratch import scratch
from ..shared.transpose import transpose
from . import choice
from .choice import Convolution
from .direct import convolve_direct
from .few_filters import convolve_few_filters
from .input_gradient_by_line import input_gradient_by_line
from .input_gradient_by_window import input_gradient_by_window
from .kernel_gradient import kernel_gradient_dense, kernel_gradient_masked
from .plain import convolve_plain, gradients_plain
from .pooled import convolve_pooled
from .sparse_kernel_gradient import kernel_gradient_sparse
from .winograd.backward import gradients_winograd
from .winograd.forward import convolve_winograd


@exclusive
def conv_forward(x: Array, kernel: Array, bias: Array | None, window: Window, *, out: Array) -> None:
    """Compute the sum over ky, kx, c of x[n, oy*sh + ky - top, ox*sw + kx - left, c] kernel[ky, kx, c, f] + bias[f]."""
    if choice.needs_plain_loops(window, x.shape[3], kernel.shape[2]):
        convolve_plain(x, kernel, bias, window, out)
    else:
        _convolve(x, kernel, bias, window, out)


@exclusive
def conv_relu_forward(x: Array, kernel: Array, bias: Array | None, window: Window, *, out: Array) -> None:
    """Compute y = ReLU(convolution(x) + bias)."""
    _convolve(x, kernel, bias, window, out, relu=True)


@exclusive
def conv_relu_pool_forward(
    x: Array, kernel: Array, bias: Array | None, window: Window, pool: Window, *, out: tuple[Array, Array]
) -> None:
    """Compute y = ReLU(max-pool(convolution + bias)), and in ``index`` each maximum's position, or 255 where y is 0."""
    y, index = out
    if pool.size != (2, 2) or pool.strides != (2, 2):
        unpooled = scratch("unpooled", (len(x), *pool.seen, y.shape[3]), y.dtype)
        _convolve(x, kernel, bias, window._replace(output=pool.seen), unpooled)
        max_pool(unpooled, pool._replace(image=pool.seen), out, relu=True)
        return
    chosen = choice.choose_forward(Convolution.of(kernel.shape, window, y.dtype, pool, convolutions_are_exact()))
    if chosen.algorithm == choice.FEW_FILTERS:
        convolve_few_filters(x, kernel, bias, window, pool, y, index)
    elif chosen.algorithm == choice.WINOGRAD:
        convolve_winograd(x, kernel, bias, window.padding, y, chosen.output_tile, index=index)
    else:
        convolve_pooled(x, kernel, bias, window, pool, y, index)


@exclusive
def conv_backward(x: Array, kernel: Array, dy: Array, window: Window, *, out: Gradients) -> None:
    """Compute the gradients of the input (unless dx is None), the kernel, and the bias (unless dbias is None)."""
    if choice.needs_plain_loops(window, x.shape[3], kernel.shape[2]):
        gradients_plain(x, kernel, dy, window, out)
    else:
        _gradients(x, kernel, None, dy, window, out)


@exclusive
def conv_relu_backward(x: Array, kernel: Array, y: Array, dy: Array, window: Window, *, out: Gradients) -> None:
    """Compute the gradients of ``conv_relu_forward`` from its output y."""
    _gradients(x, kernel, y, dy, window, out)


@exclusive
def conv_relu_pool_backward(
    x: Array, kernel: Array, dy: Array, index: Array, window: Window, pool: Window, *, out: Gradients
) -> None:
    """Compute the gradients of the convolution's input, kernel and bias from that of the pooled output."""
    dx, dkernel, dbias = out
    convolution = Convolution.of(kernel.shape, window, x.dtype, pool)
    if choice.choose_kernel_gradient(convolution).algorithm == choice.MASKED:
        kernel_gradient_masked(x, dy, index, window, pool, dkernel, dbias)
    else:
        kernel_gradient_sparse(x, dy, index, window, pool, dkernel, dbias)
    if dx is None:
        return
    if choice.choose_input_gradient(convolution).algorithm == choice.BY_WINDOW:
        input_gradient_by_window(kernel, dy, index, window, pool, dx)
    else:
        input_gradient_by_line(kernel, dy, index, window, pool, dx)


def _convolve(x: Array, weights: Array, bias: Array | None, window: Window, y: Array, relu: bool = False) -> None:
    chosen = choice.choose_forward(Convolution.of(weights.shape, window, y.dtype, exact=convolutions_are_exact()))
    if chosen.algorithm == choice.WINOGRAD:
        convolve_winograd(x, weights, bias, window.padding, y, chosen.output_tile, relu)
    else:
        convolve_direct(x, weights, bias, window, y, relu)


def _gradients(x: Array, kernel: Array, y: Array | None, dy: Array, window: Window, out: Gradients) -> None:
    """Compute the gradients; with y, of a ReLU's output, dy counts only where y > 0."""
    dx, dkernel, dbias = out
    chosen = choice.choose_input_gradient(Convolution.of(kernel.shape, window, x.dtype, exact=convolutions_are_exact()))
    if chosen.algorithm == choice.WINOGRAD:  # the same for both, which share their transforms
        gradients_winograd(x, kernel, dy, y, window.padding, chosen.output_tile, out)
        return
    if dx is not None:
        masked = dy
        if y is not None:
            masked = scratch("passed by ReLU", dy.shape, dy.dtype)
            relu_backward(y, dy, out=masked)
        _input_gradient(kernel, masked, window, dx)
    kernel_gradient_dense(x, dy, y, window, dkernel, dbias)


def _input_gradient(kernel: Array, dy: Array, window: Window, dx: Array) -> None:
    """Convolve dy, dilated by the strides, with the flipped kernel, its channels and filters exchanged."""
    KH, KW, C, F = kernel.shape
    flipped = scratch("flipped kernel", (KH, KW, F, C), kernel.dtype)
    positions = KH * KW
    transpose(kernel.reshape(positions, C, F), flipped, -F * C, column_stride=C, start=(positions - 1) * F * C)
    border = KH - 1 - window.padding[0], KW - 1 - window.padding[1]
    back = Window(window.size, strides=(1, 1), padding=border, image=window.output, output=window.image)
    if window.strides == (1, 1):
        _convolve(dy, flipped, None, back, dx)
    else:
        convolve_direct(dy, flipped, None, back, dx, dilation=window.strides)
