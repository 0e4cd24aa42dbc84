"""Numbers that are not ordinary: the compiled operations treat them as the textbook ones do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scratchcnn import ops
from support.cases import convolution, window_over
from support.choices import output_tile
from support.implementations import Changing, Numbers, Output, agree
from support.marks import without_numba

pytestmark = without_numba


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_norm_that_is_not_finite_is_told_and_nothing_clipped(bad):
    gradients = np.ones(100, np.float32)
    gradients[3] = bad
    (after,) = agree("clip_by_norm", Changing(gradients), 0.5, exact=True)
    np.testing.assert_array_equal(after, gradients)


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_nan_comes_through_everything_that_compares(dtype):
    numbers = Numbers(0, dtype)
    x = numbers.signed(2, 8, 8, 16)  # 3 x 3 kernels make 6 x 6 outputs of it, which are computed in tiles of 2 x 2
    x[0, 3, 4, 5] = x[1, 0, 0, 0] = x[1, 0, 1, 0] = np.nan
    (y,) = agree("relu_forward", x, out=numbers.output(*x.shape), exact=True)
    assert np.isnan(y).sum() == 3
    out = numbers.output(2, 4, 4, 16), Output((2, 4, 4, 16), "uint8")
    y, _ = agree("max_pool_forward", x, window_over((8, 8), (2, 2), (2, 2)), out=out, exact=True)
    assert np.isnan(y).sum() == 2
    for F in (5, 16, 32):
        kernel, bias = numbers.signed(3, 3, 16, F), numbers.signed(F)
        window = window_over((8, 8), (3, 3))
        (y,) = agree("conv_relu_forward", x, kernel, bias, window, out=numbers.output(2, 6, 6, F))
        assert np.isnan(y[0, 1:4, 2:5]).all() and np.isnan(y).sum() == (9 + 2) * F
        for pool_size in ((2, 2), (3, 2)) if F < 32 else ((2, 2),):
            case = convolution(x.shape, (3, 3), F, pool=(pool_size, pool_size))
            out = numbers.output(*case.outputs), Output(case.outputs, "uint8", is_compared=False)
            y, index = agree("conv_relu_pool_forward", x, kernel, bias, *case.windows, out=out)
            assert np.isnan(y).any() and not np.isnan(y).all()
            dy = np.where(np.isnan(y), np.nan, 1).astype(dtype)
            agree("conv_relu_pool_backward", x, kernel, dy, index, *case.windows, out=case.gradients(numbers))
    x, kernel = numbers(5, 7), numbers(7, 3)
    x[2, 3] = np.nan
    (y,) = agree("dense_relu_forward", x, kernel, None, out=numbers.output(5, 3))
    assert np.isnan(y[2]).all() and np.isnan(y).sum() == 3
    (y,) = agree("softmax_forward", x, out=numbers.output(5, 7))
    assert np.isnan(y[2]).all() and np.isnan(y).sum() == 7


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_reaches_what_depends_on_it_and_nothing_else(bad, dtype):
    numbers, window = Numbers(0, dtype), window_over((6, 6), (3, 3), padding="same")
    x, kernel, dy = numbers(5, 6, 6, 16), numbers(3, 3, 16, 16), numbers(5, 6, 6, 16)  # in output tiles of 2 x 2
    x[2, 3, 4, 7] = dy[1, 4, 0, 3] = dy[4, 5, 5, 0] = bad
    finite = []
    for name in ("reference", "jit"):
        y, dx, dkernel = np.empty_like(dy), np.empty_like(x), np.empty_like(kernel)
        with ops.using(name), np.errstate(invalid="ignore"):
            ops.conv_forward(x, kernel, None, window, out=y)
            ops.conv_backward(x, kernel, dy, window, out=(dx, dkernel, None))
        finite.append([np.isfinite(array) for array in (y, dx, dkernel)])
    expected, actual = finite
    for number in (0, 1):  # y and dx
        assert 0 < np.count_nonzero(~expected[number]) < expected[number].size / 8
        np.testing.assert_array_equal(actual[number], expected[number])
    # Of dkernel, all that belongs to a channel and a filter may be lost with one of its 3 x 3 numbers.
    assert not (actual[2] & ~expected[2]).any()
    np.testing.assert_array_equal(actual[2].all(axis=(0, 1)), expected[2].all(axis=(0, 1)))
    assert expected[2].all(axis=(0, 1)).sum() == 15 * 14  # all but channel 7, and filters 0 and 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_in_output_tiles_of_4_x_4_nan_and_infinity_reach_no_other_tile(bad, dtype):
    numbers, window = Numbers(0, dtype), window_over((8, 8), (3, 3), padding="same")
    x, kernel, bias = numbers(9, 8, 8, 16), numbers(3, 3, 16, 16), numbers(16)
    assert output_tile(8, 8, kernel, (1, 1)) == 4
    x[2, 3, 5, 7] = bad  # which the windows in the upper right and the lower right see
    y, dx, dkernel = np.empty_like(x), np.empty_like(x), np.empty_like(kernel)
    with np.errstate(invalid="ignore"):
        ops.conv_forward(x, kernel, bias, window, out=y)
        assert not np.isfinite(y[2, 2:5, 4:7]).any() and np.isfinite(y[2, :, :4]).all()
        assert np.isfinite(np.delete(y, 2, axis=0)).all()
        dy = numbers(*y.shape)
        dy[4, 1, 1, 3] = bad  # of the upper left window, whose patch has 5 x 5 pixels in the image
        ops.conv_backward(numbers(*x.shape), kernel, dy, window, out=(dx, dkernel, None))
    assert not np.isfinite(dx[4, 0:3, 0:3]).any() and np.isfinite(dx[4, 5:]).all() and np.isfinite(dx[4, :, 5:]).all()
    assert np.isfinite(np.delete(dx, 4, axis=0)).all()
    assert not np.isfinite(dkernel[..., 3]).any() and np.isfinite(np.delete(dkernel, 3, axis=3)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_logits_give_a_finite_loss(dtype):
    logits, labels = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4]], dtype), np.array([1, 0])
    outputs = Output(logits.shape, dtype), Output(labels.shape, dtype)
    probabilities, losses = agree("softmax_cross_entropy_forward", logits, labels, 0.0, out=outputs)
    np.testing.assert_allclose(losses, [2e4, 2e4 + math.log(2)], rtol=1e-6)
    np.testing.assert_allclose(probabilities, [[1, 0, 0], [0, 0.5, 0.5]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_batch_norm_of_a_single_row_gives_its_shift_and_no_gradient(dtype):
    numbers = Numbers(0, dtype)
    x, gamma, beta, dy = numbers(1, 20), numbers(20), numbers(20), numbers(1, 20)
    y, mean, inverse_std, variance, dx, dgamma, dbeta = (numbers(*x.shape), *(numbers(20) for _ in range(6)))
    with ops.using("jit"):
        ops.batch_norm_forward(x, gamma, beta, 1e-3, out=(y, mean, inverse_std, variance))
        ops.batch_norm_backward(x, gamma, mean, inverse_std, dy, out=(dx.reshape(1, 20), dgamma, dbeta))
    np.testing.assert_array_equal(y[0], beta)
    np.testing.assert_array_equal(mean, x[0])
    np.testing.assert_array_equal(variance, 0)
    np.testing.assert_array_equal(dbeta, dy[0])
    np.testing.assert_allclose(dx, 0, atol=1e-5 if dtype == "float32" else 1e-13)


@pytest.mark.parametrize(("windows", "filters"), [(1, 16), (2, 16), (3, 16), (1, 33)])
def test_a_line_of_fewer_pooling_windows_than_a_tile_has_rows(windows, filters):
    case = convolution((2, 8, 2 + 2 * windows, 16), (3, 3), filters, pool=((2, 2), (2, 2)))
    with ops.exact_convolutions():  # not with Winograd's algorithm
        _agree_exactly(case, Numbers(0, "float32", whole=True))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("filters", [1, 3, 4, 6, 7, 8])
@pytest.mark.parametrize(("width", "size", "padding"), [(28, 5, "same"), (29, 3, "valid"), (75, 3, "same")])
def test_few_filters_on_one_channel_in_lines_shorter_and_longer_than_a_vector(dtype, filters, width, size, padding):
    case = convolution((9, 7, width, 1), (size, size), filters, padding=padding, pool=((2, 2), (2, 2)))
    numbers = Numbers(0, dtype, whole=True)
    x, kernel, index = _agree_exactly(case, numbers)
    out = case.gradients(numbers, with_dx=False)
    agree("conv_relu_pool_backward", x, kernel, numbers(*case.outputs), index, *case.windows, out=out, exact=True)


def _agree_exactly(case, numbers):
    x, kernel, bias = numbers(*case.images), numbers(*case.kernel), numbers(case.F)
    out = numbers.output(*case.outputs), Output(case.outputs, "uint8")
    _, index = agree("conv_relu_pool_forward", x, kernel, bias, *case.windows, out=out, exact=True)
    return x, kernel, index
