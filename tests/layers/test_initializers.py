"""Initial weights have the variance that their papers ask for."""

from __future__ import annotations

import numpy as np
import pytest

from scratchcnn.layers.initializers import INITIALIZERS

FAN_IN, FAN_OUT = 300, 100
VARIANCES = {"lecun": 1 / 300, "glorot": 2 / 400, "he": 2 / 300}


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("family", VARIANCES)
def test_weights_have_mean_zero_and_the_variance_of_their_family(family, distribution):
    initialize = INITIALIZERS[f"{family}_{distribution}"]
    weights = initialize((FAN_IN, FAN_OUT), FAN_IN, FAN_OUT, np.random.default_rng(0), np.float64)
    assert weights.var() == pytest.approx(VARIANCES[family], rel=0.03)
    assert weights.mean() == pytest.approx(0, abs=3 * weights.std() / np.sqrt(weights.size))


def test_a_uniform_distribution_ends_at_its_limit_and_a_normal_one_is_cut_off():
    rng = np.random.default_rng(0)
    uniform = INITIALIZERS["glorot_uniform"]((FAN_IN, FAN_OUT), FAN_IN, FAN_OUT, rng, np.float64)
    normal = INITIALIZERS["lecun_normal"]((FAN_IN, FAN_OUT), FAN_IN, FAN_OUT, rng, np.float64)
    assert 0.99 < np.abs(uniform).max() / np.sqrt(6 / 400) <= 1
    assert 0.99 < np.abs(normal).max() / (2 * np.sqrt(1 / 300) / 0.87962566) <= 1.0001


@pytest.mark.parametrize("name", INITIALIZERS)
def test_a_seed_gives_the_same_weights_in_both_precisions(name):
    draw = INITIALIZERS[name]
    single, double = (draw((3, 3, 2, 4), 18, 36, np.random.default_rng(5), dtype) for dtype in (np.float32, np.float64))
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    assert np.array_equal(single, double.astype(np.float32))
