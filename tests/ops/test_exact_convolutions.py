"""Faults of the kind: the rounding of a huge number reaches results that it is not part of."""

import threading

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops
from support import cases
from support.marks import without_numba
from support.small_networks import compiled_network, random_images

pytestmark = without_numba


def convolution(x, kernel, dy):
    """Return y, dx and dkernel of a convolution without padding."""
    y, dx, dkernel = np.empty_like(dy), np.empty_like(x), np.empty_like(kernel)
    window = cases.window_over(x.shape[1:3], (3, 3))
    ops.conv_forward(x, kernel, None, window, out=y)
    ops.conv_backward(x, kernel, dy, window, out=(dx, dkernel, None))
    return y, dx, dkernel


def some_arrays(size, C=16, F=16, dtype=np.float32):
    rng = np.random.default_rng(size)
    shapes = (2, size, size, C), (3, 3, C, F), (2, size - 2, size - 2, F)
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def pooled(x, kernel):
    case = cases.convolution(x.shape, (3, 3), kernel.shape[3], pool=((2, 2), (2, 2)))
    y = np.empty(case.outputs, x.dtype)
    ops.conv_relu_pool_forward(x, kernel, None, *case.windows, out=(y, np.empty(y.shape, np.uint8)))
    return y


@pytest.mark.slow
def test_an_outlier_changes_no_output_of_an_exact_convolution_that_does_not_touch_it():
    x, kernel, dy = some_arrays(13)
    spoiled, spoiled_dy = x.copy(), dy.copy()
    spoiled[0, 6, 6], spoiled_dy[0, 5, 5] = 1e4, 1e4
    with ops.exact_convolutions():
        (y, dx, _), (y_after, _, _) = convolution(x, kernel, dy), convolution(spoiled, kernel, dy)
        _, dx_after, _ = convolution(x, kernel, spoiled_dy)
        windows, windows_after = pooled(x, kernel), pooled(spoiled, kernel)
    for before, after, touched in ((y, y_after, slice(4, 7)), (dx, dx_after, slice(5, 8))):
        before[0, touched, touched] = after[0, touched, touched] = 0
        np.testing.assert_array_equal(after, before)
    windows[0, 2:4, 2:4] = windows_after[0, 2:4, 2:4] = 0
    np.testing.assert_array_equal(windows_after, windows)


def test_an_exact_convolution_of_integers_is_exact():
    rng = np.random.default_rng(0)
    x, kernel, dy = (rng.integers(-9, 9, array.shape).astype(np.float32) for array in some_arrays(13))
    with ops.exact_convolutions():
        exact = convolution(x, kernel, dy)
    with ops.using("reference"):
        expected = convolution(x, kernel, dy)
    for array, right in zip(exact, expected, strict=True):
        np.testing.assert_array_equal(array, right)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "c"), [(8, 16), (13, 100)])
def test_the_rounding_of_an_outlier_stays_below_the_documented_bound(size, c):
    # Outputs of 6 x 6 are computed in tiles of 2 x 2, those of 11 x 11 in tiles of 4 x 4.
    x, kernel, dy = some_arrays(size)
    x[:, ::5, ::5], dy[:, ::5, ::5] = 1e4, 1e4
    y, dx, _ = convolution(x, kernel, dy)
    with ops.using("reference"):
        right, right_dx, _ = convolution(*(array.astype(np.float64) for array in (x, kernel, dy)))
    eps = 2.0**-24
    assert (np.abs(y - right) <= c * eps * np.abs(x).max() * np.abs(kernel).sum((0, 1, 2))).all()
    assert (np.abs(dx - right_dx) <= c * eps * np.abs(dy).max() * np.abs(kernel).sum((0, 1, 3))).all()


@pytest.mark.slow
def test_a_replay_does_not_mix_exact_and_other_convolutions():
    layers = [sc.Conv2D(16, 3), sc.ReLU(), sc.Conv2D(16, 3), sc.Flatten(), sc.Dense(2)]
    model = sc.Sequential(layers, input_shape=(15, 15, 1))
    x = random_images(3, (15, 15, 1)).astype(np.float32)
    answers = [set(), set()]
    for turn in range(8):
        with ops.exact_convolutions(turn % 2 == 1):
            answers[turn % 2].add(model.predict(x).tobytes())
    assert [len(each) for each in answers] == [1, 1]
    assert answers[0] != answers[1]


def test_exact_convolutions_are_those_of_one_thread_and_end_with_the_block():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(ops.convolutions_are_exact()))
    with pytest.raises(KeyError), ops.exact_convolutions():
        thread.start()
        thread.join()
        seen.append(ops.convolutions_are_exact())
        raise KeyError
    assert [*seen, ops.convolutions_are_exact()] == [False, True, False]


def test_training_with_exact_convolutions_works():
    with ops.exact_convolutions():
        compiled_network().fit(random_images(8), np.arange(8), epochs=1, verbose=0)
