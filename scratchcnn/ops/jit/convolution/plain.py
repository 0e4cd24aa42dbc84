"""Convolution in plain loops: for groups of channels, dilated kernels, and padding that is wider than the kernel.

The other algorithms take every filter to see every channel, and a kernel's pixels to be neighbours. Here each output
pixel visits the pixels of its window one by one. What runs in the vector registers is the innermost loop, over the
filters of a group, or over all channels where each has a filter of its own (a depthwise convolution).

Letters: N batch, H W image, C channels, F filters, KH KW kernel, OH OW output.
"""

from ....types import Array
from ...settings import Gradients, Window
from ..runtime.arguments import or_empty, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_for_work, chunks_of_reduction, part_of
from ..runtime.compile import device, native
from ..runtime.launch import run
from ..runtime.scratch import scratch
from ..shared.padded_image import zero
from ..shared.reduce import add_kernel_chunks
from ..shared.transpose import transpose
from .shapes import ConvDims


def _dims_of(x: Array, kernel: Array, window: Window) -> tuple[ConvDims, bool, int]:
    """Return the integers, whether each channel has a filter of its own, and the multiplications of all images."""
    KH, KW, channels, F = kernel.shape
    g = ConvDims.of(x, F, F, window)._replace(
        groups=x.shape[3] // channels, dilation_y=window.dilation[0], dilation_x=window.dilation[1]
    )
    return g, g.C == g.F == g.groups, g.N * g.OH * g.OW * KH * KW * F * channels


def convolve_plain(x: Array, kernel: Array, bias: Array | None, window: Window, y: Array) -> None:
    """Compute the outputs."""
    g, depthwise, multiplications = _dims_of(x, kernel, window)
    chunks = chunks_for_work(g.N * g.OH, multiplications)
    run(_forward(x.dtype, depthwise), chunks, g, x, kernel, or_empty(bias, x.dtype), y)


def gradients_plain(x: Array, kernel: Array, dy: Array, window: Window, out: Gradients) -> None:
    """Compute the gradients of the input (unless dx is None), the kernel, and the bias (unless dbias is None)."""
    dx, dkernel, dbias = out
    g, depthwise, multiplications = _dims_of(x, kernel, window)
    KH, KW, channels, F = kernel.shape
    if dx is not None:
        by_filter = scratch("kernel by filter", (KH, KW, F, channels), kernel.dtype)
        transpose(kernel.reshape(KH * KW, channels, F), by_filter, F * channels, column_stride=channels)
        run(_input_gradient(x.dtype, depthwise), chunks_for_work(g.N, multiplications), g, by_filter, dy, dx)
    size = (KH * KW * channels + 1) * F  # the kernel's gradient, then the bias's
    chunks = chunks_of_reduction(g.N, size * x.itemsize)
    sums = scratch("kernel gradients", (chunks, size), x.dtype)
    run(_kernel_gradient(x.dtype, depthwise), chunks, g, x, dy, sums)
    add_kernel_chunks(sums, KW * channels, F, dkernel, dbias)


@device
def pixel_of(g, n, oy, ox, ky, kx):
    """Return the number of the pixel that a position of a window is on; -1 where that is outside of the image."""
    iy = oy * g.stride_y + ky * g.dilation_y - g.top
    ix = ox * g.stride_x + kx * g.dilation_x - g.left
    inside = (iy >= 0) & (iy < g.H) & (ix >= 0) & (ix < g.W)
    return (n * g.H + iy) * g.W + ix if inside else -1


@device
def add_product(a, b, start, result):
    """Add the products of two stretches to a third; of the second, that which begins at ``start``."""
    b = b[start : start + result.size]
    for i in range(result.size):
        result[i] += a[i] * b[i]


@device
def add_multiple(a, b, start, result):
    """Add a number times the stretch of b that begins at ``start``."""
    b = b[start : start + result.size]
    for i in range(result.size):
        result[i] += a * b[i]


