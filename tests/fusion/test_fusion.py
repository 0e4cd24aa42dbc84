"""Layers that run as one step compute what they compute one by one, forward and backward."""

import copy

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.fusion.patterns import (
    FoldedNorm,
    FusedConvReLU,
    FusedConvReLUPool,
    FusedDenseReLU,
    FusedLayer,
    FusedNormReLU,
)
from scratchcnn.gradcheck import check_model
from scratchcnn.network.summary import bytes_kept
from support.fused_networks import ALL_NETWORKS, NETWORKS_WITH_NORM


def network(name, fuse, channels=3):
    """Return a network whose parameters and moving averages are not what they start with."""
    layers = [*ALL_NETWORKS[name](), sc.Flatten(), sc.Dense(4)]
    model = sc.Sequential(layers, input_shape=(13, 12, channels), seed=1, dtype="float64", fuse=fuse)
    rng = np.random.default_rng(3)
    model.parameters += rng.normal(0, 0.3, model.parameters.shape)
    for layer in model.layers:
        if isinstance(layer, sc.BatchNorm):
            layer.params["gamma"][0] *= -1  # then the largest number becomes the smallest
            layer.state["moving_mean"] += rng.normal(0, 0.3, layer.state["moving_mean"].shape)
            layer.state["moving_variance"] *= rng.uniform(0.2, 3, layer.state["moving_variance"].shape)
    return model


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "training"),
    [(name, False) for name in ALL_NETWORKS] + [(name, True) for name in NETWORKS_WITH_NORM],
)
def test_fused_and_unfused_networks_agree_in_outputs_and_gradients(name, training, channels, backend):
    fused, plain = network(name, True, channels), network(name, False, channels)
    assert len(fused.plan) < len(plain.plan) == len(plain.layers)
    rng = np.random.default_rng(2)
    x, dlogits = rng.standard_normal((3, 13, 12, channels)), rng.standard_normal((3, 4))
    same = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(fused.forward(x, training), plain.forward(x, training), **same)
    np.testing.assert_allclose(fused.backward(dlogits), plain.backward(dlogits), **same)
    np.testing.assert_allclose(fused.gradients, plain.gradients, **same)
    with_input_gradient = fused.gradients.copy()
    fused.gradients[:] = np.nan
    assert fused.backward(dlogits, input_gradient=False) is None
    np.testing.assert_allclose(fused.gradients, with_input_gradient, **same)
    for one, other in zip(fused.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, **same)  # the moving averages among them


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", NETWORKS_WITH_NORM)
def test_gradients_of_fused_layers_with_a_batch_norm_are_those_of_their_forward(name, training, backend):
    check_model(network(name, True, channels=1), batch_size=3, training=training, samples=10).raise_if_wrong()


def test_each_pattern_becomes_its_fused_layer():
    def kinds(*layers):
        return [type(layer) for layer in sc.Sequential([*layers], input_shape=(9, 9, 1)).plan]

    assert kinds(sc.Conv2D(2, 3), sc.ReLU(), sc.MaxPool2D(2)) == [FusedConvReLUPool]
    assert kinds(sc.Conv2D(2, 3), sc.MaxPool2D(2), sc.ReLU()) == [FusedConvReLUPool]
    assert kinds(sc.Conv2D(2, 3), sc.ReLU(), sc.AveragePool2D(2)) == [FusedConvReLU, sc.AveragePool2D]
    assert kinds(sc.Flatten(), sc.Dense(3), sc.ReLU(), sc.Dense(2)) == [sc.Flatten, FusedDenseReLU, sc.Dense]
    assert kinds(sc.Conv2D(2, 3), sc.LeakyReLU(), sc.MaxPool2D(2)) == [sc.Conv2D, sc.LeakyReLU, sc.MaxPool2D]
    assert kinds(sc.BatchNorm(), sc.ReLU(), sc.Conv2D(2, 3)) == [FusedNormReLU, sc.Conv2D]
    assert kinds(sc.BatchNorm(), sc.MaxPool2D(2), sc.ReLU()) == [sc.BatchNorm, sc.MaxPool2D, sc.ReLU]
    assert kinds(sc.BatchNorm(), sc.MaxPool2D(2), sc.Conv2D(2, 3)) == [sc.BatchNorm, sc.MaxPool2D, sc.Conv2D]
    assert kinds(sc.Conv2D(2, 3), sc.BatchNorm(), sc.ReLU(), sc.MaxPool2D(2), sc.Flatten()) == [FoldedNorm, sc.Flatten]
    assert kinds(sc.Conv2D(2, 3), sc.BatchNorm(), sc.MaxPool2D(2)) == [FoldedNorm, sc.MaxPool2D]
    assert kinds(sc.Conv2D(2, 3), sc.ReLU(), sc.BatchNorm(), sc.ReLU()) == [FusedConvReLU, FusedNormReLU]
    assert kinds(sc.Flatten(), sc.Dense(3), sc.BatchNorm(), sc.ReLU()) == [sc.Flatten, FoldedNorm]


