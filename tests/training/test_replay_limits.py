"""What a recording must not keep, mix up or play: other arguments, methods replaced, arrays freed."""

import gc
import weakref

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops
from scratchcnn.training.step import train_step
from support.fused_networks import ALL_NETWORKS, NETWORKS
from support.marks import without_numba
from support.replays import compiled, everything
from support.small_networks import all_arrays, some_digits


def double_relu(x, y):
    ops.relu_forward(x, out=y)
    ops.rescale_forward(y, 2.0, 0.0, y.dtype, out=y)


class Counting:
    """Stands for a generator of random numbers, and counts how often it is asked."""

    drawn = 0

    def integers(self, limit, dtype):
        self.drawn += 1
        return self.drawn


@without_numba
def test_a_recording_takes_other_arguments_and_draws_another_seed_each_time():
    rng, seeds = Counting(), []

    def counted(x, y):
        seeds.append(ops.draw_seed(rng))
        double_relu(x, y)

    x, y, others = np.array([-1.0, 2.0]), np.zeros(2), np.zeros(2)
    with ops.using("jit"):
        recording = ops.record(counted, x, y)
        recording.play(np.array([3.0, -4.0]), others)
    np.testing.assert_array_equal(y, [0, 4])
    np.testing.assert_array_equal(others, [6, 0])
    assert rng.drawn == 2 and seeds == [2]


@without_numba
def test_a_recording_that_fails_leaves_nothing_behind():
    operand = np.zeros(3)
    watched = weakref.ref(operand)

    def fails(x):
        double_relu(x, x)
        raise KeyboardInterrupt

    with ops.using("jit"):
        with pytest.raises(KeyboardInterrupt):
            ops.record(fails, operand)
        ops.relu_forward(operand, out=operand)
    del operand
    gc.collect()
    assert watched() is None


@without_numba
def test_a_recording_inside_another_one_takes_nothing_from_it():
    x, y = np.array([-1.0, 2.0]), np.zeros(2)
    rng = Counting()

    def outer(x, y):
        ops.record(double_relu, x, y)
        ops.draw_seed(rng)

    with ops.using("jit"):
        ops.record(outer, x, y).play(x, y)
    assert rng.drawn == 2


def test_labels_that_are_changed_in_the_middle_of_a_training_are_checked(backend):
    images, labels = some_digits(60)
    labels = labels.astype(np.int64)

    class Spoiling(sc.callbacks.Callback):
        def on_epoch_begin(self, epoch):
            if epoch == 4:
                labels[:] = 10**12

    model = compiled(NETWORKS["conv-relu"]())
    with pytest.raises(ValueError, match="must lie between 0 and 9"):
        model.fit(images, labels, epochs=6, batch_size=20, verbose=0, callbacks=[Spoiling()])


def test_a_step_refuses_labels_that_do_not_exist_also_when_it_is_a_replay(backend):
    model, (images, labels) = compiled(NETWORKS["conv-relu"]()), some_digits(20)
    images, labels = images[..., None], labels.astype(np.int64)
    for _ in range(4):
        train_step(model, images, labels)
    before = all_arrays(model)
    for wrong in (labels + 60, labels - 10):
        with pytest.raises(ValueError, match="must lie between 0 and 9"):
            train_step(model, images, wrong)
    assert all_arrays(model) == before


def patched_forward(model, part):
    original = part.forward
    part.forward = lambda *arguments, **named: original(*arguments, **named) * np.float32(0.5)


PATCHES = {
    "layer": lambda model: patched_forward(model, model.layers[2]),
    "last layer": lambda model: patched_forward(model, model.layers[-1]),
    "model": lambda model: patched_forward(model, model),
    "loss": lambda model: patched_forward(model, model.loss),
}


@pytest.mark.parametrize("part", PATCHES)
def test_a_method_that_is_replaced_is_called_for_each_batch(part, without_recordings):
    played = compiled(NETWORKS["conv-relu"](), fuse=False)
    played.fit(*some_digits(60), epochs=4, batch_size=20, verbose=0)
    PATCHES[part](played)
    results = everything(played)
    without_recordings()
    plain = compiled(NETWORKS["conv-relu"](), fuse=False)
    plain.fit(*some_digits(60), epochs=4, batch_size=20, verbose=0)
    PATCHES[part](plain)
    assert everything(plain) == results


