"""The NumPy pools against calculations by hand and the definition."""

from __future__ import annotations

import numpy as np
import pytest

from scratchcnn.ops import Window
from scratchcnn.ops import reference as ops
from support.cases import window_over
from support.small_arrays import image, pixels

ONE = (1, 1)  # a stride of 1


def test_maxpool_by_hand():
    # 1 2 | 3 4        maxima 6 8; in each window the last of the four positions 0 1
    # 5 6 | 7 8                                                                  2 3
    window = window_over((2, 4), (2, 2), (2, 2))
    y, index = ops.max_pool_forward(image([[1, 2, 3, 4], [5, 6, 7, 8]]), window)
    assert y.ravel().tolist() == [6, 8]
    assert index.ravel().tolist() == [3, 3]


def test_maxpool_sends_the_gradient_to_the_first_maximum():
    window = window_over((2, 2), (2, 2))
    _, index = ops.max_pool_forward(image([[7, 7], [7, 7]]), window)
    dx = ops.max_pool_backward(image([[3]]), index, window)
    assert dx[0, :, :, 0].tolist() == [[3, 0], [0, 0]]


def test_maxpool_adds_the_gradients_of_overlapping_windows():
    # 1 5 2: windows (1 5) and (5 2) have the same maximum, which gets 10 + 20
    window = window_over((1, 3), (1, 2))
    y, index = ops.max_pool_forward(image([[1, 5, 2]]), window)
    dx = ops.max_pool_backward(image([[10, 20]]), index, window)
    assert y.ravel().tolist() == [5, 5]
    assert dx[0, :, :, 0].tolist() == [[0, 30, 0]]


def test_pixels_outside_the_image_never_are_a_maximum():
    # A 2x2 window that sticks out at the top and on the left sees one pixel, in its last position.
    window = Window(size=(2, 2), strides=ONE, padding=(1, 1), image=(1, 1), output=(1, 1))
    for value in (-5.0, -np.inf):
        y, index = ops.max_pool_forward(image([[value]]), window)
        assert (y.item(), index.item()) == (value, 3)


def test_maxpool_lets_the_first_nan_win():
    y, index = ops.max_pool_forward(image([[9, np.nan], [np.nan, 1]]), window_over((2, 2), (2, 2)))
    assert np.isnan(y.item())
    assert index.item() == 1


@pytest.mark.parametrize(("pool_size", "strides", "padding"), [((2, 2), (2, 2), (0, 0)), ((3, 2), (1, 2), (1, 0))])
def test_maxpool_is_the_maximum_of_each_window(pool_size, strides, padding):
    x = pixels((2, 5, 6, 3))
    y, index = ops.max_pool_forward(x, Window(pool_size, strides, padding, image=(5, 6), output=(2, 3)))
    for n, oy, ox, c in np.ndindex(*y.shape):
        top, left = oy * strides[0] - padding[0], ox * strides[1] - padding[1]
        window = x[n, max(top, 0) : top + pool_size[0], max(left, 0) : left + pool_size[1], c]
        ky, kx = divmod(int(index[n, oy, ox, c]), pool_size[1])
        assert y[n, oy, ox, c] == window.max() == x[n, top + ky, left + kx, c]


def test_average_pool_by_hand_counts_only_pixels_inside_the_image():
    # 2x2 windows around the three pixels 1 2 6, one row and one column of nothing before them:
    #   window 1 sees 1, window 2 sees 1 and 2, window 3 sees 2 and 6
    # dy = 3 4 8: the first pixel gets 3/1 + 4/2, the second 4/2 + 8/2, the third 8/2
    window = Window(size=(2, 2), strides=ONE, padding=(1, 1), image=(1, 3), output=(1, 3))
    y = ops.average_pool_forward(image([[1, 2, 6]]), window)
    dx = ops.average_pool_backward(image([[3, 4, 8]]), window)
    assert y.ravel().tolist() == [1, 1.5, 4]
    assert dx.ravel().tolist() == [5, 6, 4]


def test_global_average_pool_by_hand():
    y = ops.global_average_pool_forward(np.array([[[[1, 10], [3, 30]]]], np.float64))
    dx = ops.global_average_pool_backward(np.array([[4.0, 6.0]]), (1, 2))
    assert y.tolist() == [[2, 20]]
    assert dx.tolist() == [[[[2, 3], [2, 3]]]]