def test_a_layer_derived_from_a_known_one_is_left_to_itself():
    class Doubled(sc.ReLU):
        def forward(self, x, training=False):
            return 2 * super().forward(x, training)

    model = sc.Sequential([sc.Conv2D(2, 3), Doubled(), sc.BatchNorm(), Doubled()], input_shape=(9, 9, 1))
    assert model.plan == model.layers


@pytest.mark.parametrize("norm", [[], [sc.BatchNorm]])
def test_a_pool_whose_windows_stick_out_of_the_image_is_left_to_itself(norm):
    layers = [sc.Conv2D(2, 3), *(layer() for layer in norm), sc.ReLU(), sc.MaxPool2D(2, padding="same")]
    model = sc.Sequential(layers, input_shape=(9, 9, 1))
    assert [type(layer) for layer in model.plan] == [FoldedNorm if norm else FusedConvReLU, sc.MaxPool2D]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ["conv-relu-pool", "norm-relu", "conv-norm-relu-pool"])
def test_a_nan_in_an_image_is_seen_behind_a_fused_step(name, training, backend):
    model = network(name, True)
    x = np.zeros((1, 13, 12, 3))
    x[0, 4, 4] = np.nan
    assert np.isnan(model.forward(x, training)).all()


@pytest.mark.parametrize("name", NETWORKS_WITH_NORM)
def test_backward_before_any_forward_is_refused(name):
    model = network(name, True)
    fused = next(layer for layer in model.plan if isinstance(layer, FusedLayer))
    with pytest.raises(RuntimeError, match="needs a forward before it"):
        fused.backward(np.zeros((1, *fused.output_shape)))


@pytest.mark.parametrize("name", ALL_NETWORKS)
def test_the_bytes_of_the_summary_are_those_that_a_fused_layer_keeps_in_training(name):
    model, sizes = network(name, True), []
    for images in (1, 2):  # the second one's bytes: not those of a batch's mean and variance
        model.forward(np.zeros((images, 13, 12, 3)), training=True)
        sizes.append([sum(buffer.nbytes for buffer in layer.all_buffers()) for layer in model.plan])
    of_one_image = [after - before for before, after in zip(*sizes, strict=True)]
    assert [bytes_kept(layer) for layer in model.plan] == of_one_image


def test_the_summary_shows_a_fused_norm_and_what_is_kept_for_it(capsys):
    layers = [sc.Conv2D(8, 3), sc.BatchNorm(), sc.ReLU(), sc.MaxPool2D(2), sc.Flatten(), sc.Dense(10)]
    sc.Sequential(layers, input_shape=(28, 28, 1)).summary()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[:2] for row in rows[3:6]] == [["+", "batch_norm"], ["+", "relu"], ["+", "max_pool2d"]]
    # the outputs of the convolution and of the ReLU, 26*26*8 numbers each, the pool's 13*13*8 and where each was found
    assert rows[5][-1] == f"{2 * 26 * 26 * 8 * 4 + 13 * 13 * 8 * (4 + 1):,}"


# ---- several steps of training


@pytest.mark.parametrize("name", NETWORKS_WITH_NORM)
def test_trained_fused_and_unfused_networks_have_the_same_weights_and_state(name, backend):
    rng = np.random.default_rng(4)
    images, labels = rng.standard_normal((20, 13, 12, 3)), rng.integers(0, 4, 20)
    fused, plain = network(name, True), network(name, False)
    for model in (fused, plain):
        model.compile(sc.SGD(0.01, momentum=0.9))
        model.fit(images, labels, batch_size=8, epochs=2, verbose=0)
    for one, other in zip(fused.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(fused.predict(images), plain.predict(images), rtol=1e-9)


def test_answers_always_come_from_the_latest_weights():
    model, other = network("conv-norm-relu-pool", True), network("conv-norm-relu-pool", False)
    x = np.random.default_rng(5).standard_normal((2, 13, 12, 3))
    before = model.predict(x)
    for each in (model, other):
        each.set_weights([weight * 1.1 for weight in each.get_weights()])
    np.testing.assert_allclose(model.predict(x), other.predict(x), rtol=1e-12)
    assert not np.allclose(model.predict(x), before)


def test_a_copied_model_answers_from_weights_of_its_own():
    model = network("conv-norm-relu-pool", True)
    x = np.random.default_rng(5).standard_normal((2, 13, 12, 3))
    before = model.predict(x)
    twin = copy.deepcopy(model)
    model.parameters.fill(0)
    assert np.array_equal(twin.predict(x), before)
    assert all(twin.plan[0].params[name] is twin.layers[1].params[name] for name in ("gamma", "beta"))
