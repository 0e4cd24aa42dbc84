"""The NumPy operations against calculations by hand, loops that follow the definition, and SciPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.signal import correlate
from scipy.special import log_softmax

from scratchcnn.ops import reference as ops

ONE, NONE = (1, 1), (0, 0)  # stride 1, no padding


def pixels(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def column(*values):
    """A batch of one vector of one channel."""
    return np.array(values, np.float64).reshape(-1, 1)


def image(rows):
    """A batch of one image of one channel."""
    return np.array(rows, np.float64)[np.newaxis, :, :, np.newaxis]


# ---- convolution


def test_convolution_by_hand():
    # 1 2 3      kernel 1 10       1*1 + 2*10 + 4*100 + 5*1000 = 5421    and one to the right: 6532
    # 4 5 6           100 1000     one down: 4 + 50 + 700 + 8000 = 8754                        9865
    # 7 8 9      bias 0.5
    x, y = image([[1, 2, 3], [4, 5, 6], [7, 8, 9]]), np.empty((1, 2, 2, 1))
    kernel = np.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(2, 2, 1, 1)
    ops.conv_forward(x, kernel, np.array([0.5]), ONE, NONE, y)
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
    dx, dkernel, dbias = np.empty_like(x), np.empty_like(kernel), np.empty(1)
    ops.conv_backward(x, kernel, image([[1, 0], [0, 2]]), ONE, NONE, dx, dkernel, dbias)
    assert dkernel[:, :, 0, 0].tolist() == [[11, 14], [20, 23]]
    assert dx[0, :, :, 0].tolist() == [[1, 10, 0], [100, 1002, 20], [0, 200, 2000]]
    assert dbias.tolist() == [3]


def test_convolution_is_scipys_correlation_summed_over_channels():
    x, kernel, y = pixels((2, 7, 6, 3)), pixels((3, 2, 3, 4)), np.empty((2, 5, 5, 4))
    ops.conv_forward(x, kernel, None, ONE, NONE, y)
    for n, f in itertools.product(range(2), range(4)):
        np.testing.assert_allclose(y[n, :, :, f], correlate(x[n], kernel[..., f], "valid")[..., 0], rtol=1e-12)


def loop_convolution(x, kernel, strides, padding, y):
    """The definition, one multiplication at a time; yields (index of x, index of kernel, index of y)."""
    for n, oy, ox, f in np.ndindex(*y.shape):
        for ky, kx, c in np.ndindex(*kernel.shape[:3]):
            iy, ix = oy * strides[0] + ky - padding[0], ox * strides[1] + kx - padding[1]
            if 0 <= iy < x.shape[1] and 0 <= ix < x.shape[2]:
                yield (n, iy, ix, c), (ky, kx, c, f), (n, oy, ox, f)


@pytest.mark.parametrize("strides", [(1, 1), (2, 3), (3, 1)])
@pytest.mark.parametrize(("padding", "stops"), [((0, 0), None), ((1, 0), (3, 2)), ((2, 1), (4, 3))])
def test_convolution_and_its_gradients_follow_the_definition(strides, padding, stops):
    x, kernel, bias = pixels((2, 5, 6, 2)), pixels((3, 2, 2, 3), 1), pixels(3, 2)
    stops = stops or ((5 - 3) // strides[0] + 1, (6 - 2) // strides[1] + 1)
    dy = pixels((2, *stops, 3), 3)
    y, dx, dkernel, dbias = np.empty_like(dy), np.empty_like(x), np.empty_like(kernel), np.empty_like(bias)
    ops.conv_forward(x, kernel, bias, strides, padding, y)
    ops.conv_backward(x, kernel, dy, strides, padding, dx, dkernel, dbias)

    expected_y = np.broadcast_to(bias, dy.shape).copy()
    expected_dx, expected_dkernel = np.zeros_like(x), np.zeros_like(kernel)
    for i, k, o in loop_convolution(x, kernel, strides, padding, dy):
        expected_y[o] += x[i] * kernel[k]
        expected_dx[i] += dy[o] * kernel[k]
        expected_dkernel[k] += dy[o] * x[i]
    np.testing.assert_allclose(y, expected_y, atol=1e-12)
    np.testing.assert_allclose(dx, expected_dx, atol=1e-12)
    np.testing.assert_allclose(dkernel, expected_dkernel, atol=1e-12)
    np.testing.assert_allclose(dbias, dy.sum((0, 1, 2)), atol=1e-12)


def test_convolution_gradients_that_are_not_wanted_may_be_none():
    x, kernel, dy = pixels((1, 4, 4, 2)), pixels((3, 3, 2, 2)), pixels((1, 2, 2, 2))
    alone, all_three = np.empty_like(kernel), np.empty_like(kernel)
    ops.conv_backward(x, kernel, dy, ONE, NONE, None, alone, None)
    ops.conv_backward(x, kernel, dy, ONE, NONE, np.empty_like(x), all_three, np.empty(2))
    assert np.array_equal(alone, all_three)


# ---- pooling


def max_pool(x, pool_size, strides, padding, stops):
    y = np.empty((len(x), *stops, x.shape[3]))
    index = np.empty(y.shape, np.uint8)
    ops.max_pool_forward(x, pool_size, strides, padding, y, index)
    return y[0, :, :, 0], index[0, :, :, 0]


def test_maxpool_by_hand():
    # 1 2 | 3 4        maxima 6 8; in each window the last of the four positions 0 1
    # 5 6 | 7 8                                                                  2 3
    y, index = max_pool(image([[1, 2, 3, 4], [5, 6, 7, 8]]), (2, 2), (2, 2), NONE, (1, 2))
    assert y.tolist() == [[6, 8]]
    assert index.tolist() == [[3, 3]]


def test_maxpool_sends_the_gradient_to_the_first_maximum():
    x, dx = image([[7, 7], [7, 7]]), np.empty((1, 2, 2, 1))
    _, index = max_pool(x, (2, 2), (2, 2), NONE, (1, 1))
    ops.max_pool_backward(image([[3]]), index[np.newaxis, :, :, np.newaxis], (2, 2), (2, 2), NONE, dx)
    assert dx[0, :, :, 0].tolist() == [[3, 0], [0, 0]]


def test_maxpool_adds_the_gradients_of_overlapping_windows():
    # 1 5 2: windows (1 5) and (5 2) have the same maximum, which gets 10 + 20
    x, dx = image([[1, 5, 2]]), np.empty((1, 1, 3, 1))
    y, index = max_pool(x, (1, 2), ONE, NONE, (1, 2))
    ops.max_pool_backward(image([[10, 20]]), index[np.newaxis, :, :, np.newaxis], (1, 2), ONE, NONE, dx)
    assert y.tolist() == [[5, 5]]
    assert dx[0, :, :, 0].tolist() == [[0, 30, 0]]


def test_pixels_outside_the_image_never_are_a_maximum():
    # A 2x2 window that sticks out at the top and on the left sees one pixel, in its last position.
    for value in (-5.0, -np.inf):
        y, index = max_pool(image([[value]]), (2, 2), ONE, (1, 1), (1, 1))
        assert (y.item(), index.item()) == (value, 3)


def test_maxpool_lets_the_first_nan_win():
    y, index = max_pool(image([[9, np.nan], [np.nan, 1]]), (2, 2), (2, 2), NONE, (1, 1))
    assert np.isnan(y.item())
    assert index.item() == 1


@pytest.mark.parametrize(("pool_size", "strides", "padding"), [((2, 2), (2, 2), NONE), ((3, 2), (1, 2), (1, 0))])
def test_maxpool_is_the_maximum_of_each_window(pool_size, strides, padding):
    x, stops = pixels((2, 5, 6, 3)), (2, 3)
    y, index = np.empty((2, *stops, 3)), np.empty((2, *stops, 3), np.uint8)
    ops.max_pool_forward(x, pool_size, strides, padding, y, index)
    for n, oy, ox, c in np.ndindex(*y.shape):
        top, left = oy * strides[0] - padding[0], ox * strides[1] - padding[1]
        window = x[n, max(top, 0) : top + pool_size[0], max(left, 0) : left + pool_size[1], c]
        ky, kx = divmod(int(index[n, oy, ox, c]), pool_size[1])
        assert y[n, oy, ox, c] == window.max() == x[n, top + ky, left + kx, c]


def test_average_pool_by_hand_counts_only_pixels_inside_the_image():
    # 2x2 windows around the three pixels 1 2 6, one row and one column of nothing before them:
    #   window 1 sees 1, window 2 sees 1 and 2, window 3 sees 2 and 6
    # dy = 3 4 8: the first pixel gets 3/1 + 4/2, the second 4/2 + 8/2, the third 8/2
    x, y, dx = image([[1, 2, 6]]), np.empty((1, 1, 3, 1)), np.empty((1, 1, 3, 1))
    ops.average_pool_forward(x, (2, 2), ONE, (1, 1), y)
    ops.average_pool_backward(image([[3, 4, 8]]), (2, 2), ONE, (1, 1), dx)
    assert y.ravel().tolist() == [1, 1.5, 4]
    assert dx.ravel().tolist() == [5, 6, 4]


def test_global_average_pool_by_hand():
    x, y, dx = np.array([[[[1, 10], [3, 30]]]], np.float64), np.empty((1, 2)), np.empty((1, 1, 2, 2))
    ops.global_average_pool_forward(x, y)
    ops.global_average_pool_backward(np.array([[4.0, 6.0]]), dx)
    assert y.tolist() == [[2, 20]]
    assert dx.tolist() == [[[[2, 3], [2, 3]]]]


# ---- dense


def test_dense_by_hand():
    # (1 2) (1 0 2) + (10 20 30) = (1+6  0+8  2+10) + bias = (17 28 42)
    #       (3 4 5)
    x, kernel, bias = np.array([[1.0, 2.0]]), np.array([[1.0, 0, 2], [3, 4, 5]]), np.array([10.0, 20, 30])
    y = np.empty((1, 3))
    ops.dense_forward(x, kernel, bias, y)
    assert y.tolist() == [[17, 28, 42]]
    ops.dense_forward(x, kernel, None, y)
    assert y.tolist() == [[7, 8, 12]]


def test_dense_gradients_by_hand():
    # dy = (1 1 0) for both samples (1 2) and (3 4):
    #   dx = dy W^T = (1+0  3+4) for each        dW = x^T dy = (1+3 1+3 0)        db = (2 2 0)
    #                                                          (2+4 2+4 0)
    x, kernel = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 0, 2], [3, 4, 5]])
    dy = np.array([[1.0, 1, 0], [1, 1, 0]])
    dx, dkernel, dbias = np.empty_like(x), np.empty_like(kernel), np.empty(3)
    ops.dense_backward(x, kernel, dy, dx, dkernel, dbias)
    assert dx.tolist() == [[1, 7], [1, 7]]
    assert dkernel.tolist() == [[4, 4, 0], [6, 6, 0]]
    assert dbias.tolist() == [2, 2, 0]
    alone = np.empty_like(kernel)
    ops.dense_backward(x, kernel, dy, None, alone, None)
    assert np.array_equal(alone, dkernel)


# ---- element by element


def test_relu_blocks_the_gradient_where_the_output_is_zero():
    x, y, dx = column(-1, 0, 2), np.empty((3, 1)), np.empty((3, 1))
    ops.relu_forward(x, y)
    ops.relu_backward(y, column(5, 6, 7), dx)
    assert y.ravel().tolist() == [0, 0, 2]
    assert dx.ravel().tolist() == [0, 0, 7]


def test_relu_does_not_hide_a_nan():
    y = np.empty((1, 1))
    ops.relu_forward(column(np.nan), y)
    assert np.isnan(y).all()


def test_leaky_relu_scales_negative_numbers_and_their_gradients():
    x, y, dx = column(-2, 0, 2), np.empty((3, 1)), np.empty((3, 1))
    ops.leaky_relu_forward(x, 0.25, y)
    ops.leaky_relu_backward(x, 0.25, column(4, 8, 16), dx)
    assert y.ravel().tolist() == [-0.5, 0, 2]
    assert dx.ravel().tolist() == [1, 2, 16]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_rescaling_by_hand(dtype):
    y, dx = np.empty((2, 1), np.float32), np.empty((2, 1), np.float32)
    ops.rescale_forward(np.array([[0], [200]], dtype), 0.5, -1.0, y)
    ops.rescale_backward(np.array([[2], [4]], np.float32), 0.5, dx)
    assert y.ravel().tolist() == [-1, 99]
    assert dx.ravel().tolist() == [1, 2]


def splitmix64(seed, count):
    """The generator in Python's whole numbers, one state after the other."""
    state, outputs = seed, []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        outputs.append(z ^ z >> 31)
    return outputs


