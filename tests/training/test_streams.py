"""Iterables of batches, and arrays that are larger than the memory or of another dtype."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import all_arrays, compiled_network, some_digits

X, LABELS = some_digits(100)


def batches(size=32, x=X, y=LABELS):
    return [(x[i : i + size], y[i : i + size]) for i in range(0, len(x), size)]


class Loader:
    """Runs through the batches again each time, as a DataLoader does."""

    def __init__(self, *items):
        self.items = items

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.items)


@pytest.mark.parametrize("source", [list, lambda items: Loader(*items), tuple], ids=["list", "loader", "tuple"])
def test_batches_from_elsewhere_train_as_those_of_arrays_do(source):
    arrays, stream = compiled_network(dropout=0), compiled_network(dropout=0)
    expected = arrays.fit(X, LABELS, epochs=3, shuffle=False, validation_data=(X, LABELS), verbose=0).history
    got = stream.fit(source(batches()), epochs=3, validation_data=source(batches(32)), verbose=0).history
    assert all_arrays(arrays) == all_arrays(stream)
    assert got["loss"] == expected["loss"] and got["accuracy"] == expected["accuracy"]
    np.testing.assert_allclose(got["val_loss"], expected["val_loss"], rtol=1e-6)
    measured = stream.evaluate(source(batches()))
    np.testing.assert_allclose(measured, stream.evaluate(X, LABELS), rtol=1e-6)
    assert stream.predict(source(batches())).tobytes() == stream.predict(X).tobytes()


def test_a_generator_without_an_end_is_cut_into_epochs():
    def endless():
        while True:
            yield from batches()

    steps, whole = compiled_network(dropout=0), compiled_network(dropout=0)
    history = steps.fit(endless(), steps_per_epoch=4, epochs=2, verbose=0).history
    assert history["loss"] == whole.fit(batches(), epochs=2, verbose=0).history["loss"]
    assert all_arrays(steps) == all_arrays(whole)


def test_what_can_be_run_through_again_goes_on_where_the_epoch_ended():
    seen = []

    class Noted(sc.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            seen.append(batch)

    compiled_network().fit(batches(), steps_per_epoch=3, epochs=3, callbacks=Noted(), verbose=0)
    assert seen == [0, 1, 2] * 3


def test_a_generator_can_be_run_through_once():
    model = compiled_network()
    model.fit((item for item in batches()), verbose=0)
    with pytest.raises(ValueError, match="a generator, which can be run through once, and 2 passes are wanted"):
        model.fit((item for item in batches()), epochs=2)
    with pytest.raises(ValueError, match="ended after 4 of the 5 batches"):
        model.fit((item for item in batches()), steps_per_epoch=5, verbose=0)
    assert model.history is not None
    with pytest.raises(ValueError, match="yields no batches"):
        model.fit(Loader(), verbose=0)


def test_batches_may_have_weights():
    weights = np.linspace(0.5, 2, len(X))
    arrays, stream = compiled_network(dropout=0), compiled_network(dropout=0)
    arrays.fit(X, LABELS, sample_weight=weights, class_weight={3: 2.0}, shuffle=False, verbose=0)
    items = [(*item, weights[32 * i : 32 * i + 32]) for i, item in enumerate(batches())]
    stream.fit(items, class_weight={3: 2.0}, verbose=0)
    assert all_arrays(arrays) == all_arrays(stream)


class Tensor:
    """A tensor as PyTorch's: channels first, and a method that moves axes."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __array__(self, dtype=None, copy=None):
        return np.array(self.array, dtype)

    def permute(self, *axes):
        return Tensor(self.array.transpose(axes))


@pytest.mark.parametrize("shape", [(28, 28, 1), (14, 28, 2)])
def test_pytorchs_channels_first_become_last(shape):
    x = (X / 255).astype(np.float32).reshape(-1, *shape)
    last, first = (compiled_network(input_shape=shape, dropout=0) for _ in range(2))
    last.fit(batches(x=x), verbose=0)
    loader = Loader(*((Tensor(images.transpose(0, 3, 1, 2)), Tensor(labels)) for images, labels in batches(x=x)))
    first.fit(loader, verbose=0)
    assert all_arrays(first) == all_arrays(last)
    assert first.predict(loader).tobytes() == last.predict(x).tobytes()