@native
def _forward(dtype, depthwise):
    def plain_convolution(chunk, chunks, dims, pointers):
        """A chunk of the lines of all outputs. L1: the filters of one position of the window, and an output pixel."""
        g = read_dims(dims, ConvDims)
        x, kernel, bias, y = read_arrays(pointers, 4, dtype)
        channels, filters = g.C // g.groups, g.F // g.groups
        for line in chunk_range(g.N * g.OH, chunk, chunks):
            n, oy = line // g.OH, line % g.OH
            for ox in range(g.OW):
                start = (line * g.OW + ox) * g.F
                output = y[start : start + g.F]
                for f in range(g.F):
                    output[f] = bias[f] if bias.size > 0 else 0
                for position in range(g.KH * g.KW):
                    pixel = pixel_of(g, n, oy, ox, position // g.KW, position % g.KW)
                    if pixel < 0:
                        continue
                    if depthwise:
                        add_product(x[pixel * g.C : (pixel + 1) * g.C], kernel, position * g.F, output)
                        continue
                    for c in range(g.C):
                        group, weights = c // channels, (position * channels + c % channels) * g.F
                        first = group * filters
                        add_multiple(x[pixel * g.C + c], kernel, weights + first, output[first : first + filters])

    return plain_convolution


@native
def _input_gradient(dtype, depthwise):
    def plain_input_gradient(chunk, chunks, dims, pointers):
        """A chunk of the images: each output pixel hands its gradient to the pixels of its window."""
        g = read_dims(dims, ConvDims)
        by_filter, dy, dx = read_arrays(pointers, 3, dtype)
        channels, filters, image = g.C // g.groups, g.F // g.groups, g.H * g.W * g.C
        for n in chunk_range(g.N, chunk, chunks):
            zero(dx[n * image : (n + 1) * image])
            for oy in range(g.OH):
                for ox in range(g.OW):
                    start = ((n * g.OH + oy) * g.OW + ox) * g.F
                    gradient = dy[start : start + g.F]
                    for position in range(g.KH * g.KW):
                        pixel = pixel_of(g, n, oy, ox, position // g.KW, position % g.KW)
                        if pixel < 0:
                            continue
                        result = dx[pixel * g.C : (pixel + 1) * g.C]
                        if depthwise:
                            add_product(gradient, by_filter, position * g.F, result)
                            continue
                        for f in range(g.F):
                            first, weights = f // filters * channels, (position * g.F + f) * channels
                            add_multiple(gradient[f], by_filter, weights, result[first : first + channels])

    return plain_input_gradient


@native
def _kernel_gradient(dtype, depthwise):
    def plain_kernel_gradient(chunk, chunks, dims, pointers):
        """A chunk of the batch, with sums of its own: pixels times gradients, and the gradients for the bias."""
        g = read_dims(dims, ConvDims)
        x, dy, sums = read_arrays(pointers, 3, dtype)
        channels, filters = g.C // g.groups, g.F // g.groups
        total = part_of(sums, chunk, chunks)
        zero(total)
        bias = total[total.size - g.F :]
        for n in chunk_range(g.N, chunk, chunks):
            for oy in range(g.OH):
                for ox in range(g.OW):
                    start = ((n * g.OH + oy) * g.OW + ox) * g.F
                    gradient = dy[start : start + g.F]
                    add_multiple(gradient.dtype.type(1), gradient, 0, bias)
                    for position in range(g.KH * g.KW):
                        pixel = pixel_of(g, n, oy, ox, position // g.KW, position % g.KW)
                        if pixel < 0:
                            continue
                        if depthwise:
                            result = total[position * g.F : (position + 1) * g.F]
                            add_product(x[pixel * g.C : (pixel + 1) * g.C], gradient, 0, result)
                            continue
                        for c in range(g.C):
                            first, weights = c // channels * filters, (position * channels + c % channels) * g.F
                            result = total[weights + first : weights + first + filters]
                            add_multiple(x[pixel * g.C + c], gradient, first, result)

    return plain_kernel_gradient