@pytest.mark.parametrize("seed", [0, 12345, 2**64 - 1])
def test_dropout_keeps_what_splitmix64_says(seed):
    assert splitmix64(0, 3) == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]  # known outputs
    halves = [half for z in splitmix64(seed, 30) for half in (z % 2**32, z >> 32)]
    kept = [half / 2**32 >= 0.4 for half in halves]
    y, dx = np.empty((10, 6)), np.empty((10, 6))
    ops.dropout_forward(np.full((10, 6), 6.0), 0.4, np.array([seed], np.uint64), y)
    ops.dropout_backward(np.full((10, 6), 3.0), 0.4, np.array([seed], np.uint64), dx)
    np.testing.assert_allclose(y.ravel(), np.where(kept, 10, 0))
    np.testing.assert_allclose(dx.ravel(), np.where(kept, 5, 0))


@pytest.mark.parametrize("seed", [1, 2**63, 2**64 - 1])
def test_dropout_drops_its_rate_and_keeps_the_mean(seed):
    x, y = np.ones((200, 500), np.float32), np.empty((200, 500), np.float32)
    ops.dropout_forward(x, 0.3, np.array([seed], np.uint64), y)
    assert np.mean(y == 0) == pytest.approx(0.3, abs=0.01)
    assert np.mean(y) == pytest.approx(1, abs=0.01)


