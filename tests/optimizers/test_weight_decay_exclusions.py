"""What weight decay leaves out: by name, by layer, in copies and files, and after a freeze."""

import copy
import json
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import all_arrays, compiled_network, small_network, some_digits
from support.weight_decays import both_backends

pytestmark = pytest.mark.usefixtures("reference")


IMAGES, LABELS = some_digits(60)


NO_BIAS = ["bias", "gamma", "beta"]


OPTIMIZERS = {
    "sgd": lambda: sc.SGD(0.05, momentum=0.9, weight_decay=0.5),
    "adam": lambda: sc.Adam(1e-2, weight_decay=0.5),
    "adamw with a penalty": lambda: sc.AdamW(1e-2, weight_decay=0.5, l2_penalty=0.1),
}


def trained(optimizer, steps=1, model=None):
    """Return the small network after a few steps by hand, of which the optimizer knows only the two vectors."""
    model, loss = model or small_network(), sc.SoftmaxCrossEntropy()
    for images, labels in zip(IMAGES.reshape(-1, 20, 28, 28, 1)[:steps], LABELS.reshape(-1, 20), strict=False):
        loss.forward(model.forward(images, training=True), labels)
        model.backward(loss.backward())
        optimizer.step(model.parameters, model.gradients)
    return model


def fitted(optimizer, model=None):
    model = model or small_network()
    model.compile(optimizer)
    model.fit(IMAGES, LABELS, batch_size=20, shuffle=False, verbose=0)
    return model


def decayed_names(optimizer, exclude):
    """Return which parameters one step leaves otherwise than the same step without weight decay."""
    with_decay, without = [small_network() for _ in range(2)]
    for model in (with_decay, without):
        model.parameters += 0.5  # biases start at 0, where a decay is not seen
    exclude(optimizer, with_decay)
    optimizer.build(with_decay.parameters, with_decay.named_parameters())
    trained(optimizer, model=with_decay)
    plain = type(optimizer)(**{**optimizer.config(), "weight_decay": 0})
    trained(plain, model=without)
    pairs = zip(with_decay.named_parameters().items(), without.named_parameters().values(), strict=True)
    return {name for (name, one), other in pairs if not np.array_equal(one, other)}


