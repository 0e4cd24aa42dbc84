"""Checks, times and draws the versions of fast_convolution.py, beside what they are to be compared with.

Each version is checked against the one before. Then all take turns, so that a disturbance meets every one, and the
fastest call of each counts. The yardstick takes its turns with them: multiply-adds in registers, on all cores.
"""

import argparse
import os
from collections.abc import Callable
from functools import partial
from itertools import product
from time import perf_counter
from typing import NamedTuple

import fast_convolution as versions
import numpy as np
from fast_convolution import COLUMNS, LANES, OFF, PARALLEL, ROWS, VECTORS
from numba import get_num_threads, njit, prange

from scratchcnn import commands
from scratchcnn.ops.jit.machine.tile import tile_fma, tile_load, tile_shape, tile_store
from scratchcnn.ops.jit.runtime.cache import OPTIONS

CHUNKS = 8  # of the dense gradient, for as many cores


def im2col_gemm(x, kernel, y):
    """For comparison, im2col: copy every window into a row of a matrix, nine times the image, and do one large GEMM."""
    KH, KW, C, F = kernel.shape
    windows = np.lib.stride_tricks.sliding_window_view(x, (KH, KW), axis=(1, 2))  # (N, OH, OW, C, KH, KW), a view
    rows = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, KH * KW * C)  # (N OH OW, KH KW C), a copy
    np.matmul(rows, kernel.reshape(-1, F), out=y.reshape(-1, F))


