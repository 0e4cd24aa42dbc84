"""The NumPy convolution against calculations by hand, loops that follow the definition, and SciPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.signal import correlate

from scratchcnn.ops import Window
from scratchcnn.ops import reference as ops
from support.cases import window_over
from support.small_arrays import image, pixels


def test_convolution_by_hand():
    # 1 2 3      kernel 1 10       1*1 + 2*10 + 4*100 + 5*1000 = 5421    and one to the right: 6532
    # 4 5 6           100 1000     one down: 4 + 50 + 700 + 8000 = 8754                        9865
    # 7 8 9      bias 0.5
    x = image([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    kernel = np.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(2, 2, 1, 1)
    y = ops.conv_forward(x, kernel, np.array([0.5]), window_over((3, 3), (2, 2)))
    assert y[0, :, :, 0].tolist() == [[5421.5, 6532.5], [8754.5, 9865.5]]


def test_convolution_gradients_by_hand():
    # The same arrays, with dy = 1 0
    #                           0 2: only the first and the last output matter to the loss L = y00 + 2 y11.
    # dkernel: L's weights are the pixels under the first window plus twice those under the last:
    #   1 2  +  2 (5 6) = 11 14
    #   4 5       (8 9)   20 23
    # dx: the kernel at the first window plus twice the kernel at the last:
    #   1    10          0
    #   100  1000 + 2    20
    #   0    200         2000
    x = image([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    kernel = np.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(2, 2, 1, 1)
    window = window_over((3, 3), (2, 2))
    dx, dkernel, dbias = ops.conv_backward(x, kernel, image([[1, 0], [0, 2]]), window)
    assert dkernel[:, :, 0, 0].tolist() == [[11, 14], [20, 23]]
    assert dx[0, :, :, 0].tolist() == [[1, 10, 0], [100, 1002, 20], [0, 200, 2000]]
    assert dbias.tolist() == [3]


def test_convolution_is_scipys_correlation_summed_over_channels():
    x, kernel = pixels((2, 7, 6, 3)), pixels((3, 2, 3, 4))
    y = ops.conv_forward(x, kernel, None, window_over((7, 6), (3, 2)))
    for n, f in itertools.product(range(2), range(4)):
        np.testing.assert_allclose(y[n, :, :, f], correlate(x[n], kernel[..., f], "valid")[..., 0], rtol=1e-12)


def loop_convolution(x, kernel, window, y):
    """The definition, one multiplication at a time; yields (index of x, index of kernel, index of y)."""
    for n, oy, ox, f in np.ndindex(*y.shape):
        for ky, kx, c in np.ndindex(*kernel.shape[:3]):
            (down, across), (top, left) = window.strides, window.padding
            iy, ix = oy * down + ky - top, ox * across + kx - left
            if 0 <= iy < x.shape[1] and 0 <= ix < x.shape[2]:
                yield (n, iy, ix, c), (ky, kx, c, f), (n, oy, ox, f)


@pytest.mark.parametrize("strides", [(1, 1), (2, 3), (3, 1)])
@pytest.mark.parametrize(("padding", "output"), [((0, 0), None), ((1, 0), (3, 2)), ((2, 1), (4, 3))])
def test_convolution_and_its_gradients_follow_the_definition(strides, padding, output):
    x, kernel, bias = pixels((2, 5, 6, 2)), pixels((3, 2, 2, 3), 1), pixels(3, 2)
    output = output or ((5 - 3) // strides[0] + 1, (6 - 2) // strides[1] + 1)
    window = Window(size=(3, 2), strides=strides, padding=padding, image=(5, 6), output=output)
    dy = pixels((2, *output, 3), 3)
    y = ops.conv_forward(x, kernel, bias, window)
    dx, dkernel, dbias = ops.conv_backward(x, kernel, dy, window)

    expected_y = np.broadcast_to(bias, dy.shape).copy()
    expected_dx, expected_dkernel = np.zeros_like(x), np.zeros_like(kernel)
    for i, k, o in loop_convolution(x, kernel, window, dy):
        expected_y[o] += x[i] * kernel[k]
        expected_dx[i] += dy[o] * kernel[k]
        expected_dkernel[k] += dy[o] * x[i]
    np.testing.assert_allclose(y, expected_y, atol=1e-12)
    np.testing.assert_allclose(dx, expected_dx, atol=1e-12)
    np.testing.assert_allclose(dkernel, expected_dkernel, atol=1e-12)
    np.testing.assert_allclose(dbias, dy.sum((0, 1, 2)), atol=1e-12)