KERNELS = {"conv2d/kernel", "dense/kernel"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_is_excluded_keeps_the_bits_of_no_decay_and_the_rest_decays(name):
    def left(**what):
        return decayed_names(OPTIMIZERS[name](), lambda optimizer, _: optimizer.exclude_from_weight_decay(**what))

    everything = {*KERNELS, "conv2d/bias", "batch_norm/gamma", "batch_norm/beta", "dense/bias"}
    assert left() == everything
    assert left(var_names=NO_BIAS) == KERNELS
    assert left(var_names=["dense/"]) == everything - {"dense/kernel", "dense/bias"}
    assert left(var_names=["norm", "conv2d/kernel"]) == {"conv2d/bias", *(n for n in everything if "dense" in n)}
    assert left(var_names=["/"]) == set()


def test_layers_and_single_parameters_are_excluded_too():
    def exclude(optimizer, model):
        optimizer.exclude_from_weight_decay([model.layers[2], model.layers[1].params["bias"]], ["dense/bias"])

    assert decayed_names(sc.AdamW(1e-2), exclude) == KERNELS


@both_backends
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_exclusions_hold_in_fit_and_in_a_loop_of_ones_own_to_the_same_bits(name):
    one, other, third = (OPTIMIZERS[name]() for _ in range(3))
    one.exclude_from_weight_decay(var_names=NO_BIAS)
    by_fit = fitted(one)
    other.exclude_from_weight_decay(var_names=NO_BIAS)
    by_hand = small_network()
    with pytest.raises(ValueError, match="given names, and a vector has none; before the first step, call") as error:
        other.step(by_hand.parameters, by_hand.gradients)
    exec(str(error.value).split("call ")[1], {"optimizer": other, "model": by_hand})
    trained(other, 3, by_hand)
    assert by_hand.parameters.tobytes() == by_fit.parameters.tobytes()
    by_layers = small_network()
    conv, norm, dense = (layer for layer in by_layers.layers if layer.params)
    third.exclude_from_weight_decay([norm, conv.params["bias"], dense.params["bias"]])
    trained(third, 3, by_layers)
    assert by_layers.parameters.tobytes() == by_fit.parameters.tobytes()


@pytest.mark.parametrize("late", [False, True])
def test_exclusions_are_copied_saved_and_loaded_with_the_model(late, tmp_path):
    optimizer, model = sc.SGD(0.05, momentum=0.9, weight_decay=0.5), small_network()
    if not late:
        optimizer.exclude_from_weight_decay(var_names=NO_BIAS)
    model.compile(optimizer)
    if late:
        optimizer.exclude_from_weight_decay(var_names=NO_BIAS)
    model.save(tmp_path / "model.npz")
    copies = [sc.load_model(tmp_path / "model.npz"), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    expected = all_arrays(trained(optimizer, 3, model))
    assert expected != all_arrays(fitted(sc.SGD(0.05, momentum=0.9, weight_decay=0.5)))
    for other in copies:
        assert all_arrays(trained(other.optimizer, 3, other)) == expected


@pytest.mark.parametrize("place", [1, 2, -1])
def test_exclusions_follow_layers_that_are_frozen_and_thawed(place):
    flipped, usual = small_network(), small_network()
    for model in (flipped, usual):
        model.compile(sc.SGD(0.05, weight_decay=0.5))
        model.optimizer.exclude_from_weight_decay([model.layers[1]], var_names=["dense/bias", "gamma"])
    flipped.layers[place].trainable = False
    flipped.lay_out()
    decayed = [part.stop - part.start for part in flipped.optimizer._decayed]
    assert sum(decayed) == {1: 4 + 1440, 2: 1440, -1: 4}[place]  # beta and the kernel of the dense layer, if not frozen
    flipped.layers[place].trainable = True
    assert all_arrays(trained(flipped.optimizer, 3, flipped)) == all_arrays(trained(usual.optimizer, 3, usual))


def test_a_later_call_replaces_what_was_excluded_before():
    def exclude(optimizer, model):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])
        optimizer.build(model.parameters, model.named_parameters())
        optimizer.exclude_from_weight_decay(var_names=NO_BIAS)

    assert decayed_names(sc.AdamW(1e-2), exclude) == KERNELS


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"var_names": ["biass"]}, "no parameter has 'biass' in its name, .* there are conv2d/kernel, conv2d/bias, "),
        ({"var_names": "bias"}, r"var_names must be a list, got a string; pass \['bias'\]"),
        ({"var_names": [""]}, "var_names must hold parts of names such as \"bias\", got ''"),
        ({"var_list": ["bias"]}, "got 'bias'; names go into var_names"),
        ({"var_list": [np.zeros(4)]}, r"an array of shape \(4,\) in var_list is no parameter of this model"),
        ({"var_list": sc.Dense(3)}, "var_list must be a list .* put it in brackets"),
    ],
)
def test_an_exclusion_that_means_nothing_is_refused(what, message):
    optimizer = sc.AdamW()
    with pytest.raises(ValueError, match=message):
        optimizer.exclude_from_weight_decay(**what)
        small_network().compile(optimizer)
    compiled = compiled_network(sc.AdamW())
    with pytest.raises(ValueError, match=message):
        compiled.optimizer.exclude_from_weight_decay(**what)
    assert compiled.optimizer.excluded == sc.AdamW().excluded


def test_a_parameter_of_another_model_is_no_exclusion_by_hand_either():
    optimizer, other = sc.AdamW(), small_network()
    optimizer.exclude_from_weight_decay([other.layers[1]])
    with pytest.raises(ValueError, match="is no parameter of this model"):
        trained(optimizer)


def test_the_penalty_on_every_parameter_excludes_none_and_says_so():
    with pytest.raises(ValueError, match="l2_penalty falls on every parameter; use weight_decay, or give the layers"):
        sc.SGD(l2_penalty=1e-3).exclude_from_weight_decay(var_names=NO_BIAS)


@pytest.mark.parametrize(
    ("optimizer", "as_it_was"),
    [
        (sc.SGD(0.05, momentum=0.9, nesterov=True, l2_penalty=0.1), {"momentum": 0.9, "nesterov": True}),
        (sc.Adam(1e-2, l2_penalty=0.1), {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
        (sc.AdamW(1e-2, weight_decay=0.1), {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
    ],
    ids=repr,
)
def test_a_file_from_when_weight_decay_was_a_penalty_goes_on_as_it_was_trained(optimizer, as_it_was, tmp_path):
    model = compiled_network(copy.copy(optimizer))
    model.save(tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as archive:
        arrays = dict(archive)
    config = json.loads(str(arrays["config"]))
    settings = {"learning_rate": optimizer.learning_rate, "weight_decay": 0.1, "global_clipnorm": None, **as_it_was}
    config["optimizer"] = {"class": type(optimizer).__name__, "config": settings}
    np.savez(tmp_path / "old.npz", **{**arrays, "config": np.array(json.dumps(config))})
    old = sc.load_model(tmp_path / "old.npz")
    assert old.optimizer.config() == optimizer.config()
    assert all_arrays(trained(old.optimizer, 3, old)) == all_arrays(trained(model.optimizer, 3, model))
