"""The NumPy operations against calculations by hand, and SciPy. Convolutions and pools have files of their own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax

from scratchcnn.ops import AdamSettings, SGDSettings
from scratchcnn.ops import reference as ops
from support.small_arrays import column, pixels


def test_dense_by_hand():
    # (1 2) (1 0 2) + (10 20 30) = (1+6  0+8  2+10) + bias = (17 28 42)
    #       (3 4 5)
    x, kernel, bias = np.array([[1.0, 2.0]]), np.array([[1.0, 0, 2], [3, 4, 5]]), np.array([10.0, 20, 30])
    assert ops.dense_forward(x, kernel, bias).tolist() == [[17, 28, 42]]
    assert ops.dense_forward(x, kernel, None).tolist() == [[7, 8, 12]]


def test_dense_gradients_by_hand():
    # dy = (1 1 0) for both samples (1 2) and (3 4):
    #   dx = dy W^T = (1+0  3+4) for each        dW = x^T dy = (1+3 1+3 0)        db = (2 2 0)
    #                                                          (2+4 2+4 0)
    x, kernel = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 0, 2], [3, 4, 5]])
    dy = np.array([[1.0, 1, 0], [1, 1, 0]])
    dx, dkernel, dbias = ops.dense_backward(x, kernel, dy)
    assert dx.tolist() == [[1, 7], [1, 7]]
    assert dkernel.tolist() == [[4, 4, 0], [6, 6, 0]]
    assert dbias.tolist() == [2, 2, 0]


def test_relu_blocks_the_gradient_where_the_output_is_zero():
    y = ops.relu_forward(column(-1, 0, 2))
    dx = ops.relu_backward(y, column(5, 6, 7))
    assert y.ravel().tolist() == [0, 0, 2]
    assert dx.ravel().tolist() == [0, 0, 7]


def test_relu_does_not_hide_a_nan():
    assert np.isnan(ops.relu_forward(column(np.nan))).all()


def test_leaky_relu_scales_negative_numbers_and_their_gradients():
    x = column(-2, 0, 2)
    y = ops.leaky_relu_forward(x, 0.25)
    dx = ops.leaky_relu_backward(x, 0.25, column(4, 8, 16))
    assert y.ravel().tolist() == [-0.5, 0, 2]
    assert dx.ravel().tolist() == [1, 2, 16]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_rescaling_by_hand(dtype):
    y = ops.rescale_forward(np.array([[0], [200]], dtype), 0.5, -1.0, np.dtype(np.float32))
    dx = ops.rescale_backward(np.array([[2], [4]], np.float32), 0.5)
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
    y = ops.dropout_forward(np.full((10, 6), 6.0), 0.4, seed)
    dx = ops.dropout_backward(np.full((10, 6), 3.0), 0.4, seed)
    np.testing.assert_allclose(y.ravel(), np.where(kept, 10, 0))
    np.testing.assert_allclose(dx.ravel(), np.where(kept, 5, 0))


@pytest.mark.parametrize("seed", [1, 2**63, 2**64 - 1])
def test_dropout_drops_its_rate_and_keeps_the_mean(seed):
    y = ops.dropout_forward(np.ones((200, 500), np.float32), 0.3, seed)
    assert np.mean(y == 0) == pytest.approx(0.3, abs=0.01)
    assert np.mean(y) == pytest.approx(1, abs=0.01)


def test_batch_norm_by_hand():
    # 1 and 3: mean 2, variance ((1-2)^2 + (3-2)^2)/2 = 1; with epsilon 3 the deviation is sqrt(1 + 3) = 2,
    # x_hat = -0.5 and 0.5; gamma 4 and beta 10 make it 8 and 12.
    y, mean, inverse_std, variance = ops.batch_norm_forward(column(1, 3), np.array([4.0]), np.array([10.0]), 3.0)
    assert (y.ravel().tolist(), mean.item(), inverse_std.item(), variance.item()) == ([8, 12], 2, 0.5, 1)


def test_batch_norm_gradients_by_hand():
    # The same numbers, dy = 1 and 0: dbeta = 1, dgamma = -0.5. g = gamma dy = 4 and 0, so mean(g) = 2,
    # mean(g x_hat) = (4 * -0.5)/2 = -1, and dx = 0.5 (g - 2 + x_hat) = 0.75 and -0.75.
    gamma, mean, inverse_std = (np.array([value]) for value in (4.0, 2.0, 0.5))
    dx, dgamma, dbeta = ops.batch_norm_backward(column(1, 3), gamma, mean, inverse_std, column(1, 0))
    assert dx.ravel().tolist() == [0.75, -0.75]
    assert (dgamma.item(), dbeta.item()) == (-0.5, 1)


def test_batch_norm_inference_by_hand():
    # (7 - 1) / sqrt(8 + 1) = 2; 2 * 5 + 1 = 11
    parameters = [np.array([value]) for value in (5.0, 1.0, 1.0, 8.0)]  # gamma, beta, moving mean and variance
    assert ops.batch_norm_inference(column(7), *parameters, 1.0).item() == 11


def test_a_folded_dense_layer_does_what_the_normalisation_after_it_does():
    # The same numbers, of y = 2 x + 3: 5 (2 x + 3 - 1) / 3 + 1 = 10/3 x + 13/3
    gamma, beta, mean, variance = (np.array([value]) for value in (5.0, 1.0, 1.0, 8.0))
    kernel, bias = ops.fold_batch_norm(np.array([[2.0]]), np.array([3.0]), gamma, beta, mean, variance, 1.0)
    assert (kernel.item(), bias.item()) == (pytest.approx(10 / 3), pytest.approx(13 / 3))
    _, without = ops.fold_batch_norm(np.array([[2.0]]), None, gamma, beta, mean, variance, 1.0)
    assert without.item() == pytest.approx(-2 / 3)


def test_batch_norm_brings_each_channel_of_images_to_mean_0_and_variance_1():
    x = pixels((4, 5, 6, 3)) * [1, 10, 100] + [0, 5, -500]
    y, mean, _, _ = ops.batch_norm_forward(x, np.ones(3), np.zeros(3), 1e-9)
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var((0, 1, 2)), 1, rtol=1e-6)
    np.testing.assert_allclose(mean, x.mean((0, 1, 2)))


def test_softmax_cross_entropy_by_hand():
    # exp(0) = 1, exp(log 3) = 3: probabilities 1/4 and 3/4. The losses of labels 1 and 0 are -log(3/4) and -log(1/4).
    # Gradient: (p - q)/2 = (1/4, 3/4 - 1)/2 and (1/4 - 1, 3/4)/2.
    logits, labels = np.array([[0, np.log(3)], [0, np.log(3)]]), np.array([1, 0])
    probabilities, losses = ops.softmax_cross_entropy_forward(logits, labels, 0.0)
    dlogits = ops.softmax_cross_entropy_backward(probabilities, labels, 0.0)
    np.testing.assert_allclose(losses, [np.log(4 / 3), np.log(4)], rtol=1e-15)
    np.testing.assert_allclose(probabilities, [[0.25, 0.75]] * 2)
    np.testing.assert_allclose(dlogits, [[0.125, -0.125], [-0.375, 0.375]])


def test_label_smoothing_shares_part_of_the_target_between_all_classes():
    logits, labels = pixels((5, 4)), np.array([0, 1, 2, 3, 0])
    target = 0.9 * np.eye(4)[labels] + 0.1 / 4
    probabilities, losses = ops.softmax_cross_entropy_forward(logits, labels, 0.1)
    dlogits = ops.softmax_cross_entropy_backward(probabilities, labels, 0.1)
    np.testing.assert_allclose(losses, -np.sum(target * log_softmax(logits, axis=1), axis=1), rtol=1e-12)
    np.testing.assert_allclose(dlogits, (np.exp(log_softmax(logits, axis=1)) - target) / 5, atol=1e-15)


def test_softmax_survives_logits_whose_powers_overflow():
    y = ops.softmax_forward(np.array([[1e4, -1e4], [1e4, 1e4]], np.float32))
    assert y.tolist() == [[1, 0], [0.5, 0.5]]


def test_sgd_with_momentum_by_hand():
    # w = 1, lr = 0.1, momentum 0.5, gradient 2 twice: v = -0.2, w = 0.8; v = -0.1 - 0.2 = -0.3, w = 0.5
    w, g, v = np.array([1.0]), np.array([2.0]), np.zeros(1)
    ops.sgd_step(w, g, v, SGDSettings(0.1, momentum=0.5))
    assert w.item() == pytest.approx(0.8)
    ops.sgd_step(w, g, v, SGDSettings(0.1, momentum=0.5))
    assert (w.item(), v.item(), g.item()) == (pytest.approx(0.5), pytest.approx(-0.3), 2)


def test_nesterov_adds_the_step_that_the_velocity_is_about_to_make():
    # v = -0.2; w = 1 + 0.5 * -0.2 - 0.2 = 0.7
    w, v = np.array([1.0]), np.zeros(1)
    ops.sgd_step(w, np.array([2.0]), v, SGDSettings(0.1, momentum=0.5, nesterov=True))
    assert (w.item(), v.item()) == (pytest.approx(0.7), pytest.approx(-0.2))


def test_sgd_weight_decay_adds_to_the_gradient():
    # g = 2 + 0.5 * 4 = 4, w = 4 - 0.1 * 4
    w, g = np.array([4.0]), np.array([2.0])
    ops.sgd_step(w, g, None, SGDSettings(0.1, weight_decay=0.5))
    assert (w.item(), g.item()) == (pytest.approx(3.6), 2)


def adam_after_one_step(weight_decay, decoupled):
    w, g, m, v = np.array([1.0]), np.array([0.5]), np.zeros(1), np.zeros(1)
    ops.adam_step(w, g, m, v, 1, AdamSettings(0.1, 0.9, 0.99, 1e-12, weight_decay, decoupled))
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
        ops.adam_step(w, g, m, v, step, AdamSettings(0.01, 0.9, 0.999, 1e-7))
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