@without_numba
def test_a_model_of_ones_own_class_is_not_recorded():
    class Cooler(sc.Sequential):
        def forward(self, x, training=False):
            return super().forward(x, training) / 3

    model = Cooler([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], (28, 28, 1))
    model.compile()
    everything(model)
    assert not model.recordings


def test_what_a_loss_of_ones_own_says_is_what_is_reported(backend):
    class Shifted(sc.SoftmaxCrossEntropy):
        def forward(self, logits, labels):
            return super().forward(logits, labels) + 100

    model = compiled(NETWORKS["conv-relu"]())
    model.compile(loss=Shifted())
    history = model.fit(*some_digits(60), validation_data=some_digits(20, 100), verbose=0).history
    assert 100 < history["loss"][0] < 110 and 100 < history["val_loss"][0] < 110


def test_statistics_that_are_replaced_count_from_the_next_batch(backend, without_recordings):
    def results():
        model = compiled(ALL_NETWORKS["norm-relu"]())
        model.fit(*some_digits(60), epochs=4, batch_size=20, verbose=0)
        model.layers[1].state["moving_mean"] = np.full(1, 0.5, np.float32)
        return everything(model)

    played = results()
    without_recordings()
    assert results() == played


@without_numba
def test_a_backward_by_hand_after_a_replay_asks_for_a_forward():
    model = compiled(ALL_NETWORKS["conv-norm-relu-pool"]())
    model.fit(*some_digits(60), epochs=4, batch_size=20, verbose=0)
    with pytest.raises(RuntimeError, match="needs a forward before it"):
        model.loss.backward()
    with pytest.raises(RuntimeError, match="needs a forward before it"):
        model.backward(np.zeros((20, 10), np.float32))


@without_numba
def test_an_answer_fed_back_into_the_model_stays_as_it_is():
    model = sc.Sequential([sc.Dense(10), sc.Dense(10)], (10,))
    own = model.forward(np.random.default_rng(0).normal(size=(4, 10)).astype(np.float32))
    others = own.copy() + 1
    for _ in range(4):
        model.predict(own)  # overwrites it: it is the model's own memory
    before = others.copy()
    for _ in range(4):
        model.predict(others)
    np.testing.assert_array_equal(others, before)


def test_logits_that_are_the_images_themselves_are_those_of_each_batch(backend):
    model = sc.Sequential([sc.Flatten()], (10,))
    model.compile()
    labels = np.arange(80) % 10
    assert model.evaluate(np.eye(10, dtype=np.float32)[labels] * 9, labels, batch_size=20)[1] == 1


@without_numba
def test_a_model_is_freed_with_its_recordings():
    model = compiled(NETWORKS["conv-relu"]())
    everything(model)
    watched = weakref.ref(model)
    del model
    assert watched() is None


@without_numba
def test_a_transformed_kernel_is_that_of_the_weights_and_goes_with_them():
    from scratchcnn.ops.jit.runtime.scratch import _kept

    x, kernel = np.random.default_rng(0).normal(size=(3, 8, 8, 16)), np.zeros((3, 3, 16, 24))
    number = id(kernel)
    window = ops.Window((3, 3), (1, 1), (1, 1), (8, 8), (8, 8))
    y, all_of_them = np.empty((1, 8, 8, 24)), np.empty((3, 8, 8, 24))
    for place in (None, (2, 2, 15, 23), (0, 0, 0, 0), (1, 0, 7, 11)):
        if place:
            kernel[place] += 1.5
        for image in (0, 2):
            ops.conv_forward(x[image : image + 1], kernel, None, window, out=y)
            ops.conv_forward(x, kernel.copy(), None, window, out=all_of_them)
            np.testing.assert_array_equal(y[0], all_of_them[image])
            assert y.any() == (place is not None)
    assert number in {owner for owner, *_ in _kept}
    del kernel
    assert number not in {owner for owner, *_ in _kept}


@without_numba
def test_the_address_of_an_array_is_that_of_its_first_number():
    from scratchcnn.ops.jit.runtime.addresses import new_address_of

    numbers = np.arange(24.0).reshape(4, 6)
    read_only = numbers[2:].view()
    read_only.flags.writeable = False
    for array in (numbers, numbers[1:], read_only, np.frombuffer(b"bytes", np.uint8), np.empty((0, 3))):
        assert new_address_of(array) == array.ctypes.data
