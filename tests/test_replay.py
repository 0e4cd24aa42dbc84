"""What is played from a recording is, bit by bit, what Python would have done."""

import copy
import itertools

import numpy as np
import pytest
from conftest import without_numba
from small_networks import all_arrays, some_digits
from test_fusion import ALL_NETWORKS, NETWORKS

import scratchcnn as sc
from scratchcnn import ops, replay

LAYERS = {
    **ALL_NETWORKS,
    "norm alone": lambda: [sc.BatchNorm(momentum=0.9), sc.Conv2D(4, 3), sc.ReLU(), sc.MaxPool2D(2), sc.BatchNorm()],
    "leaky relu": lambda: [sc.Conv2D(5, 3, strides=2), sc.LeakyReLU(0.1)],
    "average pool": lambda: [sc.Conv2D(5, 3), sc.AveragePool2D(2), sc.ReLU()],
    "max pool at the edge": lambda: [sc.MaxPool2D(3, padding="same"), sc.Conv2D(3, 2)],
    "global average pool": lambda: [sc.Conv2D(17, 3), sc.ReLU(), sc.GlobalAveragePool2D()],
    "dropout": lambda: [sc.Dropout(0.3), sc.Conv2D(16, 3, padding="same"), sc.ReLU(), sc.Dropout(0.5)],
    "wide": lambda: [sc.Conv2D(16, 5), sc.ReLU(), sc.MaxPool2D(2), sc.Conv2D(32, 3), sc.ReLU(), sc.MaxPool2D(2)],
    "rescaling inside": lambda: [sc.Conv2D(2, 3), sc.Rescaling(0.5, offset=1), sc.ReLU()],
}


def compiled(layers, optimizer=None, **options):
    dense = [] if isinstance(layers[-1], sc.GlobalAveragePool2D) else [sc.Flatten()]
    layers = [sc.Rescaling(1 / 255), *layers, *dense, sc.Dense(20), sc.ReLU(), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(28, 28, 1), **options)
    model.compile(optimizer or sc.Adam(1e-2), sc.SoftmaxCrossEntropy(label_smoothing=0.1))
    return model


def everything(model, **options):
    """Train, measure and ask a model, several times and with batches of two sizes; return all that comes of it."""
    model.fit(*some_digits(100), epochs=3, batch_size=40, verbose=0, **options)
    measured = [model.evaluate(*some_digits(90, start), batch_size=40) for start in (100, 200)]
    answers = [model.predict(some_digits(70, start)[0], batch_size=30).tobytes() for start in (300, 400)]
    return all_arrays(model), model.history.history, measured, answers


@pytest.fixture
def without_recordings(monkeypatch):
    """Return a function that forbids recordings."""

    def forbid():
        monkeypatch.setattr(replay, "KNOWN", frozenset())

    return forbid


@without_numba
@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_a_replay_does_what_python_does_bit_by_bit(name, fuse, without_recordings):
    played = compiled(LAYERS[name](), fuse=fuse)
    results = everything(played)
    assert len(played.recordings) == 6  # training, measuring and asking, with two sizes of a batch each
    without_recordings()
    plain = compiled(LAYERS[name](), fuse=fuse)
    assert everything(plain) == results
    assert not plain.recordings


@without_numba
def test_float64_and_images_of_floats_are_replayed_too(without_recordings):
    images, labels = some_digits(60)
    images = images[..., None] / 255

    def results():
        model = sc.Sequential([*NETWORKS["conv-relu"](), sc.Flatten(), sc.Dense(10)], (28, 28, 1), dtype="float64")
        model.compile()
        model.fit(images, labels, epochs=2, batch_size=20, verbose=0)
        return all_arrays(model), model.predict(images).tobytes(), len(model.recordings)

    *played, recordings = results()
    assert recordings == 2
    without_recordings()
    assert results() == (*played, 0)


