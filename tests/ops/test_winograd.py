"""The matrices of Winograd's convolutions do what they say, on paper: in Python's numbers, without a kernel."""

import numpy as np
import pytest

from support.choices import output_tile
from support.marks import without_numba

pytestmark = without_numba


def matrix(factors):
    """Return the product of a transform's factors, of which the first is applied first."""
    product = np.eye(len(factors[0][0]))
    for factor in factors:
        product = np.array(factor) @ product
    return product


@pytest.mark.parametrize("size", [2, 4])
def test_the_products_of_transformed_patch_and_kernel_are_the_outputs_of_the_window(size):
    from scratchcnn.ops.jit.convolution.winograd import transforms as t

    factors = {2: (t.INPUT_2, t.KERNEL_2, t.OUTPUT_2), 4: (t.INPUT_4, t.KERNEL_4, t.OUTPUT_4)}[size]
    B, G, A = (matrix(each) for each in factors)
    rng = np.random.default_rng(0)
    patch, kernel = rng.normal(size=(size + 2, size + 2)), rng.normal(size=(3, 3))
    views = np.lib.stride_tricks.sliding_window_view(patch, (3, 3))  # (size, size, 3, 3)
    expected = np.einsum("yxij,ij->yx", views, kernel)
    np.testing.assert_allclose(A @ ((G @ kernel @ G.T) * (B @ patch @ B.T)) @ A.T, expected, rtol=1e-12)


def test_the_largest_windows_that_save_products_are_taken():
    kernel = np.empty((3, 3, 32, 64), np.float32)
    one = 1, 1
    assert output_tile(24, 24, kernel, one) == 4
    assert output_tile(6, 6, kernel, one) == 2  # those of 4 x 4 would be 8 x 8
    assert output_tile(1, 1, kernel, one) == 0
    assert output_tile(10, 10, kernel, one) == 4  # the same of one image as of many
    assert output_tile(4, 4, kernel, one) == 4
    assert output_tile(24, 24, kernel, (2, 2)) == 0
    assert output_tile(24, 24, np.empty((5, 5, 32, 64), np.float32), one) == 0
    assert output_tile(24, 24, np.empty((3, 3, 1, 64), np.float32), one) == 0
