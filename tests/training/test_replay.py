"""What is played from a recording is, bit by bit, what Python would have done."""

import copy
import gc
import itertools
import weakref

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops
from scratchcnn.training import replay
from scratchcnn.training.step import train_step
from support.fused_networks import ALL_NETWORKS, NETWORKS
from support.marks import without_numba
from support.small_networks import all_arrays, some_digits

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
        monkeypatch.setattr(replay, "RECORDABLE", frozenset())

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


CHANGES = {
    "all of them": lambda model: model.parameters.__imul__(np.float32(1.5)),
    "one of them": lambda model: kernel_of(model).__setitem__((2, 1, 3, 4), 0.75),
    "one of them to NaN": lambda model: kernel_of(model).__setitem__((0, 0, 15, 31), np.nan),
    "from NaN to numbers": lambda model: kernel_of(model).fill(0.125),
    "those of another model": lambda model: model.set_weights(compiled(LAYERS["wide"](), seed=5).get_weights()),
    "in training": lambda model: model.fit(*some_digits(40), batch_size=20, verbose=0),
}


def kernel_of(model):
    """Return the kernel of the second convolution, which is transformed before it is used (Winograd)."""
    return model.layers[4].params["kernel"]  # (3, 3, 16, 32)


@pytest.mark.parametrize("size", [1, 30])
def test_weights_changed_in_any_way_count_from_the_next_answer(size, backend, without_recordings):
    def answers():
        model, images = compiled(LAYERS["wide"]()), some_digits(size)[0]
        told = [model.predict(images).tobytes() for _ in range(3)]
        for change in CHANGES.values():
            change(model)
            told += [model.predict(images).tobytes() for _ in range(2)]
        return told

    played = answers()
    assert len(set(played)) == 1 + len(CHANGES)
    without_recordings()
    assert answers() == played


@pytest.mark.parametrize("size", [1, 30])
def test_models_of_the_same_shapes_answer_in_turns_each_with_its_own_weights(size, backend, without_recordings):
    def answers():
        models, images = [compiled(LAYERS["wide"](), seed=seed) for seed in (1, 2)], some_digits(size)[0]
        told = [model.predict(images).tobytes() for _ in range(4) for model in models]
        models.append(copy.deepcopy(models[0]))
        models[0].parameters[:] *= np.float32(0.5)
        return told + [model.predict(images).tobytes() for _ in range(4) for model in models]

    played = answers()
    assert played[:2] * 4 == played[:8] and len(set(played)) == 3
    without_recordings()
    assert answers() == played


@without_numba
def test_each_implementation_gives_its_own_answers_in_turns():
    model = compiled(NETWORKS["conv-relu"]())
    answers = {"jit": [], "reference": []}
    for name in ("jit", "reference") * 4:
        with ops.using(name):
            answers[name].append(model.predict(some_digits(30)[0]).tobytes())
    assert len(set(answers["jit"])) == len(set(answers["reference"])) == 1
    assert answers["jit"] != answers["reference"]  # they add up in another order


@without_numba
def test_old_recordings_make_room_for_new_ones():
    model = compiled(NETWORKS["conv-relu"]())
    for size in range(1, replay.MOST_RECORDINGS + 5):
        model.predict(some_digits(size)[0])
    assert len(model.recordings) == replay.MOST_RECORDINGS


@without_numba
def test_a_recording_does_not_keep_the_data_set_in_memory():
    model = compiled(NETWORKS["conv-relu"]())
    images, labels = (array.copy() for array in some_digits(80))
    watched = weakref.ref(images)
    for _ in range(3):
        model.fit(images, labels, epochs=3, batch_size=40, verbose=0)
        model.evaluate(images, labels)
    del images
    gc.collect()
    assert watched() is None


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
