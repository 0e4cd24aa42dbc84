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
from support.fused_networks import ALL_NETWORKS, NETWORKS
from support.marks import without_numba
from support.replays import compiled, everything
from support.small_networks import all_arrays, some_digits

LAYERS = {
    **ALL_NETWORKS,
    "norm alone": lambda: [sc.BatchNorm(momentum=0.9), sc.Conv2D(4, 3), sc.ReLU(), sc.MaxPool2D(2), sc.BatchNorm()],
    "leaky relu": lambda: [sc.Conv2D(5, 3, strides=2), sc.LeakyReLU(0.1)],
    "smooth": lambda: [sc.Conv2D(5, 3, strides=2), sc.Tanh(), sc.Sigmoid(), sc.ELU(0.5)],
    "groups": lambda: [sc.Conv2D(4, 3, padding=1), sc.Conv2D(4, 3, groups=4), sc.ReLU(), sc.Conv2D(6, 3, groups=2)],
    "dilated": lambda: [sc.Conv2D(3, 3, dilation_rate=2), sc.BatchNorm(), sc.ReLU(), sc.MaxPool2D(2)],
    "residual": lambda: [
        *(sc.Conv2D(4, 3, strides=2), sc.Residual([sc.Conv2D(4, 3, padding="same"), sc.ReLU(), sc.Dropout(0.3)])),
        *(sc.Residual([sc.Conv2D(6, 3, 2, "same"), sc.BatchNorm()], [sc.Conv2D(6, 1, 2, "same")]), sc.ReLU()),
    ],
    "average pool": lambda: [sc.Conv2D(5, 3), sc.AveragePool2D(2), sc.ReLU()],
    "max pool at the edge": lambda: [sc.MaxPool2D(3, padding="same"), sc.Conv2D(3, 2)],
    "global average pool": lambda: [sc.Conv2D(17, 3), sc.ReLU(), sc.GlobalAveragePool2D()],
    "dropout": lambda: [sc.Dropout(0.3), sc.Conv2D(16, 3, padding="same"), sc.ReLU(), sc.Dropout(0.5)],
    "wide": lambda: [sc.Conv2D(16, 5), sc.ReLU(), sc.MaxPool2D(2), sc.Conv2D(32, 3), sc.ReLU(), sc.MaxPool2D(2)],
    "rescaling inside": lambda: [sc.Conv2D(2, 3), sc.Rescaling(0.5, offset=1), sc.ReLU()],
}


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
