"""One convolution, eight times: from Python loops to sums that never leave the CPU's registers.

    python examples/fast_convolution.py                      a table: time, GFLOP/s, share of the CPU's peak
    python examples/fast_convolution.py --output results     and a bar chart of it, results/fast_convolution.png

The convolution has 64 filters of 3 x 3 and works on images of 14 x 14 pixels in 32 channels: the second layer of a
small network. Each version is checked against the one before, then all are timed in turns. They are written for this
page: any size will do that is not smaller than one block, but the stride is 1 and nothing is padded. What the library
does beyond that, and where, is in scratchcnn/ops/README.md.

Letters: N batch, H W height and width, C channels, F filters, KH KW kernel, OH OW output, PH PW pooled output.
"""

import numpy as np
from numba import njit, prange

from scratchcnn.ops.jit.machine.registers import registers
from scratchcnn.ops.jit.machine.tile import tile_fma, tile_shape, tile_store, tile_zeros
from scratchcnn.ops.jit.machine.tile_pool import tile_store_window_maximum
from scratchcnn.ops.jit.runtime.cache import OPTIONS

# A vector holds LANES numbers. A tile of ROWS pixels x VECTORS vectors of filters fills most of the registers: 12 of 16
# with AVX2, 24 of 32 with AVX-512. The rest is for the operands, VECTORS and one.
LANES = registers().width // 4
ROWS, VECTORS, RUN_VECTORS = (6, 4, 6) if registers().count == 32 else (6, 2, 12)
COLUMNS, RUN = VECTORS * LANES, RUN_VECTORS * LANES
PARALLEL = {**OPTIONS, "parallel": {"setitem": False, "numpy": False}}  # the loops that say prange, nothing else
OFF = 255  # in a pool's index: ReLU has stopped this window


def python_loops(x, kernel, y):
    """The definition: each output is a sum over the window's pixels and channels.

    Python looks up the type of every number, every time: some hundred instructions for one multiply-add.
    """
    KH, KW, C, _ = kernel.shape
    for n, oy, ox, f in np.ndindex(*y.shape):
        total = 0.0
        for ky in range(KH):
            for kx in range(KW):
                for c in range(C):
                    total += float(x[n, oy + ky, ox + kx, c]) * float(kernel[ky, kx, c, f])
        y[n, oy, ox, f] = total


def numpy_gemm(x, kernel, y):
    """GEMM: for one (ky, kx) the sum over c is a matrix product, pixels x channels times channels x filters.

    As in ``ops/reference/conv.py``. The product is done by BLAS, in a register tile like that of version 6; what it
    costs is that each product is a pass over the whole of y.
    """
    OH, OW = y.shape[1:3]
    y[...] = 0
    for ky, kx in np.ndindex(*kernel.shape[:2]):
        y += np.tensordot(x[:, ky : ky + OH, kx : kx + OW], kernel[ky, kx], axes=1)  # (N, OH, OW, C) (C, F)


@njit(**OPTIONS)
def numba_loops(x, kernel, y):
    """The loops of version 1, compiled: what a student writes first.

    One chain of additions, each waiting four cycles for the one before, and no SIMD: the sum must keep its order, and
    two neighbouring weights of a filter are F numbers apart.
    """
    KH, KW, C, _ = kernel.shape
    for n, oy, ox, f in np.ndindex(y.shape):
        total = np.float32(0)
        for ky in range(KH):
            for kx in range(KW):
                for c in range(C):
                    total += x[n, oy + ky, ox + kx, c] * kernel[ky, kx, c, f]
        y[n, oy, ox, f] = total


@njit(**PARALLEL)
def parallel_loops(x, kernel, y):
    """Parallel twice: over all cores (prange), and over the lanes of SIMD vectors.

    With the filters innermost, neighbours in memory, LLVM vectorises: LANES filters in one instruction. But each
    multiply-add now loads its sum from memory and stores it again.
    """
    N, OH, OW, F = y.shape
    KH, KW, C, _ = kernel.shape
    for row in prange(N * OH):
        n, oy = row // OH, row % OH
        for ox in range(OW):
            for f in range(F):
                y[n, oy, ox, f] = 0
            for ky in range(KH):
                for kx in range(KW):
                    for c in range(C):
                        pixel = x[n, oy + ky, ox + kx, c]
                        for f in range(F):
                            y[n, oy, ox, f] += pixel * kernel[ky, kx, c, f]


