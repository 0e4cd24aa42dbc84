"""Convolutions with groups, dilation and any padding: the compiled ones compute what the textbook ones do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchcnn.layers.windows import sliding_window
from scratchcnn.ops import reference
from support.cases import shifts, sources
from support.implementations import Numbers, agree, few_examples
from support.marks import without_numba

pytestmark = without_numba


@st.composite
def plain_convolutions(draw):
    """Draw the shapes of x and kernel, and a window that needs plain loops, or nearly does."""
    groups, channels, filters = draw(st.sampled_from([(1, 3, 5), (4, 1, 1), (3, 1, 2), (2, 4, 8), (17, 1, 1)]))
    size = draw(st.sampled_from([(3, 3), (1, 2), (2, 3)]))
    image = draw(st.sampled_from([7, 9])), draw(st.sampled_from([8, 11]))
    dilation, strides = draw(st.sampled_from([(1, 1), (2, 2), (1, 3)])), draw(st.sampled_from([(1, 1), (2, 1)]))
    padding = draw(st.sampled_from(["valid", "same", ((1, 1), (1, 1)), ((3, 0), (0, 2)), ((0, 4), (5, 5))]))
    window = sliding_window("test", image, size, strides, padding, dilation)
    shape = (draw(st.sampled_from([1, 2, 9])), *image, groups * channels)
    return shape, (*size, channels, groups * filters), window


@few_examples
@given(sources, plain_convolutions(), st.booleans(), st.booleans(), shifts)
def test_plain_convolution(numbers, case, with_dx, with_bias, shift):
    images, kernel_shape, window = case
    x, kernel, F = numbers(*images), numbers(*kernel_shape), kernel_shape[3]
    y = len(x), *window.output, F
    options = {"shift": shift, "exact": numbers.whole}
    agree("conv_forward", x, kernel, numbers(F) if with_bias else None, window, out=numbers.output(*y), **options)
    dx, dbias = numbers.output(*images) if with_dx else None, numbers.output(F) if with_bias else None
    agree("conv_backward", x, kernel, numbers(*y), window, out=(dx, numbers.output(*kernel_shape), dbias), **options)


@pytest.mark.parametrize("padding", [((1, 1), (1, 1)), ((2, 0), (0, 2)), ((0, 5), (1, 0)), ((2, 2), (2, 2))])
@pytest.mark.parametrize(("C", "F"), [(1, 6), (16, 16), (8, 33)])
def test_every_algorithm_takes_padding_of_its_own_on_each_side(padding, C, F):
    numbers, window = Numbers(0, "float32"), sliding_window("test", (9, 10), (3, 3), (1, 1), padding)
    x, kernel = numbers(2, 9, 10, C), numbers(3, 3, C, F)
    y = 2, *window.output, F
    agree("conv_forward", x, kernel, numbers(F), window, out=numbers.output(*y))
    agree("conv_relu_forward", x, kernel, numbers(F), window, out=numbers.output(*y))
    gradients = numbers.output(*x.shape), numbers.output(*kernel.shape), numbers.output(F)
    agree("conv_backward", x, kernel, numbers(*y), window, out=gradients)


def test_a_group_is_a_convolution_of_its_own():
    numbers = Numbers(0, "float64")
    window = sliding_window("test", (6, 7), (2, 3), (1, 1), "valid")
    x, kernel = numbers(2, 6, 7, 4), numbers(2, 3, 2, 6)
    y = reference.conv_forward(x, kernel, None, window)
    for group in range(2):
        own = reference.conv_forward(x[..., 2 * group :][..., :2], kernel[..., 3 * group :][..., :3], None, window)
        np.testing.assert_array_equal(y[..., 3 * group :][..., :3], own)


def test_a_dilated_kernel_is_one_with_zeros_between():
    numbers = Numbers(0, "float64")
    x, kernel = numbers(2, 9, 9, 2), numbers(3, 3, 2, 4)
    spread = np.zeros((5, 5, 2, 4))
    spread[::2, ::2] = kernel
    dilated = sliding_window("test", (9, 9), (3, 3), (1, 1), "same", (2, 2))
    whole = sliding_window("test", (9, 9), (5, 5), (1, 1), "same")
    expected = reference.conv_forward(x, spread, None, whole)
    np.testing.assert_allclose(reference.conv_forward(x, kernel, None, dilated), expected, atol=1e-12)
