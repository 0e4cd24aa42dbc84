"""examples/fast_convolution.py: a staircase of which a step is wrong, missing or faster than the CPU teaches nonsense.

Loops are tried as Python runs them and tiles on one core, which computes the same and compiles sooner; the slow test
runs the program as a reader would.
"""

import importlib
import inspect
import os
import re
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from numba import njit

from scratchcnn.ops import reference
from support.cases import window_over
from support.processes import ROOT

VERSIONS = {
    "1": "python_loops", "2": "numpy_gemm", "3": "numba_loops", "4": "parallel_loops", "5": "blocked_by_hand",
    "6": "register_tile", "7": "fused_with_pool", "8": "sparse_gradient",
}  # fmt: skip
LOOPS = ["python_loops", "numpy_gemm", "numba_loops", "parallel_loops", "blocked_by_hand"]


@pytest.fixture
def table(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples")
    return importlib.import_module("fast_convolution_table")


@pytest.fixture
def versions(table):
    return table.versions


def plain(function):
    """Return a version as Python runs it."""
    return getattr(function, "py_func", function)


@cache
def on_one_core(function):
    """Return a version of which prange is range."""
    return njit(error_model="numpy", fastmath={"contract", "nsz"})(function.py_func)


def example(N, H, W, C, F, KH=3, KW=3):
    """Return images, a kernel, and the convolution of the two as the reference computes it."""
    rng = np.random.default_rng(1)
    x, kernel = (rng.standard_normal(shape, np.float32) for shape in ((N, H, W, C), (KH, KW, C, F)))
    return x, kernel, reference.conv_forward(x, kernel, None, window_over((H, W), (KH, KW)))


def agree(result, expected):
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("shape", [(2, 6, 6, 2, 3), (1, 5, 9, 3, 1, 2, 4), (2, 4, 7, 1, 2, 1, 1)])
def test_the_loops_compute_the_convolution(versions, name, shape):
    x, kernel, expected = example(*shape)
    y = np.full_like(expected, np.nan)
    plain(getattr(versions, name))(x, kernel, y)
    agree(y, expected)


def test_im2col_computes_the_convolution(table):
    x, kernel, expected = example(2, 7, 6, 3, 5, 2, 3)
    y = np.full_like(expected, np.nan)
    table.im2col_gemm(x, kernel, y)
    agree(y, expected)


def test_the_register_tile_computes_the_convolution_of_odd_sizes_too(versions):
    version = on_one_core(versions.register_tile)
    for shape in ((2, 5, 9, 3, versions.COLUMNS + 3), (1, 4, 8, 1, versions.COLUMNS), (3, 3, 15, 2, 70, 1, 2)):
        x, kernel, expected = example(*shape)
        y = np.full_like(expected, np.nan)
        version(x, kernel, y)
        agree(y, expected)


def pooled(y, bias):
    """Return ReLU(2 x 2 max-pool(y) + bias), and the number of each first maximum, 255 where the result is 0."""
    N, OH, OW, F = y.shape
    PH, PW = OH // 2, OW // 2
    windows = y[:, : 2 * PH, : 2 * PW].reshape(N, PH, 2, PW, 2, F).transpose(0, 1, 3, 5, 2, 4).reshape(N, PH, PW, F, 4)
    result = np.maximum(windows.max(axis=-1) + bias, 0)
    return result, np.where(result > 0, windows.argmax(axis=-1), 255).astype(np.uint8)


def test_fused_and_in_passes_give_the_pooled_convolution_of_odd_sizes_too(table, versions):
    version = on_one_core(versions.fused_with_pool)
    for shape in ((2, 7, 9, 3, versions.COLUMNS + 5), (1, 4, 4, 2, versions.COLUMNS)):
        x, kernel, y = example(*shape)
        bias = np.linspace(-9, 3, y.shape[3], dtype=np.float32)
        expected, winners = pooled(y, bias)
        result, index = np.full_like(expected, np.nan), np.zeros_like(winners)
        version(x, kernel, bias, result, index)
        agree(result, expected)
        np.testing.assert_array_equal(index, winners)
        assert 0.1 < (index == versions.OFF).mean() < 0.9
        plain(table.relu_and_pool)(y, bias, result, index)
        agree(result, expected)
        np.testing.assert_array_equal(index, winners)


@pytest.mark.parametrize("stopped", [0.0, 0.6, 1.0])
def test_the_sparse_gradient_is_that_of_the_unpooled_dense_one(table, versions, stopped):
    """Of odd sizes, and where ReLU has stopped none, many or all of the maxima."""
    rng = np.random.default_rng(2)
    N, H, W, C, F, KH, KW = 2, 7, 9, versions.RUN // 3 + 1, 5, 2, 3
    x, kernel, y = example(N, H, W, C, F, KH, KW)
    shape = N, y.shape[1] // 2, y.shape[2] // 2, F
    dy = rng.standard_normal(shape, np.float32)
    index = np.where(rng.random(shape) < stopped, versions.OFF, rng.integers(0, 4, shape)).astype(np.uint8)
    unpooled, by_filter = np.zeros_like(y), np.full((F, KH, KW * C), np.nan, np.float32)
    for n, py, px, f in np.argwhere(index != versions.OFF):
        i, j = divmod(int(index[n, py, px, f]), 2)
        unpooled[n, 2 * py + i, 2 * px + j, f] = dy[n, py, px, f]
    _, expected, _ = reference.conv_backward(x, kernel, unpooled, window_over((H, W), (KH, KW)))
    on_one_core(versions.sparse_gradient)(x, dy, index, by_filter)
    agree(by_filter.reshape(F, KH, KW, C).transpose(1, 2, 3, 0), expected)


def test_the_checker_of_the_table_refuses_a_wrong_version(table):
    right = np.linspace(-1, 1, 50, dtype=np.float32)
    table.check(right * np.float32(1 + 1e-6), right)
    with pytest.raises(AssertionError):
        table.check(right + np.float32(1e-4) * (np.arange(50) == 7), right)


def test_each_version_has_at_most_25_lines_and_says_what_it_teaches(table, versions):
    for name in (*VERSIONS.values(), "im2col_gemm", "relu_and_pool", "dense_gradient"):
        function = plain(getattr(versions, name, None) or getattr(table, name))
        assert len(inspect.getsource(function).splitlines()) <= 25, name
        assert function.__doc__, name
    for name in VERSIONS.values():
        assert 3 <= len(plain(getattr(versions, name)).__doc__.strip().splitlines()) <= 5, name


def test_the_chart_and_the_table_show_each_row(table):
    results = [(str(i), f"version {i}", 10.0 ** (6 - i / 2), 0.1 * 10 ** (i / 2)) for i in range(1, 9)]
    figure = table.bar_chart(200.0, results)
    (axes,) = figure.axes
    assert len(axes.patches) == len(axes.get_yticklabels()) == 8 and axes.get_xscale() == "log" and axes.get_xlabel()
    assert [line.split()[0] for line in table.table(200.0, results).splitlines()[1:]] == list("12345678")


@pytest.mark.slow
def test_the_program_shows_every_version_below_the_peak_and_draws_them(tmp_path):
    done = subprocess.run(
        [sys.executable, "examples/fast_convolution.py", "--quick", "--output", tmp_path / "new"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^(\d)  .* ([\d,.]+) +(\S+) +([\d.]+) %$", done.stdout, re.MULTILINE)
    assert [row[0] for row in rows] == list(VERSIONS)
    assert all(0 < float(share) <= 100 for *_, share in rows)
    assert (tmp_path / "new" / "fast_convolution.png").stat().st_size > 10_000