@njit(**PARALLEL)
def relu_and_pool(z, bias, y, index):
    """For comparison: bias, ReLU and 2 x 2 max-pool as a pass of their own over the result of version 6."""
    N, PH, PW, F = y.shape
    for row in prange(N * PH):
        n, py = row // PH, row % PH
        for px in range(PW):
            for f in range(F):
                best, first = z[n, 2 * py, 2 * px, f], 0
                for i in range(1, 4):
                    value = z[n, 2 * py + i // 2, 2 * px + i % 2, f]
                    best, first = (value, i) if value > best else (best, first)
                y[n, py, px, f] = max(best + bias[f], np.float32(0))
                index[n, py, px, f] = first if best + bias[f] > 0 else OFF


@njit(**PARALLEL)
def dense_gradient(x, dy, dkernel):
    """For comparison: dkernel as a GEMM, windows^T (KH KW C, N OH OW) times dy (N OH OW, F), on tiles as in version 6.

    Of the dy that a pool and a ReLU leave, seven of eight are zero, and multiplied all the same. (Whole tiles only.)
    """
    N, OH, OW, F = dy.shape
    KH, depth = dkernel.shape[0], dkernel.shape[1] * dkernel.shape[2]
    H, W, C = x.shape[1:]
    pixels, gradients, results = x.reshape(-1), dy.reshape(-1), dkernel.reshape(-1)
    dkernel[:] = 0
    for chunk in prange(CHUNKS):
        tile = tile_shape(1, ROWS, VECTORS, LANES)
        for n in range(N):
            for row in range(chunk * KH * depth // ROWS // CHUNKS, (chunk + 1) * KH * depth // ROWS // CHUNKS):
                ky, k = row * ROWS // depth, row * ROWS % depth
                for f in range(0, F, COLUMNS):
                    sums = tile_load(tile, results, row * ROWS * F + f, 0, F)
                    for oy in range(OH):
                        a, b = (n * H + oy + ky) * W * C + k, (n * OH + oy) * OW * F + f
                        for ox in range(OW):
                            sums = tile_fma(tile, sums, pixels, a + ox * C, 0, 1, gradients, b + ox * F)
                    tile_store(tile, sums, results, row * ROWS * F + f, 0, F)


@njit(**OPTIONS)
def multiply_adds(rounds, numbers, results):
    """The yardstick: multiply-adds whose operands are in registers already, on one core; nothing can be faster.

    A multiply-add takes four cycles and two can start in each, so eight sums keep a core busy; these are twelve.
    With two operands that makes 14 registers, of 16.
    """
    tile = tile_shape(12, 1, 1, LANES)
    sums = tile_load(tile, numbers, 0, LANES, 0)
    for _ in range(rounds):
        sums = tile_fma(tile, sums, numbers, 0, 0, 0, numbers, 0)  # LLVM moves both loads out of the loop
    tile_store(tile, sums, results, 0, LANES, 0)


class Row(NamedTuple):
    """A row of the table: a version, or what one is compared with (no number); its work in images and multiply-adds."""

    number: str
    name: str
    call: Callable[[], None]
    images: float
    multiply_adds: float


def check(result, expected):
    """Raise unless two versions agree up to the rounding of float32."""
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def rows_of(N):
    """Return the rows of the table, each version having been run once and checked against the one before."""
    rng = np.random.default_rng(0)
    H, W, C, F, KH, KW, OH, OW = 14, 14, 32, 64, 3, 3, 12, 12
    x = rng.standard_normal((N, H, W, C), np.float32)
    kernel = rng.standard_normal((KH, KW, C, F), np.float32) / np.float32(KH * KW * C) ** 0.5
    work = OH * OW * F * KH * KW * C  # multiply-adds of an image
    rows, results = [], []
    for number, name, version, images, lines in (
        ("1", "Python loops", versions.python_loops, 1, 1),  # one line of one image takes long enough
        ("2", "NumPy: nine GEMMs", versions.numpy_gemm, N, OH),
        ("", "im2col and one GEMM", im2col_gemm, N, OH),
        ("3", "numba loops", versions.numba_loops, min(N, 4), OH),
        ("4", "parallel: cores, SIMD lanes", versions.parallel_loops, N, OH),
        ("5", "blocked by hand", versions.blocked_by_hand, N, OH),
        ("6", "register tile", versions.register_tile, N, OH),
    ):
        y = np.empty((images, lines, OW, F), np.float32)
        call = partial(version, x[:images, : lines + KH - 1], kernel, y)
        call()
        if results:
            check(y[: len(results[-1]), : results[-1].shape[1]], results[-1][:images])
        results.append(y)
        rows.append(Row(number, name, call, images * lines / OH, images * lines / OH * work))

    bias = np.full(F, -1, np.float32)  # ReLU then stops about half of the maxima, as it does in training
    pooled, fused = np.empty((2, N, OH // 2, OW // 2, F), np.float32)
    index, winners = np.empty((2, *pooled.shape), np.uint8)

    def in_passes():
        versions.register_tile(x, kernel, y)
        relu_and_pool(y, bias, pooled, index)

    in_one = partial(versions.fused_with_pool, x, kernel, bias, fused, winners)
    in_passes()
    in_one()
    check(fused, pooled)
    np.testing.assert_array_equal(winners, index)
    rows.append(Row("", "6, then ReLU and pool", in_passes, N, N * work))
    rows.append(Row("7", "fused with ReLU and pool", in_one, N, N * work))
    return rows + gradient_rows(x, rng.standard_normal(pooled.shape, np.float32), index, kernel.shape, N * work)


def gradient_rows(x, dy, index, shape, work):
    """Return the rows of the kernel's gradient, from dy of the pooled output: dense, and sparse."""
    (N, PH, PW, F), (KH, KW, C, _) = dy.shape, shape
    unpooled = np.zeros((N, 2 * PH, 2 * PW, F), np.float32)  # what pool and ReLU hand back to the convolution
    for i, j in product(range(2), repeat=2):
        unpooled[:, i::2, j::2] = np.where(index == 2 * i + j, dy, 0)
    dkernel, by_filter = np.empty(shape, np.float32), np.empty((F, KH, KW * C), np.float32)
    share = np.count_nonzero(unpooled) / unpooled.size
    dense = partial(dense_gradient, x, unpooled, dkernel)
    sparse = partial(versions.sparse_gradient, x, dy, index, by_filter)
    dense()
    sparse()
    check(by_filter.reshape(F, KH, KW, C).transpose(1, 2, 3, 0), dkernel)
    return [
        Row("", "kernel's gradient, dense", dense, N, work),
        Row("8", "kernel's gradient, sparse", sparse, N, work * share),
    ]


def yardstick():
    """Return the row of one core's peak: short calls, of which some will be undisturbed on a busy machine too."""
    rounds, numbers = 10_000, np.linspace(0.1, 0.9, 12 * LANES, dtype=np.float32)
    results = np.empty_like(numbers)
    call = partial(multiply_adds, rounds, numbers, results)
    call()
    return Row("", "peak", call, 1, rounds * results.size)


def fastest_times(rows, turns, seconds):
    """Return for each row the seconds of its fastest call, of many in ``turns`` turns: the others were disturbed."""
    best = [np.inf] * len(rows)
    for _ in range(turns):
        for number, row in enumerate(rows):
            end = perf_counter() + seconds
            while (start := perf_counter()) < end:
                row.call()
                best[number] = min(best[number], perf_counter() - start)
    return best


def measure(N, turns, seconds):
    """Return one core's peak in GFLOP/s, and the rows' results: number, name, microseconds an image, GFLOP/s."""
    rows = [yardstick(), *rows_of(N)]
    speeds = []
    for row, best in zip(rows, fastest_times(rows, turns, seconds), strict=True):
        speeds.append((row.number, row.name, best / row.images * 1e6, 2e-9 * row.multiply_adds / best))
    return speeds[0][3], speeds[1:]


def table(peak, results):
    """Return the results as a table."""
    lines = [f"{'':3}{'':30}{'us/image':>10}{'GFLOP/s':>10}{'of the peak':>13}"]
    for number, name, microseconds, speed in results:
        lines.append(f"{number:3}{name:30}{microseconds:10,.1f}{speed:10.3g}{100 * speed / peak:11.3g} %")
    return "\n".join(lines)


def bar_chart(peak, results):
    """Return a figure: a bar for each result, and where every multiply-add of the definition at the peak would end."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot()
    names = [f"{number}  {name}" if number else name for number, name, *_ in results]
    times = [microseconds for _, _, microseconds, _ in results]
    limit = next(time * speed / peak for number, _, time, speed in results if number == "6")
    bars = axes.barh(names, times, color=["#0072B2" if number else "#BBBBBB" for number, *_ in results])
    labels = [f"{time:,.0f} us, {100 * speed / peak:.3g} % of the peak" for _, _, time, speed in results]
    axes.bar_label(bars, labels, padding=4)
    axes.axvline(limit, color="#D55E00", linestyle="--", label="all multiply-adds of the definition, at the CPU's peak")
    axes.set(xscale="log", xlabel="microseconds an image (log scale)", xlim=(limit / 3, max(times) * 1000))
    axes.invert_yaxis()
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False)
    return figure


def main():
    parser = argparse.ArgumentParser(description="One convolution in eight versions, each faster than the one before.")
    parser.add_argument("--output", type=commands.folder, metavar="DIR", help="write fast_convolution.png there")
    parser.add_argument("--turns", type=commands.count, default=40, help="more where others use the CPU (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="little data and short turns: to see that it runs")
    options = commands.parse(parser)
    os.environ.setdefault("GOMP_SPINCOUNT", "4000")  # idle threads of GNU OpenMP spin for less long, and disturb less
    print("Compiling, then timing all versions in turns; less than a minute ...", flush=True)
    core, results = measure(*((4, 30, 0.002) if options.quick else (32, options.turns, 0.02)))
    cores = get_num_threads()
    peak = core * cores
    print(f"Peak: {peak:.0f} GFLOP/s of float32, two multiply-adds of {LANES} lanes a cycle on {cores} cores of")
    print(f"{core / (4 * LANES):.2f} GHz. Times are the best of many.\n")
    print(table(peak, results))
    if options.output:
        bar_chart(peak, results).savefig(options.output / "fast_convolution.png", dpi=120)