def test_settings_changed_in_the_middle_of_a_training_count_from_the_next_batch(backend, without_recordings):
    class Changing(sc.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            changes = itertools.cycle([0.1, 0.6, 0.3])
            rate = [next(changes) for _ in range(batch + 1)][-1]
            dropout = next(layer for layer in self.model.layers if isinstance(layer, sc.Dropout))
            dropout.rate = rate
            self.model.loss.label_smoothing = rate / 2
            self.model.layers[0].scale = rate / 255

    results = everything(compiled(LAYERS["dropout"]()), callbacks=[Changing()])
    without_recordings()
    assert everything(compiled(LAYERS["dropout"]()), callbacks=[Changing()]) == results


@without_numba
def test_a_layer_of_ones_own_is_not_recorded():
    class Doubled(sc.ReLU):
        def forward(self, x, training=False):
            return 2 * super().forward(x, training)

        def backward(self, dy):
            return super().backward(2 * dy)

    model = compiled([sc.Conv2D(3, 3), Doubled()])
    everything(model)
    assert not model.recordings


@without_numba
def test_a_loss_of_ones_own_is_not_recorded():
    class Halved(sc.SoftmaxCrossEntropy):
        def backward(self):
            return super().backward() / 2

    model = compiled(NETWORKS["conv-relu"]())
    model.compile(sc.SGD(0.1), Halved())
    everything(model)
    assert not model.recordings


def test_a_copied_model_learns_by_itself(backend):
    model = compiled(NETWORKS["conv-relu-pool"]())
    model.fit(*some_digits(80), batch_size=40, verbose=0)
    other, before = copy.deepcopy(model), all_arrays(model)
    other.fit(*some_digits(80), batch_size=40, verbose=0)
    assert all_arrays(model) == before
    model.fit(*some_digits(80), batch_size=40, verbose=0)
    assert all_arrays(model) == all_arrays(other)


@without_numba
def test_changing_the_implementation_leaves_the_recordings_of_the_other_one_alone():
    model = compiled(NETWORKS["conv-relu"]())
    with ops.using("jit"):
        expected = model.predict(some_digits(30)[0])
    with ops.using("reference"):
        np.testing.assert_allclose(model.predict(some_digits(30)[0]), expected, rtol=1e-4, atol=1e-6)
    with ops.using("jit"):
        np.testing.assert_array_equal(model.predict(some_digits(30)[0]), expected)


@without_numba
def test_old_recordings_make_room_for_new_ones():
    model = compiled(NETWORKS["conv-relu"]())
    for size in range(1, replay.MOST + 5):
        model.predict(some_digits(size)[0])
    assert len(model.recordings) == replay.MOST


@without_numba
def test_a_recording_does_not_keep_the_data_set_in_memory():
    import gc
    import weakref

    model = compiled(NETWORKS["conv-relu"]())
    images, labels = (array.copy() for array in some_digits(80))
    watched = weakref.ref(images)
    model.fit(images, labels, batch_size=40, verbose=0)
    model.evaluate(images, labels)
    del images
    gc.collect()
    assert watched() is None


def test_a_recording_takes_other_arguments_and_calls_again_what_is_asked_for_each_time(backend):
    calls = []

    def double_relu(x, y):
        ops.each_time(lambda: calls.append(len(calls)))
        ops.relu_forward(x, y)
        ops.rescale_forward(y, 2.0, 0.0, y)

    x, y, others = np.array([-1.0, 2.0]), np.zeros(2), np.zeros(2)
    recording = ops.Recording(double_relu, x, y)
    recording.play(np.array([3.0, -4.0]), others)
    np.testing.assert_array_equal(y, [0, 4])
    np.testing.assert_array_equal(others, [6, 0])
    assert calls == [0, 1]


def test_a_recording_that_fails_leaves_nothing_behind(backend):
    def fails(x):
        ops.relu_forward(x, x)
        raise KeyboardInterrupt

    calls = []
    with pytest.raises(KeyboardInterrupt):
        ops.Recording(fails, np.zeros(3))
    ops.each_time(lambda: calls.append("not recorded"))
    recording = ops.Recording(ops.relu_forward, np.zeros(3), np.zeros(3))
    recording.play(np.zeros(3), np.zeros(3))
    assert calls == ["not recorded"]
