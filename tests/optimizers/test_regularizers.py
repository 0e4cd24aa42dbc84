"""Penalties on weights: what is added to the loss in one place and not in its gradient, or the reverse, is never seen.

Loss, gradient and check agree, by ``fit``, from a recording and by hand; in files; and for layers in a fused step.
"""

import copy
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.regularizers import L2
from scratchcnn.training.step import train_step
from support.marks import without_numba
from support.small_networks import all_arrays, some_digits

IMAGES, LABELS = some_digits(60)
CONV, DENSE = 0.01, 0.002


@pytest.fixture(autouse=True)
def on_numpy():
    """What is claimed here is the same on either implementation, and one need not be compiled."""
    with sc.ops.using("reference"):
        yield


def network(conv=CONV, dense=DENSE, **options):
    """Return the small network with penalties on its two kernels."""
    layers = [
        *(sc.Rescaling(1 / 255), sc.Conv2D(4, 3, strides=2, kernel_regularizer=conv and L2(conv))),
        *(sc.BatchNorm(), sc.ReLU(), sc.MaxPool2D(2), sc.Flatten(), sc.Dropout(0.25)),
        sc.Dense(10, kernel_regularizer=dense and L2(dense)),
    ]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), **options)
    model.compile(sc.SGD(0.05, momentum=0.9, global_clipnorm=1.0))
    return model


def penalty(model):
    kernels = model.layers[1].params["kernel"], model.layers[-1].params["kernel"]
    return CONV * (kernels[0].astype(float) ** 2).sum() + DENSE * (kernels[1].astype(float) ** 2).sum()


def gradients(model):
    """Return the gradients of a batch by hand, and the loss without penalties."""
    loss = sc.SoftmaxCrossEntropy()
    mean = loss.forward(model.forward(IMAGES[:20, ..., None], training=True), LABELS[:20])
    model.backward(loss.backward())
    return model.gradients.copy(), mean


@pytest.mark.usefixtures("backend")
def test_backward_adds_twice_l2_times_the_kernel_and_nothing_to_other_parameters():
    model = network()
    difference = gradients(model)[0] - gradients(network(None, None))[0]
    model.gradients[:] = difference
    for layer in model.layers:
        for name, gradient in layer.grads.items():
            l2 = {"conv2d/kernel": CONV, "dense/kernel": DENSE}.get(f"{layer.name}/{name}", 0)
            np.testing.assert_allclose(gradient, 2 * l2 * layer.params[name], atol=1e-7)


def test_the_losses_of_fit_and_evaluate_include_the_penalty_as_in_keras():
    model, plain = network(), network(None, None)
    assert model.regularization_loss() == pytest.approx(penalty(model), rel=1e-12)
    assert plain.regularization_loss() == 0
    expected = gradients(copy.deepcopy(model))[1] + penalty(model)
    images, labels = IMAGES[:20, ..., None], LABELS[:20].astype(np.int64)
    assert train_step(copy.deepcopy(model), images, labels)[0] == pytest.approx(expected, rel=1e-6)
    assert model.evaluate(IMAGES, LABELS)[0] == pytest.approx(plain.evaluate(IMAGES, LABELS)[0] + penalty(model))
    history = model.fit(IMAGES, LABELS, batch_size=60, validation_data=(IMAGES, LABELS), verbose=0).history
    model_loss = model.evaluate(IMAGES, LABELS)[0]
    assert history["val_loss"] == pytest.approx([model_loss])
    assert model_loss > penalty(model) > 0


@pytest.mark.usefixtures("backend")
def test_a_loop_of_ones_own_gives_the_bits_of_fit_with_penalties_and_recordings_too():
    by_fit, by_hand = network(), network()
    by_fit.fit(IMAGES, LABELS, epochs=2, batch_size=10, shuffle=False, verbose=0)  # the third batch is a replay
    loss, optimizer = sc.SoftmaxCrossEntropy(), sc.SGD(0.05, momentum=0.9, global_clipnorm=1.0)
    for images, labels in 2 * list(zip(IMAGES.reshape(-1, 10, 28, 28, 1), LABELS.reshape(-1, 10), strict=True)):
        loss.forward(by_hand.forward(images, training=True), labels)
        by_hand.backward(loss.backward())
        optimizer.step(by_hand.parameters, by_hand.gradients)
    assert by_hand.parameters.tobytes() == by_fit.parameters.tobytes()
    without = network(None, None)
    without.fit(IMAGES, LABELS, epochs=2, batch_size=10, shuffle=False, verbose=0)
    assert without.parameters.tobytes() != by_fit.parameters.tobytes()


@without_numba
def test_a_penalty_changed_in_the_middle_of_a_training_counts_from_the_next_batch():
    with sc.ops.using("jit"):
        changed, other = network(), network()
        for model in (changed, other):
            model.fit(IMAGES, LABELS, batch_size=10, verbose=0)
        changed.layers[1].kernel_regularizer.l2 = 5.0
        changed.layers[-1].kernel_regularizer = None
        images, labels = IMAGES[:10, ..., None], LABELS[:10].astype(np.int64)
        before = [model.layers[1].params["kernel"].copy() for model in (changed, other)]
        losses = [train_step(model, images, labels)[0] for model in (changed, other)]
        assert losses[0] == pytest.approx(losses[1] - penalty_of(before[1], CONV) + penalty_of(before[0], 5.0), abs=0.1)
        assert not np.array_equal(changed.parameters, other.parameters)


