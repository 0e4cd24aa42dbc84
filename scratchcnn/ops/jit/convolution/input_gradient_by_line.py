"""The gradient of the input, after a convolution, a ReLU and a max-pool: window by window of the pool.

A pooling window stands on PH x PW outputs, and those see a patch of inputs. Of each filter, at most one of these
outputs has a gradient g that is not zero, and adds to a part of the patch:

    dx[part of the patch]  +=  g * kernel[:, :, :, f]         the part begins where the output's own window does

The window's gradients are listed first, then the patch is taken a few lines at a time: they stay in registers while the
list is gone through once, and nothing is stored in between. All gradients add to the whole patch: around each filter's
kernel, as it lies in scratch memory, are the zeros that the rest of the patch gets. That is 16 numbers for 9 with 3 x 3
kernels and 36 for 25 with 5 x 5, and there is nothing to decide for each of them. (Adding each gradient to its part of
the image in memory, filter by filter, takes a load and a store for each multiplication, and loads wait for stores that
they overlap: 2.5 to 3.5 times as long for lenet5's second layer on AVX2.)
"""

import numpy as np

from ....types import OFF, Array
from ...settings import Window
from ..machine.registers import lines_tile
from ..machine.tile import at, tile_load, tile_shape, tile_store
from ..machine.tile_rows import tile_axpy
from ..runtime.arguments import read_array, read_arrays, read_dims
from ..runtime.chunks import chunk_range, chunks_for_work, round_up
from ..runtime.compile import device, native
from ..runtime.launch import run
from ..runtime.scratch import chunk_scratch, scratch_of
from ..shared.kernel_by_filter import kernel_by_filter
from ..shared.padded_image import copy_back, zero
from .shapes import ConvDims


def input_gradient_by_line(kernel: Array, dy: Array, index: Array, window: Window, pool: Window, dx: Array) -> None:
    """Compute dx from dy, the gradient of the pooled output."""
    KH, KW, C, F = kernel.shape
    down, across = (pool.size[0] - 1) * window.strides[0], (pool.size[1] - 1) * window.strides[1]
    tile = lines_tile(KH + down, (KW + across) * C, dx.dtype)
    g = ConvDims.of(dx, F, round_up((KW + across) * C, tile.columns), window, pool)
    surrounded = kernel_by_filter(kernel, C, down, across * C, across * C + g.columns)
    chunks = chunks_for_work(g.N, g.N * g.OH * g.OW * F * KH * KW * C // 2)  # about half of the gradients are zero
    dimages = chunk_scratch("image gradients", chunks, g.height * g.width * C + g.columns, dx.dtype)
    run(_patch_kernel(dx.dtype, tile.outer, tile.vectors, tile.lanes), chunks, g, surrounded, dy, dimages, dx, index)


@native
def _patch_kernel(dtype, outer, vectors, lanes):
    zero_of_dtype = dtype.type(0)

    def patch_gradient(chunk, chunks, dims, pointers):
        """A chunk of the images, one window after the other.

        Registers: some lines of the patch. L1: the window's list, and as many of the kernels as fit. L2: the rest, and
        the image's gradient, to which each patch is added.
        """
        g = read_dims(dims, ConvDims)
        weights, dy, image_gradients, dx = read_arrays(pointers, 4, dtype)
        index = read_array(pointers, 4, np.uint8)
        patch = tile_shape(outer, 1, vectors, lanes)
        whole = tile_shape(1, 1, outer, 1)  # a place in it: from its first row on, all rows
        dimage = scratch_of(image_gradients, chunk, chunks)
        down, across = (g.PH - 1) * g.stride_y, (g.PW - 1) * g.stride_x * g.C
        line, size, lines = across + g.columns, weights.size // g.F, g.KH + down
        places, sources, kernels = np.zeros(256, np.int64), np.empty(g.F, np.int64), np.empty(g.F, np.int64)
        for p in range(g.PH * g.PW):
            places[p] = (down - p // g.PW * g.stride_y) * line + across - p % g.PW * g.stride_x * g.C
        for n in chunk_range(g.N, chunk, chunks):
            zero(dimage)
            for window in range(g.OH * g.OW):
                y, x = window // g.OW * g.pool_stride_y * g.stride_y, window % g.OW * g.pool_stride_x * g.stride_x
                corner, here, count = (y * g.width + x) * g.C, (n * g.OH * g.OW + window) * g.F, 0
                doubt = zero_of_dtype
                for f in range(g.F):
                    winner = at(index, here + f)
                    sources[count], kernels[count] = here + f, f * size + at(places, winner)
                    count += (winner != OFF) & (at(dy, here + f) != 0)
                    doubt += at(dy, here + f) * zero_of_dtype
                if doubt != 0:
                    add_by_number(g, dy, index, here, weights, line, size, dimage, corner)
                    continue
                for ky in range(0, lines, outer):
                    for k in range(0, g.columns, vectors * lanes):
                        place = corner + ky * g.width * g.C + k
                        acc = tile_load(patch, dimage, place, g.width * g.C, 0)
                        for i in range(count):
                            start = at(kernels, i) + ky * line + k
                            acc = tile_axpy(patch, whole, acc, dy, at(sources, i), weights, start, line, 0)
                        tile_store(patch, acc, dimage, place, g.width * g.C, 0)
            copy_back(dimage, g, dx, n * g.H * g.W * g.C)

    return patch_gradient


@device
def add_by_number(g, dy, index, here, weights, line, size, dimage, corner):
    """Add a window's gradients, of which some are not finite: NaN times the zeros around a kernel would be NaN."""
    down, across = (g.PH - 1) * g.stride_y, (g.PW - 1) * g.stride_x * g.C
    for f in range(g.F):
        winner = index[here + f]
        if winner != OFF and dy[here + f] != 0:
            y, x = winner // g.PW * g.stride_y, winner % g.PW * g.stride_x
            for ky in range(g.KH):
                for k in range(g.KW * g.C):
                    weight = weights[f * size + (down + ky) * line + across + k]
                    dimage[corner + ((y + ky) * g.width + x) * g.C + k] += dy[here + f] * weight
