"""The table of which algorithm computes a convolution, row by row, and that what it says is what runs."""

import importlib
from functools import partial

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops
from support import cases
from support.marks import without_numba

pytestmark = without_numba
TWO, ONE = ((2, 2), (2, 2)), (1, 1)


def convolution(KH, KW, C, F, output=(12, 12), strides=ONE, pool=None, exact=False):
    from scratchcnn.ops.jit.convolution.choice import Convolution

    return Convolution((KH, KW, C, F), output, strides, np.dtype(np.float32), pool, exact)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (convolution(3, 3, 1, 2, pool=TWO), "few filters"),
        (convolution(3, 3, 1, 2), "direct"),  # no pool
        (convolution(3, 3, 2, 2, pool=TWO), "direct"),  # two channels
        (convolution(3, 9, 1, 2, pool=TWO), "direct"),  # too wide
        (convolution(3, 3, 1, 2, strides=(2, 1), pool=TWO), "direct"),
        (convolution(3, 3, 1, 64, pool=TWO), "direct"),  # more than half a vector
        (convolution(3, 3, 1, 2, pool=((3, 3), (3, 3))), "direct"),
        (convolution(3, 3, 8, 8), "Winograd F(4x4, 3x3)"),
        (convolution(3, 3, 8, 8, output=(6, 6)), "Winograd F(2x2, 3x3)"),
        (convolution(3, 3, 8, 8, output=(1, 1)), "direct"),  # the transforms would not pay
        (convolution(3, 3, 8, 7), "direct"),
        (convolution(3, 3, 7, 8), "direct"),
        (convolution(3, 3, 8, 8, strides=(1, 2)), "direct"),
        (convolution(5, 5, 8, 8), "direct"),
        (convolution(3, 3, 8, 8, exact=True), "direct"),
        (convolution(3, 3, 8, 8, pool=TWO), "Winograd F(4x4, 3x3)"),
    ],
)
def test_rows_of_the_table_forward(given, expected):
    from scratchcnn.ops.jit.convolution.choice import choose_forward

    assert str(choose_forward(given)) == expected


@pytest.mark.parametrize(("size", "expected"), [(3, "direct"), (5, "few filters")])
def test_three_quarters_of_a_vector_are_few_filters_for_a_larger_kernel(size, expected):
    from scratchcnn.ops.jit.convolution.choice import choose_forward
    from scratchcnn.ops.jit.machine.registers import registers

    filters = registers().width // 4 * 3 // 4
    assert str(choose_forward(convolution(size, size, 1, filters, pool=TWO))) == expected
    assert str(choose_forward(convolution(size, size, 1, filters + 1, pool=TWO))) == "direct"


@pytest.mark.parametrize(
    ("given", "kernel_gradient", "input_gradient"),
    [
        (convolution(3, 3, 8, 16), "Winograd F(4x4, 3x3)", "Winograd F(4x4, 3x3)"),
        (convolution(3, 3, 8, 15), "dense", "convolution"),
        (convolution(3, 3, 8, 16, exact=True), "dense", "convolution"),
        (convolution(5, 5, 4, 32), "dense", "convolution"),
        (convolution(5, 5, 4, 32, pool=TWO), "sparse", "by window"),
        (convolution(5, 5, 8, 16, pool=TWO), "sparse", "by line"),  # few filters, and no room for a whole patch
        (convolution(3, 3, 4, 16, pool=TWO), "sparse", "by line"),  # few filters, and no eights
        (convolution(2, 2, 8, 16, pool=TWO), "sparse", "by window"),
        (convolution(5, 5, 4, 40, pool=TWO), "sparse", "by line"),  # no sixteens
        (convolution(5, 5, 6, 32, pool=TWO), "sparse", "by line"),  # no fours
        (convolution(5, 5, 4, 32, strides=(2, 1), pool=TWO), "sparse", "by line"),
        (convolution(5, 5, 4, 32, pool=((3, 3), (2, 2))), "sparse", "by line"),
        (convolution(5, 40, 4, 32, pool=TWO), "sparse", "by line"),  # two lines do not fit the registers
        (convolution(1, 1, 4, 32, pool=TWO), "masked", "by window"),
        (convolution(3, 3, 1, 32, pool=TWO), "masked", "by line"),
    ],
)
def test_rows_of_the_table_backward(given, kernel_gradient, input_gradient):
    from scratchcnn.ops.jit.convolution.choice import algorithms_of

    assert algorithms_of(given, wants_input_gradient=True)[1:] == (kernel_gradient, input_gradient)