def penalty_of(w, l2):
    return l2 * float((w.astype(float) ** 2).sum())


def test_a_fused_step_is_regularized_like_its_layers():
    def trained(fuse):
        conv = [sc.Conv2D(4, 3, kernel_regularizer="l2"), sc.ReLU(), sc.MaxPool2D(2)]
        model = sc.Sequential([*conv, sc.Flatten(), sc.Dense(10)], input_shape=(6, 6, 1), dtype="float64", fuse=fuse)
        model.compile(sc.SGD(0.1))
        x = np.random.default_rng(0).normal(size=(8, 6, 6, 1))
        return model.fit(x, np.arange(8), epochs=3, verbose=0).history["loss"], model.parameters

    (losses, parameters), (losses_apart, parameters_apart) = trained(True), trained(False)
    np.testing.assert_allclose(losses, losses_apart)
    np.testing.assert_allclose(parameters, parameters_apart)


def test_the_gradient_check_of_a_model_includes_the_penalty_in_loss_and_gradient(monkeypatch):
    dense = [sc.Flatten(), sc.Dense(3, kernel_regularizer=L2(0.5))]
    model = sc.Sequential(dense, input_shape=(2, 2, 1))
    assert sc.gradcheck.check_model(model).raise_if_wrong()
    monkeypatch.setattr(L2, "gradient", lambda self, w: self.l2 * w)  # without the 2
    with pytest.raises(AssertionError):
        sc.gradcheck.check_model(model).raise_if_wrong()


def test_penalties_are_copied_saved_and_loaded_with_the_model(tmp_path):
    model = network()
    model.save(tmp_path / "model.npz")
    copies = [sc.load_model(tmp_path / "model.npz"), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    for each in (model, *copies):
        each.fit(IMAGES, LABELS, batch_size=20, verbose=0)
    assert [all_arrays(other) for other in copies] == [all_arrays(model)] * 3


def test_a_layer_that_prints_its_penalty_can_be_written_so():
    for layer in (sc.Dense(3, kernel_regularizer=L2(0.5)), sc.Conv2D(3, 3, kernel_regularizer="l2")):
        twin = eval(repr(layer), vars(sc))
        assert twin.kernel_regularizer.l2 == layer.kernel_regularizer.l2 > 0
    assert "regularizer" not in repr(sc.Dense(3))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1e-4, r"write kernel_regularizer=sc.regularizers.L2\(0.0001\)"),
        ("l1", r"must be a regularizer such as sc.regularizers.L2\(0.01\), or None, got 'l1'"),
        (lambda w: w, "must be a regularizer such as"),
        ({"l1": 1}, "must be a regularizer such as"),
        (True, "must be a regularizer such as"),
    ],
)
@pytest.mark.parametrize("make", [lambda **options: sc.Dense(3, **options), lambda **o: sc.Conv2D(3, 3, **o)])
def test_what_is_no_penalty_is_refused_with_the_line_to_write(make, value, message):
    with pytest.raises(ValueError, match=message) as error:
        make(kernel_regularizer=value)
    if "write " in str(error.value):
        advised = eval(f"dict({str(error.value).split('write ')[1]})", {"sc": sc})
        assert make(**advised).kernel_regularizer.l2 == value
    layer = make(kernel_regularizer="l2")
    with pytest.raises(ValueError, match=message):
        layer.kernel_regularizer = value
    assert layer.kernel_regularizer.l2 == 0.01


@pytest.mark.parametrize("l2", [-1, float("nan"), float("inf"), "a", None])
def test_a_penalty_that_is_no_number_from_zero_on_is_refused(l2):
    with pytest.raises(ValueError, match="l2 must be a"):
        L2(l2)


class Scale(sc.Layer):
    """A layer of one's own with a kernel and a penalty on it."""

    kernel_regularizer = L2(0.25)

    def build(self, input_shape, rng):
        self.add_parameter("kernel", np.ones(input_shape))
        return self.set_shapes(input_shape, input_shape)

    def forward(self, x, training=False):
        self._x = self.as_input(x)
        return self._x * self.params["kernel"]

    def backward(self, dy):
        self.grads["kernel"] = (self._x * dy).sum(axis=0)
        return self.params["kernel"] * dy


def test_a_layer_of_ones_own_can_have_a_penalty():
    model = sc.Sequential([Scale(), sc.Dense(2)], input_shape=(3,))
    assert model.regularization_loss() == 0.75
    assert sc.gradcheck.check_model(model).raise_if_wrong()


def test_a_frozen_layer_has_no_penalty_as_in_keras():
    model = network(dense=None)
    model.layers[1].trainable = False
    assert model.regularization_loss() == 0
    model.layers[1].trainable = True
    assert model.regularization_loss() > 0