REFUSED = {
    "batch_size": ({"batch_size": 8}, "the size they come in"),
    "sample_weight": ({"sample_weight": np.ones(100)}, r"yield \(images, targets, weights\)"),
    "validation_split": ({"validation_split": 0.1}, "pass validation_data"),
    "augmentation": ({"augmentation": sc.data.Augmentation(rotation=5)}, "where they are made"),
}


@pytest.mark.parametrize("argument", REFUSED)
def test_what_cannot_be_done_to_a_stream_is_refused(argument):
    arguments, message = REFUSED[argument]
    with pytest.raises(ValueError, match=message):
        compiled_network().fit(batches(), **arguments)


def test_a_bad_batch_is_named():
    with pytest.raises(ValueError, match="batch 1 of x: labels must lie between 0 and 9"):
        compiled_network().fit([batches()[0], (X[:5], LABELS[:5] + 20)], verbose=0)
    with pytest.raises(ValueError, match=r"x must yield \(images, targets\)"):
        compiled_network().fit(Loader(X[:5]), verbose=0)
    with pytest.raises(ValueError, match="validation_steps is for iterables"):
        compiled_network().fit(X, LABELS, validation_data=(X, LABELS), validation_steps=3)
    with pytest.raises(ValueError, match="steps_per_epoch is for iterables"):
        compiled_network().fit(X, LABELS, steps_per_epoch=3)


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_images_in_a_file_larger_than_memory_are_never_copied_as_a_whole(kind, tmp_path):
    count = 20_000
    images = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", kind, (count, 28, 28, 1))
    images[:100, ..., 0] = X
    images.flush()
    images, labels = np.load(tmp_path / "x.npy", mmap_mode="r"), np.zeros(count, np.int64)
    model = compiled_network(norm=False, dropout=0)
    model.fit(X, LABELS, batch_size=500, verbose=0)  # buffers and kernels
    tracemalloc.start()
    model.fit(images, labels, batch_size=500, validation_data=(images, labels), verbose=0)
    model.evaluate(images, labels)
    model.predict(images)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < images.nbytes / 2 or peak < 12e6


@pytest.mark.filterwarnings("ignore:the model is trained on images from 0 to 1")
@pytest.mark.parametrize("kind", [np.float64, np.int64, np.float16, ">f4", bool])
@pytest.mark.parametrize("augmentation", [None, sc.data.Augmentation(rotation=5)])
def test_images_of_any_dtype_train_as_those_of_the_models_own(kind, augmentation, tmp_path):
    own, other = compiled_network(dropout=0), compiled_network(dropout=0)
    x = (X > 100) if kind is bool else X.astype(kind)
    own.fit(x.astype(np.float32), LABELS, validation_split=0.2, augmentation=augmentation, verbose=0)
    other.fit(x, LABELS, validation_split=0.2, augmentation=augmentation, verbose=0)
    assert all_arrays(own) == all_arrays(other)
    assert own.history.history == other.history.history
    assert own.predict(x.astype(np.float32)).tobytes() == other.predict(x).tobytes()


def test_a_value_that_is_not_finite_is_found_wherever_it_is():
    x = np.zeros((3000, 28, 28))
    x[2500, 3, 4] = np.nan
    with pytest.raises(ValueError, match=r"image 2500 holds nan at \(3, 4, 0\)"):
        compiled_network().fit(x, np.zeros(3000, int))
    x[2500, 3, 4] = 1e300  # infinite in float32
    with pytest.raises(ValueError, match=r"image 2500 holds inf at \(3, 4, 0\)"):
        compiled_network().predict(x)


@pytest.mark.parametrize(("frequency", "validated"), [(1, [0, 1, 2, 3]), (2, [1, 3]), ([1, 4], [0, 3]), (9, [])])
def test_validation_freq_chooses_the_epochs_that_are_validated(frequency, validated):
    model = compiled_network()
    history = model.fit(X, LABELS, epochs=4, validation_split=0.2, validation_freq=frequency, verbose=0).history
    losses = history.get("val_loss", [np.nan] * 4)
    assert np.flatnonzero(np.isfinite(losses)).tolist() == validated