def test_few_filters_go_by_window_where_a_whole_patch_fits_the_registers():
    from scratchcnn.ops.jit.convolution.choice import choose_input_gradient
    from scratchcnn.ops.jit.machine.registers import registers

    expected = "by window" if registers().count >= 4 * 4 + 2 else "by line"
    assert str(choose_input_gradient(convolution(3, 3, 8, 16, pool=TWO))) == expected


@pytest.mark.parametrize(
    ("kernel", "C", "tiles"),
    [
        ((3, 3), 32, {"AVX512": (4, 4, 1, 16), "AVX": (1, 4, 2, 8), "SSE": (1, 4, 2, 4), "NEON": (4, 4, 1, 4)}),
        ((3, 3), 24, {"AVX512": (4, 4, 1, 8), "AVX": (1, 4, 3, 8), "SSE": (1, 4, 3, 4), "NEON": (4, 4, 1, 4)}),
        ((3, 3), 8, {"AVX512": (4, 4, 1, 8), "AVX": (2, 4, 1, 8), "SSE": (1, 4, 2, 4), "NEON": (4, 4, 1, 4)}),
        ((5, 5), 64, {"AVX512": (1, 6, 2, 16), "AVX": (1, 6, 2, 8), "SSE": (1, 6, 2, 4), "NEON": (1, 6, 4, 4)}),
        ((5, 5), 12, {"AVX512": (1, 6, 3, 4), "AVX": (2, 6, 1, 4), "SSE": (2, 6, 1, 4), "NEON": (1, 6, 3, 4)}),
        ((2, 2), 16, {"AVX512": (3, 3, 1, 16), "AVX": (3, 3, 1, 8), "SSE": (3, 3, 1, 4), "NEON": (3, 3, 1, 4)}),
    ],
)
def test_registers_hold_a_patch_or_a_line_of_it_for_several_vectors_or_two_lines(kernel, C, tiles, monkeypatch):
    from scratchcnn.ops.jit.machine import registers

    by_window = importlib.import_module("scratchcnn.ops.jit.convolution.input_gradient_by_window")
    for name, tile in tiles.items():
        monkeypatch.setattr(by_window, "registers", partial(getattr, registers, name))
        assert by_window.patch_tile.__wrapped__(*kernel, C, np.dtype(np.float32)) == tile, name


@pytest.mark.parametrize(("C", "expected"), [(1, "masked"), (2, "sparse")])
def test_a_first_layer_of_small_kernels_computes_with_zeros_too(C, expected):
    from scratchcnn.ops.jit.convolution.choice import algorithms_of

    assert algorithms_of(convolution(3, 3, C, 32, pool=TWO), wants_input_gradient=False)[1:] == (expected, "")


RUN = {  # what computes each algorithm
    "few filters": "convolve_few_filters",
    "Winograd": "convolve_winograd",
    "direct": "convolve_pooled",
    "masked": "kernel_gradient_masked",
    "sparse": "kernel_gradient_sparse",
    "by window": "input_gradient_by_window",
    "by line": "input_gradient_by_line",
}


@pytest.mark.parametrize(("size", "C", "F"), [(3, 1, 2), (3, 8, 8), (5, 1, 32), (3, 4, 32)])
def test_what_is_chosen_is_what_runs(size, C, F, monkeypatch):
    from scratchcnn.ops.jit import convolution as module

    called = []
    for name in RUN.values():
        monkeypatch.setattr(module, name, lambda *arguments, name=name, **named: called.append(name))
    case = cases.convolution((1, 13, 13, C), (size, size), F, pool=TWO)
    x, kernel = np.ones(case.images, np.float32), np.ones(case.kernel, np.float32)
    y, index = np.ones(case.outputs, np.float32), np.zeros(case.outputs, np.uint8)
    module.conv_relu_pool_forward(x, kernel, None, *case.windows, out=(y, index))
    gradients = np.empty_like(x), np.empty_like(kernel), None
    module.conv_relu_pool_backward(x, kernel, y, index, *case.windows, out=gradients)
    said = ops.convolution_algorithms(kernel.shape, case.window, np.dtype(np.float32), case.pool)
    expected = {RUN[text.split(" F(")[0]] for text in said}
    assert set(called) == expected


def test_the_summary_names_the_algorithms_of_each_convolution(capsys):
    layers = [sc.Conv2D(32, 3), sc.ReLU(), sc.MaxPool2D(2), sc.Conv2D(64, 3), sc.ReLU(), sc.MaxPool2D(2)]
    model = sc.Sequential([*layers, sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    model.summary(kernels=True)
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["layer"].endswith("forward               kernel gradient  input gradient")
    assert lines["conv2d"].endswith("direct                masked")  # the first layer has no input gradient
    assert lines["conv2d_1"].endswith("Winograd F(4x4, 3x3)  sparse           by window")
    model.summary()
    assert "Winograd" not in capsys.readouterr().out