# ---- batch normalisation


def test_batch_norm_by_hand():
    # 1 and 3: mean 2, variance ((1-2)^2 + (3-2)^2)/2 = 1; with epsilon 3 the deviation is sqrt(1 + 3) = 2,
    # x_hat = -0.5 and 0.5; gamma 4 and beta 10 make it 8 and 12.
    y, mean, inverse_std, variance = np.empty((2, 1)), np.empty(1), np.empty(1), np.empty(1)
    ops.batch_norm_forward(column(1, 3), np.array([4.0]), np.array([10.0]), 3.0, y, mean, inverse_std, variance)
    assert (y.ravel().tolist(), mean.item(), inverse_std.item(), variance.item()) == ([8, 12], 2, 0.5, 1)


def test_batch_norm_gradients_by_hand():
    # The same numbers, dy = 1 and 0: dbeta = 1, dgamma = -0.5. g = gamma dy = 4 and 0, so mean(g) = 2,
    # mean(g x_hat) = (4 * -0.5)/2 = -1, and dx = 0.5 (g - 2 + x_hat) = 0.75 and -0.75.
    x, dx, dgamma, dbeta = column(1, 3), np.empty((2, 1)), np.empty(1), np.empty(1)
    ops.batch_norm_backward(x, np.array([4.0]), np.array([2.0]), np.array([0.5]), column(1, 0), dx, dgamma, dbeta)
    assert dx.ravel().tolist() == [0.75, -0.75]
    assert (dgamma.item(), dbeta.item()) == (-0.5, 1)