@njit(**PARALLEL)
def blocked_by_hand(x, kernel, y):
    """Register blocking as far as loops go: four pixels share each load of the kernel. Their sums do not stay in
    registers: an array is memory, so LLVM writes a load and a store around each multiply-add. As 16 scalar variables
    they spill instead, to the stack, and nothing is vectorised (scratchcnn/ops/README.md counts the instructions)."""
    N, OH, OW, F = y.shape
    KH, KW, C, _ = kernel.shape
    for row in prange(N * OH):
        n, oy = row // OH, row % OH
        for pixel in range(0, OW, 4):
            ox, sums = min(pixel, OW - 4), np.zeros((4, F), np.float32)
            for ky in range(KH):
                for kx in range(KW):
                    for c in range(C):
                        a0, a1 = x[n, oy + ky, ox + kx, c], x[n, oy + ky, ox + kx + 1, c]
                        a2, a3 = x[n, oy + ky, ox + kx + 2, c], x[n, oy + ky, ox + kx + 3, c]
                        for f in range(F):
                            weight = kernel[ky, kx, c, f]
                            sums[0, f] += a0 * weight
                            sums[1, f] += a1 * weight
                            sums[2, f] += a2 * weight
                            sums[3, f] += a3 * weight
            for i in range(4):
                for f in range(F):
                    y[n, oy, ox + i, f] = sums[i, f]


@njit(**PARALLEL)
def register_tile(x, kernel, y):
    """The micro-kernel: a tile of ROWS pixels x COLUMNS filters is a value, not an array, and stays in registers.

    Each step is an outer product, 12 multiply-adds for 8 loads (AVX2), and no store until the sum is complete. Where
    the last tile of a line would stick out it overlaps the one before.
    """
    N, OH, OW, F = y.shape
    KH, KW, C, _ = kernel.shape
    W, pixels, weights, results = x.shape[2], x.reshape(-1), kernel.reshape(-1), y.reshape(-1)
    for row in prange(N * OH):
        tile = tile_shape(1, ROWS, VECTORS, LANES)
        line = (row // OH * x.shape[1] + row % OH) * W
        for column in range(0, F, COLUMNS):
            f = min(column, F - COLUMNS)
            for pixel in range(0, OW, ROWS):
                ox = min(pixel, OW - ROWS)
                sums = tile_zeros(tile, pixels)
                for ky in range(KH):
                    a, b = (line + ky * W + ox) * C, ky * KW * C * F + f
                    for k in range(KW * C):
                        sums = tile_fma(tile, sums, pixels, a + k, 0, C, weights, b + k * F)
                tile_store(tile, sums, results, (row * OW + ox) * F + f, 0, F)


@njit(**PARALLEL)
def fused_with_pool(x, kernel, bias, y, index):
    """Fusion: the tile is a pooling window of 2 x 2 pixels; bias, ReLU and maximum are taken in the registers.

    The unpooled image is never written. ``index`` says which pixel was the maximum, or OFF; backward needs it.
    """
    N, PH, PW, F = y.shape
    KH, KW, C, _ = kernel.shape
    W, pixels, weights = x.shape[2], x.reshape(-1), kernel.reshape(-1)
    maxima, winners = y.reshape(-1), index.reshape(-1)
    for row in prange(N * PH):
        tile = tile_shape(2, 2, VECTORS, LANES)
        line = (row // PH * x.shape[1] + row % PH * 2) * W
        for column in range(0, F, COLUMNS):
            f = min(column, F - COLUMNS)
            for px in range(PW):
                sums = tile_zeros(tile, pixels)
                for ky in range(KH):
                    a, b = (line + ky * W + 2 * px) * C, ky * KW * C * F + f
                    for k in range(KW * C):
                        sums = tile_fma(tile, sums, pixels, a + k, W * C, C, weights, b + k * F)
                place = (row * PW + px) * F + f
                tile_store_window_maximum(tile, sums, bias, f, maxima, place, 0, 0, winners, place)


@njit(**PARALLEL)
def sparse_gradient(x, dy, index, dkernel):
    """Sparsity: a pool gives its gradient to one pixel of four, ReLU to half of those; work for these alone.

    Filter by filter, list the gradients that are not zero (without a branch, which the CPU could not predict); each
    times its window of the image is added to a tile of RUN sums. ``dkernel`` is (F, KH, KW * C): filters outermost.
    """
    N, PH, PW, F = dy.shape
    W, C, depth, pixels, results = x.shape[2], x.shape[3], dkernel.shape[2], x.reshape(-1), dkernel.reshape(-1)
    for f in prange(F):
        tile = tile_shape(1, 1, RUN_VECTORS, LANES)
        gradients, corners, count = np.empty(N * PH * PW + 1, np.float32), np.empty(N * PH * PW + 1, np.int64), 0
        for n, py, px in np.ndindex(N, PH, PW):
            first = index[n, py, px, f]  # 0 to 3: the pixel of the window that was the maximum
            gradients[count] = dy[n, py, px, f]
            corners[count] = ((n * x.shape[1] + 2 * py + first // 2) * W + 2 * px + first % 2) * C
            count += first != OFF
        for ky in range(dkernel.shape[1]):
            for run in range(0, depth, RUN):
                k = min(run, depth - RUN)
                sums = tile_zeros(tile, pixels)
                for i in range(count):
                    sums = tile_fma(tile, sums, gradients, i, 0, 0, pixels, corners[i] + ky * W * C + k)
                tile_store(tile, sums, results, (f * dkernel.shape[1] + ky) * depth + k, 0, 0)


if __name__ == "__main__":
    from fast_convolution_table import main  # checks, times and draws the versions

    main()
