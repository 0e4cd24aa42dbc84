"""Convolution on register tiles: any kernel size, stride and padding, any number of channels and filters.

The kernel works on one image at a time, copied into scratch memory with its border of zeros, where no window
leaves the image. The copy costs little, one move for KH*KW*F multiply-adds, and brings the image into the L1 cache.

**Forward** is an outer product for each kernel position k = (ky, kx, c): a column of R pixels that lie side by side,
times the row kernel[k, :], added to a tile of R pixels x V vectors of filters. The tile stays in registers for all k,
so a result is written once. L1 holds the image's lines, L2 the kernel.

**The gradient of the input** is a convolution too: of the output's gradient, dilated by the stride and with a border
of zeros, with the kernel flipped in both directions and its channels and filters exchanged. The same code computes it.

Kernels of 3 x 3 at stride 1 with eight channels and filters or more (for the gradients, 16 filters) take about half as
long with Winograd's algorithm (``convolution/winograd/tiles.py``).
"""

from ....types import Array, Pair
from ...settings import Window
from ..machine.registers import best_tile
from ..machine.tile import copy_run, tile_fma, tile_load, tile_relu, tile_shape, tile_store
from ..runtime.arguments import or_empty, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_for_work, round_up
from ..runtime.compile import native
from ..runtime.launch import run
from ..runtime.scratch import chunk_scratch, scratch_of
from ..shared.padded_columns import padded_bias, padded_columns
from ..shared.padded_image import hold_image, zero
from .shapes import ConvDims


def convolve_direct(
    x: Array, weights: Array, bias: Array | None, window: Window, y: Array, relu: bool = False, dilation: Pair = (1, 1)
) -> None:
    """Convolve x, its pixels ``dilation`` apart, with the kernel ``weights``."""
    (KH, KW, C, F), (_, OH, OW, _) = weights.shape, y.shape
    tile = best_tile(OW, F, y.dtype, most=OW)
    columns, chunks = round_up(F, tile.columns), chunks_for_work(len(x) * OH, y.size * KH * KW * C)
    g = ConvDims.of(x, F, columns, window)._replace(relu=relu, dilation_y=dilation[0], dilation_x=dilation[1])
    packed = padded_columns(weights.reshape(KH * KW * C, F), columns, "kernel", g.N * g.OH)
    images = chunk_scratch("images", chunks, g.height * g.width * C, y.dtype)
    lines = chunk_scratch("lines", chunks, OW * columns, y.dtype)
    address = _convolve_kernel(y.dtype, *tile, g.stride_x * C)
    run(address, chunks, g, x, packed, or_empty(bias, y.dtype), images, lines, y)


@native
def _convolve_kernel(dtype, outer, inner, vectors, lanes, distance):
    def convolution(chunk, chunks, dims, pointers):
        """A chunk of the output's lines; for each vector of filters, tiles of pixels; the kernel positions innermost.

        Registers: the tile. L1: the image's KH lines and, for F up to 64, most of the kernel's panel. L2: the kernel.
        A line whose length is no multiple of the tile's ends with a tile that overlaps the one before. ``distance``, of
        neighbouring pixels of the tile in the image, is a constant of the code: the CPU adds constants to addresses.
        """
        g = read_dims(dims, ConvDims)
        x, weights, bias, images, lines, y = read_arrays(pointers, 6, dtype)
        bias = padded_bias(bias, g.columns)
        tile = tile_shape(outer, inner, vectors, lanes)
        image = scratch_of(images, chunk, chunks)
        lines = scratch_of(lines, chunk, chunks)
        unpadded = g.F == g.columns  # results go where they belong, without a scratch line
        zero(image)
        copied = -1
        for row in chunk_range(g.N * g.OH, chunk, chunks):
            n, oy = row // g.OH, row % g.OH
            copied = hold_image(x, n, copied, g, image)
            above = g.top - oy * g.stride_y  # lines of zeros: nothing to multiply there, nor below the image
            inside = max(0, above), min(g.KH, above + (g.H - 1) * g.dilation_y + 1)
            for f in range(0, g.columns, vectors * lanes):
                for pixel in range(0, g.OW, inner):
                    first = min(pixel, g.OW - inner)
                    acc = tile_load(tile, bias, f, 0, 0)
                    for ky in range(inside[0], inside[1]):
                        a = ((oy * g.stride_y + ky) * g.width + first * g.stride_x) * g.C
                        b = ky * g.KW * g.C * g.columns + f
                        for k in range(g.KW * g.C):
                            acc = tile_fma(tile, acc, image, a + k, 0, distance, weights, b + k * g.columns)
                    if g.relu:
                        acc = tile_relu(tile, acc)
                    if unpadded:
                        tile_store(tile, acc, y, (row * g.OW + first) * g.F + f, 0, g.F)
                    else:
                        tile_store(tile, acc, lines, first * g.columns + f, 0, g.columns)
            if not unpadded:
                for pixel in range(g.OW):
                    copy_run(lines, pixel * g.columns, y, (row * g.OW + pixel) * g.F, g.F)

    return convolution