def test_batch_norm_inference_by_hand():
    # (7 - 1) / sqrt(8 + 1) = 2; 2 * 5 + 1 = 11
    y = np.empty((1, 1))
    parameters = [np.array([value]) for value in (5.0, 1.0, 1.0, 8.0)]  # gamma, beta, moving mean and variance
    ops.batch_norm_inference(column(7), *parameters, 1.0, y)
    assert y.item() == 11


def test_batch_norm_brings_each_channel_of_images_to_mean_0_and_variance_1():
    x = pixels((4, 5, 6, 3)) * [1, 10, 100] + [0, 5, -500]
    y, mean, inverse_std, variance = np.empty_like(x), np.empty(3), np.empty(3), np.empty(3)
    ops.batch_norm_forward(x, np.ones(3), np.zeros(3), 1e-9, y, mean, inverse_std, variance)
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var((0, 1, 2)), 1, rtol=1e-6)
    np.testing.assert_allclose(mean, x.mean((0, 1, 2)))


# ---- loss


def test_softmax_cross_entropy_by_hand():
    # exp(0) = 1, exp(log 3) = 3: probabilities 1/4 and 3/4. The losses of labels 1 and 0 are -log(3/4) and -log(1/4).
    # Gradient: (p - q)/2 = (1/4, 3/4 - 1)/2 and (1/4 - 1, 3/4)/2.
    logits, labels = np.array([[0, np.log(3)], [0, np.log(3)]]), np.array([1, 0])
    probabilities, dlogits = np.empty((2, 2)), np.empty((2, 2))
    losses = np.empty(2)
    ops.softmax_cross_entropy_forward(logits, labels, 0.0, probabilities, losses)
    ops.softmax_cross_entropy_backward(probabilities, labels, 0.0, dlogits)
    np.testing.assert_allclose(losses, [np.log(4 / 3), np.log(4)], rtol=1e-15)
    np.testing.assert_allclose(probabilities, [[0.25, 0.75]] * 2)
    np.testing.assert_allclose(dlogits, [[0.125, -0.125], [-0.375, 0.375]])


