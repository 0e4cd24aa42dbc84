"""The compiled convolutions compute what the textbook ones do, on random shapes, and touch nothing else.

Sizes are drawn from short lists: each tile, which follows from the numbers of filters and pixels, is a kernel of its
own that has to be compiled. The lists hold what is special: one, less than a vector, no multiple of a vector, more than
a tile.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.cases import convolution, convolutions, pooled_convolutions, shifts, sources, tiled_convolutions
from support.implementations import Numbers, Output, agree, few_examples
from support.marks import without_numba

pytestmark = without_numba
TWO_BY_TWO = ((2, 2), (2, 2))


@few_examples
@given(sources, convolutions(), st.booleans(), shifts)
def test_convolution(numbers, case, with_bias, shift):
    _agree_forward(numbers, case, with_bias, shift)


@pytest.mark.slow
@few_examples
@given(sources, convolutions(), st.booleans(), st.booleans(), shifts)
def test_gradients_of_convolution(numbers, case, with_dx, with_bias, shift):
    _agree_backward(numbers, case, with_dx, with_bias, shift)


@pytest.mark.slow
@few_examples
@given(sources, tiled_convolutions(), st.booleans(), st.booleans(), shifts)
@example(Numbers(0, "float32"), convolution((2, 28, 27, 16), (3, 3), 64, padding="same"), True, True, 0)  # part of one
@example(Numbers(0, "float32"), convolution((1, 18, 18, 64), (3, 3), 64, padding="same"), True, True, 0)  # of 2 x 2
@example(Numbers(0, "float32"), convolution((33, 6, 6, 32), (3, 3), 64), False, False, 0)  # groups of many images
@example(Numbers(0, "float32", whole=True), convolution((19, 4, 4, 32), (3, 3), 64), False, True, 0)  # of 2 x 2
@example(Numbers(0, "float64"), convolution((5, 14, 10, 8), (3, 3), 8, padding="same"), True, True, 0)  # few filters
def test_convolution_in_output_tiles(numbers, case, with_bias, with_dx, shift):
    assert case.output_tile() in (2, 4)
    _agree_forward(numbers, case, with_bias, shift)
    _agree_backward(numbers, case, with_dx, with_bias, shift)


def _agree_forward(numbers, case, with_bias, shift):
    kernel, bias = numbers(*case.kernel), numbers(case.F) if with_bias else None
    options = {"out": numbers.output(*case.outputs), "shift": shift, "exact": case.is_exact(numbers)}
    agree("conv_forward", numbers(*case.images), kernel, bias, case.window, **options)
    agree("conv_relu_forward", numbers.signed(*case.images), kernel, bias, case.window, **options)


def _agree_backward(numbers, case, with_dx, with_bias, shift):
    x, kernel, dy = numbers(*case.images), numbers(*case.kernel), numbers(*case.outputs)
    out = case.gradients(numbers, with_dx, with_bias)
    options = {"out": out, "shift": shift, "exact": case.is_exact(numbers)}
    agree("conv_backward", x, kernel, dy, case.window, **options)
    agree("conv_relu_backward", x, kernel, numbers.signed(*dy.shape), dy, case.window, **options)


@few_examples
@given(sources, pooled_convolutions(), st.booleans(), shifts)
def test_convolution_with_relu_and_pool(numbers, case, with_bias, shift):
    x, kernel = numbers.signed(*case.images), numbers.signed(*case.kernel)
    bias, exact = numbers.signed(case.F) if with_bias else None, case.is_exact(numbers)
    # Of numbers that are nearly equal, rounding decides which is the maximum.
    out = numbers.output(*case.outputs), Output(case.outputs, "uint8", is_compared=exact)
    agree("conv_relu_pool_forward", x, kernel, bias, *case.windows, out=out, shift=shift, exact=exact)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "case",
    [
        convolution((9, 10, 10, 16), (3, 3), 32, pool=TWO_BY_TWO),
        convolution((5, 12, 14, 8), (3, 3), 16, padding="same", pool=TWO_BY_TWO),  # tiles that stick out of the image
        convolution((33, 8, 6, 16), (3, 3), 40, pool=TWO_BY_TWO),  # filters that do not fill a register tile
    ],
)
def test_convolution_with_relu_and_pool_in_output_tiles_of_4_x_4(case, dtype):
    numbers = Numbers(0, dtype)
    x, kernel, bias = numbers.signed(*case.images), numbers.signed(*case.kernel), numbers.signed(case.F)
    assert case.output_tile() == 4
    index = Output(case.outputs, "uint8", is_compared=dtype == "float64")  # else rounding decides
    agree("conv_relu_pool_forward", x, kernel, bias, *case.windows, out=(numbers.output(*case.outputs), index))


@few_examples
@given(sources, pooled_convolutions(), st.booleans(), st.booleans(), shifts)
def test_gradients_of_convolution_with_relu_and_pool(numbers, case, with_dx, with_bias, shift):
    x, kernel, dy = numbers(*case.images), numbers(*case.kernel), numbers(*case.outputs)
    index = numbers.rng.integers(0, np.prod(case.pool.size), dy.shape, dtype=np.uint8)
    index[numbers.rng.random(dy.shape) < 0.5] = 255  # stopped by ReLU
    out = case.gradients(numbers, with_dx, with_bias)
    options = {"out": out, "shift": shift, "exact": numbers.whole}
    agree("conv_relu_pool_backward", x, kernel, dy, index, *case.windows, **options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("images", "size", "F", "padding"),
    [
        ((9, 9, 10, 16), (3, 3), 32, "valid"),
        ((2, 23, 21, 4), (3, 3), 48, "same"),  # more windows than a mask has bits: in bands of lines
        ((1, 4, 135, 3), (2, 2), 16, "same"),  # more than that in a line
        ((2, 12, 7, 20), (5, 3), 80, "valid"),  # more filters than a mask has bits
        ((2, 5, 5, 16), (3, 3), 96, "valid"),
        ((2, 6, 8, 8), (3, 4), 70, "valid"),
        ((3, 9, 8, 1), (3, 3), 32, "valid"),  # first layers
        ((3, 9, 8, 1), (5, 5), 6, "same"),
        ((3, 9, 8, 1), (5, 5), 16, "valid"),
        ((5, 9, 10, 8), (2, 2), 32, "valid"),
        ((5, 9, 10, 4), (5, 5), 32, "valid"),
    ],
)
def test_gradients_of_convolution_after_a_pool(images, size, F, padding, dtype):
    case, numbers = convolution(images, size, F, padding=padding, pool=TWO_BY_TWO), Numbers(0, dtype)
    dy = numbers(*case.outputs)
    index = numbers.rng.choice(np.array([0, 1, 2, 3, 255], np.uint8), dy.shape)
    dy[numbers.rng.random(dy.shape) < 0.1] = 0  # dropped
    x, kernel = numbers(*case.images), numbers(*case.kernel)
    for with_dx in (True, False):
        out = case.gradients(numbers, with_dx)
        agree("conv_relu_pool_backward", x, kernel, dy, index, *case.windows, out=out)


@pytest.mark.parametrize(
    ("images", "size", "F"),
    [
        ((3, 9, 10, 32), (3, 3), 16),  # few filters
        ((3, 9, 10, 24), (3, 3), 32),  # with AVX2 a line of a patch, three vectors a pixel
        ((2, 8, 9, 32), (2, 5), 32),
        ((2, 9, 10, 64), (5, 5), 32),  # with AVX-512, too, a line of two vectors a pixel
        ((2, 8, 9, 8), (1, 1), 32),
    ],
)
def test_gradients_after_a_pool_in_registers_that_hold_a_patch_or_a_line_of_it(images, size, F):
    test_gradients_of_convolution_after_a_pool(images, size, F, "valid", "float32")


@pytest.mark.parametrize(
    ("images", "F", "strides", "dtype"),
    [
        ((2, 15, 9, 2), 20, (1, 1), "float32"),
        ((2, 15, 9, 2), 16, (1, 1), "float64"),
        ((3, 9, 12, 3), 3, (2, 1), "float32"),
    ],
)
def test_a_gradient_that_is_copied_in_bands_of_lines(images, F, strides, dtype, monkeypatch):
    from scratchcnn.ops.jit.convolution import kernel_gradient

    monkeypatch.setattr(kernel_gradient, "BAND_BYTES", 2048)  # 2 to 7 lines, and fewer for the last band
    case, numbers = convolution(images, (3, 3), F, strides), Numbers(0, dtype)
    dy = numbers(*case.outputs)
    x, kernel, y = numbers(*case.images), numbers(*case.kernel), numbers.signed(*case.outputs)
    agree("conv_relu_backward", x, kernel, y, dy, case.window, out=case.gradients(numbers, False))


@pytest.mark.parametrize("F", [5, 8])
def test_a_masked_gradient_that_is_copied_in_bands_of_lines(F, monkeypatch):
    from scratchcnn.ops.jit.convolution import kernel_gradient

    monkeypatch.setattr(kernel_gradient, "BAND_BYTES", 512)
    case, numbers = convolution((2, 26, 9, 1), (3, 3), F, pool=TWO_BY_TWO), Numbers(0, "float32")
    dy = numbers(*case.outputs)
    index = numbers.rng.choice(np.array([0, 1, 2, 3, 255], np.uint8), dy.shape)
    x, kernel = numbers(*case.images), numbers(*case.kernel)
    agree("conv_relu_pool_backward", x, kernel, dy, index, *case.windows, out=case.gradients(numbers, False))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("filters", [16, 20, 32, 48, 64, 80, 128])
def test_the_tile_of_a_small_kernels_gradient_adds_no_filters_beyond_whole_vectors(filters, dtype):
    from scratchcnn.ops.jit.convolution.kernel_gradient import gradient_tile
    from scratchcnn.ops.jit.runtime.chunks import round_up

    for depth in (1, 3, 9):
        tile = gradient_tile(3, depth, filters, np.dtype(dtype))
        if (tile.outer, tile.inner) == (3, depth):
            assert round_up(filters, tile.columns) == round_up(filters, tile.lanes)


def test_a_band_of_windows_is_worth_loading_all_sums():
    from scratchcnn.ops.jit.convolution.shapes import ConvDims
    from scratchcnn.ops.jit.convolution.sparse_kernel_gradient import LEAST_WINDOWS, windows_at_once

    for size, channels in ((14, 128), (7, 256), (56, 512)):
        case = convolution((1, size, size, channels), (3, 3), channels, padding="same", pool=TWO_BY_TWO)
        g = ConvDims.of(np.empty(case.images, np.float32), channels, 3 * channels, *case.windows)
        assert LEAST_WINDOWS <= windows_at_once(g, 4) or windows_at_once(g, 4) == g.OH * g.OW
        assert windows_at_once(g, 4) % g.OW == 0
