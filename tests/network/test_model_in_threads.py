"""One model in several threads gives each its own answers, and learns what it would have learnt alone.

Stands for faults where one thread's numbers end in another's hands.
"""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops
from support.marks import without_numba
from support.small_networks import all_arrays, compiled_network, some_digits
from support.threads import PATIENCE, Beside, in_another_thread


@without_numba
@pytest.mark.parametrize("sizes", [(1,), (1, 2, 5, 9)])
def test_eight_threads_get_two_thousand_answers_and_none_is_wrong(sizes):
    model, images = compiled_network(dropout=0), some_digits(40)[0]
    parts = [images[start : start + sizes[start % len(sizes)]] for start in range(30)]
    expected = [model.predict(part).tobytes() for part in parts]

    def answers(thread):
        places = [(thread + 3 * turn) % len(parts) for turn in range(250)]
        return sum(model.predict(parts[place]).tobytes() != expected[place] for place in places)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(answers, range(8))) == 0


def trained(beside=None, **options):
    """Return all arrays of a model that was trained, perhaps while another thread uses it."""
    model = compiled_network()
    images, labels = some_digits(120)
    options = {"validation_split": 0.1, **options}
    callbacks = [sc.ExponentialMovingAverage(0.9), sc.callbacks.EarlyStopping(restore_best_weights=True)]
    if beside is None:
        model.fit(images, labels, epochs=6, batch_size=20, verbose=0, callbacks=callbacks, **options)
    else:
        with Beside(lambda: beside(model)) as other:
            model.fit(images, labels, epochs=6, batch_size=20, verbose=0, callbacks=callbacks, **options)
        assert other.calls > 0
    return all_arrays(model)


def ask_all_sizes(model):
    images, labels = some_digits(64, 200)
    for size in (1, 64, 7, 30):
        model.predict(images[:size], batch_size=32)
    model.evaluate(images, labels)


@pytest.mark.parametrize("augmentation", [None, sc.data.Augmentation(shift=2)])
def test_training_ends_in_the_same_bits_while_another_thread_asks_the_model(augmentation):
    expected = trained(augmentation=augmentation)
    assert trained(ask_all_sizes, augmentation=augmentation) == expected


@pytest.mark.filterwarnings("ignore:lr_find")
def test_training_ends_in_the_same_bits_beside_copies_and_lr_find():
    with ops.using("reference"):
        model, images = compiled_network(), some_digits(60)
        with Beside(lambda: look_without_writing(model)) as other:
            model.fit(*images, epochs=3, batch_size=20, verbose=0)
        alone = compiled_network()
        alone.fit(*images, epochs=3, batch_size=20, verbose=0)
    assert other.calls > 0 and all_arrays(model) == all_arrays(alone)


def look_without_writing(model):
    copy.deepcopy(model).predict(some_digits(3)[0])
    sc.lr_find(model, *some_digits(40), steps=3, sweeps=1, batch_size=20, verbose=0)


def test_weights_files_and_copies_are_those_of_one_moment_of_a_training(tmp_path):
    class Counting(sc.SGD):  # all parameters of a moment are the same number
        def update(self, parameters, gradients, learning_rate):
            for part in np.array_split(parameters, 50):
                part += 1

    with ops.using("reference"):
        model = compiled_network(norm=False, dropout=0)
        model.compile(Counting(1e-9))
        model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
        seen = []

        def look():
            seen.append({float(number) for weight in model.get_weights() for number in (weight.min(), weight.max())})
            seen.append(set(copy.deepcopy(model).parameters.tolist()))
            model.save(tmp_path / "model.npz", include_optimizer=False)
            seen.append(set(sc.load_model(tmp_path / "model.npz").parameters.tolist()))

        with Beside(look):
            model.fit(*some_digits(60), epochs=10, batch_size=4, verbose=0)
    assert len(seen) > 6 and {len(numbers) for numbers in seen} == {1}


def test_two_fits_of_one_model_at_once_are_refused_and_the_first_goes_on():
    images = some_digits(20)

    class Meddling(sc.callbacks.Callback):
        def on_epoch_begin(self, epoch):
            with pytest.raises(RuntimeError, match="another thread is training this model"):
                in_another_thread(lambda: self.model.fit(*images, verbose=0))
            in_another_thread(lambda: copy.deepcopy(self.model).fit(*images, verbose=0))  # as the message advises

    with ops.using("reference"):
        model, alone = compiled_network(), compiled_network()
        model.fit(*images, epochs=2, verbose=0, callbacks=[Meddling()])
        alone.fit(*images, epochs=2, verbose=0)
        assert all_arrays(model) == all_arrays(alone)
        in_another_thread(lambda: model.fit(*images, verbose=0))  # one after the other


def test_a_training_can_be_ended_from_another_thread():
    with ops.using("reference"):
        model, begun = compiled_network(), threading.Event()

        def stop():
            assert begun.wait(PATIENCE)
            model.stop_training = True

        class Telling(sc.callbacks.Callback):
            def on_train_batch_end(self, batch, logs):
                begun.set()

        thread = threading.Thread(target=stop)
        thread.start()
        history = model.fit(*some_digits(20), epochs=100_000, verbose=0, callbacks=[Telling()])
        thread.join(PATIENCE)
    assert 1 <= len(history.epoch) < 100_000