def test_label_smoothing_shares_part_of_the_target_between_all_classes():
    logits, labels = pixels((5, 4)), np.array([0, 1, 2, 3, 0])
    target = 0.9 * np.eye(4)[labels] + 0.1 / 4
    probabilities, dlogits = np.empty((5, 4)), np.empty((5, 4))
    losses = np.empty(5)
    ops.softmax_cross_entropy_forward(logits, labels, 0.1, probabilities, losses)
    ops.softmax_cross_entropy_backward(probabilities, labels, 0.1, dlogits)
    np.testing.assert_allclose(losses, -np.sum(target * log_softmax(logits, axis=1), axis=1), rtol=1e-12)
    np.testing.assert_allclose(dlogits, (np.exp(log_softmax(logits, axis=1)) - target) / 5, atol=1e-15)


def test_softmax_survives_logits_whose_powers_overflow():
    y = np.empty((2, 2), np.float32)
    ops.softmax_forward(np.array([[1e4, -1e4], [1e4, 1e4]], np.float32), y)
    assert y.tolist() == [[1, 0], [0.5, 0.5]]


# ---- optimizers


def test_sgd_with_momentum_by_hand():
    # w = 1, lr = 0.1, momentum 0.5, gradient 2 twice: v = -0.2, w = 0.8; v = -0.1 - 0.2 = -0.3, w = 0.5
    w, g, v = np.array([1.0]), np.array([2.0]), np.zeros(1)
    ops.sgd_step(w, g, v, 0.1, 0.5, False, 0.0)
    assert w.item() == pytest.approx(0.8)
    ops.sgd_step(w, g, v, 0.1, 0.5, False, 0.0)
    assert (w.item(), v.item(), g.item()) == (pytest.approx(0.5), pytest.approx(-0.3), 2)


def test_nesterov_adds_the_step_that_the_velocity_is_about_to_make():
    # v = -0.2; w = 1 + 0.5 * -0.2 - 0.2 = 0.7
    w, v = np.array([1.0]), np.zeros(1)
    ops.sgd_step(w, np.array([2.0]), v, 0.1, 0.5, True, 0.0)
    assert (w.item(), v.item()) == (pytest.approx(0.7), pytest.approx(-0.2))


def test_sgd_weight_decay_adds_to_the_gradient():
    # g = 2 + 0.5 * 4 = 4, w = 4 - 0.1 * 4
    w, g = np.array([4.0]), np.array([2.0])
    ops.sgd_step(w, g, None, 0.1, 0.0, False, 0.5)
    assert (w.item(), g.item()) == (pytest.approx(3.6), 2)


def adam_after_one_step(weight_decay, decoupled):
    w, g, m, v = np.array([1.0]), np.array([0.5]), np.zeros(1), np.zeros(1)
    ops.adam_step(w, g, m, v, 1, 0.1, 0.9, 0.99, 1e-12, weight_decay, decoupled)
    assert g.item() == 0.5
    return w.item(), m.item(), v.item()


def test_adams_first_step_is_the_learning_rate_whatever_the_gradient():
    # m = 0.1 * 0.5, v = 0.01 * 0.25, a = 0.1 sqrt(0.01)/0.1 = 0.1; a m / sqrt(v) = 0.1 * 0.05 / 0.05 = 0.1
    assert adam_after_one_step(0.0, False) == pytest.approx((0.9, 0.05, 0.0025))


def test_weight_decay_is_part_of_adams_gradient_but_not_of_adamws():
    # L2: g = 0.5 + 0.3 = 0.8, m = 0.08, v = 0.0064. Decoupled: w = 1 - 0.1 * 0.3 = 0.97 first, m and v as without.
    assert adam_after_one_step(0.3, False) == pytest.approx((0.9, 0.08, 0.0064))
    assert adam_after_one_step(0.3, True) == pytest.approx((0.87, 0.05, 0.0025))


def test_adam_follows_its_formulas_for_several_steps():
    rng = np.random.default_rng(0)
    w, m, v = rng.normal(size=5), np.zeros(5), np.zeros(5)
    expected_w, expected_m, expected_v = w.copy(), m.copy(), v.copy()
    for step in (1, 2, 3):
        g = rng.normal(size=5)
        ops.adam_step(w, g, m, v, step, 0.01, 0.9, 0.999, 1e-7, 0.0, False)
        expected_m = 0.9 * expected_m + 0.1 * g
        expected_v = 0.999 * expected_v + 0.001 * g**2
        alpha = 0.01 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        expected_w -= alpha * expected_m / (np.sqrt(expected_v) + 1e-7)
    np.testing.assert_allclose(w, expected_w, rtol=1e-13)


def test_clipping_shortens_long_gradients_only():
    long, short = np.array([3.0, 4.0]), np.array([0.3, 0.4])
    assert (ops.clip_by_norm(long, 1.0), ops.clip_by_norm(short, 1.0)) == (5, 0.5)
    np.testing.assert_allclose(long, [0.6, 0.8])
    assert short.tolist() == [0.3, 0.4]


@pytest.mark.parametrize("broken", [np.nan, np.inf, 1e200])
def test_clipping_leaves_a_gradient_without_a_finite_norm_alone(broken):
    gradients = np.array([1.0, broken])
    assert not np.isfinite(ops.clip_by_norm(gradients, 1.0))
    np.testing.assert_array_equal(gradients, [1, broken])


# ---- all of them


def test_every_operation_is_listed_and_none_is_missing():
    assert sorted(ops.__all__) == ops.__all__
    assert all(callable(getattr(ops, name)) for name in ops.__all__)
