"""A model used by hand in several threads: refused where another has come between, or right."""

import copy
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops
from scratchcnn.training.step import train_step
from support.marks import without_numba
from support.small_networks import all_arrays, compiled_network, some_digits
from support.threads import PATIENCE, Beside, in_another_thread

BETWEEN = {
    "a forward": lambda model, x: model.forward(x),
    "an answer": lambda model, x: model.predict(x),
    "a measurement": lambda model, x: model.evaluate(x, np.arange(len(x)) % 10),
    "an update": lambda model, x: train_step(model, x, np.arange(len(x)) % 10),
    "a training": lambda model, x: model.fit(x, np.arange(len(x)) % 10, verbose=0),
}


@pytest.mark.parametrize("times", [1, 4])  # the fourth time, it is played from a recording
@pytest.mark.parametrize("between", BETWEEN)
def test_a_backward_by_hand_is_refused_after_another_thread_has_used_the_model(between, times, backend):
    model, images, labels = compiled_network(dropout=0), some_digits(20)[0][..., None], np.arange(20) % 10
    others = some_digits(20, 50)[0][..., None]
    for _ in range(times):
        dlogits = np.ones((20, 10), np.float32)
        model.loss.forward(model.forward(images, training=True), labels)
        in_another_thread(lambda: BETWEEN[between](model, others))
        with pytest.raises(RuntimeError, match="has used the same object"):
            model.backward(dlogits)
        with pytest.raises(RuntimeError, match="has used the same object"):
            model.backward(dlogits)  # nor is it right the second time
        if between not in ("a forward", "an answer"):
            with pytest.raises(RuntimeError, match="has used the same object"):
                model.loss.backward()
    model.loss.forward(model.forward(images, training=True), labels)
    model.backward(model.loss.backward())  # after a forward it may be done again


def test_a_loss_by_hand_is_refused_after_another_thread_has_used_it(backend):
    loss, logits = sc.SoftmaxCrossEntropy(), np.zeros((4, 10), np.float32)
    loss.forward(logits, np.arange(4))
    in_another_thread(lambda: loss.forward(logits, np.arange(4) + 1))
    with pytest.raises(RuntimeError, match="has used the same object"):
        loss.backward()
    loss.forward(logits, np.arange(4))
    assert loss.backward().shape == (4, 10)


def test_a_forward_in_one_thread_and_its_backward_in_another_are_no_mistake(backend):
    model, (images, labels) = compiled_network(dropout=0), some_digits(20)
    model.loss.forward(model.forward(images[..., None], training=True), labels)
    model.backward(model.loss.backward())
    expected = model.gradients.copy()
    pools = [ThreadPoolExecutor(1) for _ in range(3)]
    for turn in range(6):  # in turns, as a pool of threads may do
        model.gradients[:] = np.nan
        by = [pools[(turn * step) % 3] for step in (1, 2, 1)]
        logits = by[0].submit(model.forward, images[..., None], True).result(PATIENCE)
        by[0].submit(model.loss.forward, logits, labels).result(PATIENCE)
        by[1].submit(lambda: model.backward(model.loss.backward())).result(PATIENCE)
        np.testing.assert_array_equal(model.gradients, expected)
    for pool in pools:
        pool.shutdown()


def test_a_loop_by_hand_under_the_lock_learns_what_it_learns_alone(backend):
    images, labels = some_digits(20)

    def learnt(beside):
        model = compiled_network(sc.SGD(0.1, momentum=0.9), dropout=0)

        def learn():
            for _ in range(5):
                with model.lock:
                    model.loss.forward(model.forward(images[..., None], training=True), labels)
                    model.backward(model.loss.backward())
                    model.optimizer.step(model.parameters, model.gradients)

        if beside:
            with Beside(lambda: model.predict(images[:3])):
                learn()
        else:
            learn()
        return all_arrays(model)

    assert learnt(beside=True) == learnt(beside=False)


class Squares:
    """A loss of one's own that keeps what it needs, and takes its time."""

    def forward(self, logits, targets):
        self.error = logits - np.eye(10, dtype=logits.dtype)[targets]
        for _ in range(20):
            threading.Event().wait(1e-5)
        return float(np.mean(self.error**2))

    def backward(self):
        return 2 * self.error / self.error.size


@pytest.mark.parametrize("make_loss", [sc.SoftmaxCrossEntropy, Squares])
def test_two_models_that_share_a_loss_learn_at_once_what_they_learn_alone(make_loss):
    def learnt(at_once):
        loss, models = make_loss(), [compiled_network(seed=seed) for seed in (1, 2)]
        for model in models:
            model.compile(sc.SGD(0.1), loss)
        digits = some_digits(60), some_digits(60, 100)
        with ThreadPoolExecutor(2 if at_once else 1) as pool:
            list(pool.map(lambda i: models[i].fit(*digits[i], epochs=3, batch_size=20, verbose=0), range(2)))
        return [all_arrays(model) for model in models]

    assert learnt(at_once=True) == learnt(at_once=False)


def test_averages_of_answers_are_right_in_several_threads():
    models, images = [compiled_network(seed=seed) for seed in (1, 2)], some_digits(12)[0]
    ensemble = sc.Ensemble([*models, sc.ShiftAverage(models[0])])
    expected = [ensemble.predict(images[start : start + 4]).tobytes() for start in range(8)]

    def answers(thread):
        return all(ensemble.predict(images[start : start + 4]).tobytes() == expected[start] for start in range(8))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(answers, range(8)))


def test_a_callback_may_ask_its_own_model_and_wait_for_a_thread_that_asks_it_too():
    with ops.using("reference"):
        model, images = compiled_network(), some_digits(20)
        told = []

        class Asking(sc.callbacks.Callback):
            def on_train_batch_end(self, batch, logs):
                told.append(self.model.predict(images[0]))
                told.append(in_another_thread(lambda: self.model.predict(images[0])))

        model.fit(*images, verbose=0, callbacks=[Asking()])
    np.testing.assert_array_equal(told[0], told[1])


def test_an_error_in_one_thread_does_not_keep_the_model_from_others():
    class Failing(sc.SoftmaxCrossEntropy):
        def forward(self, logits, labels):
            raise KeyError("on purpose")

    with ops.using("reference"):
        model = compiled_network()
        model.compile(sc.SGD(0.1), Failing())
        for use in (model.evaluate, model.fit):
            with pytest.raises(KeyError):
                use(*some_digits(20))
        in_another_thread(lambda: model.predict(some_digits(3)[0]))
        model.compile(sc.SGD(0.1))
        in_another_thread(lambda: model.fit(*some_digits(20), verbose=0))


@without_numba
def test_answers_are_right_while_another_thread_chooses_the_implementation():
    model, images = compiled_network(), some_digits(5)[0]
    expected = {}
    for name in ("jit", "reference"):
        with ops.using(name):
            expected[name] = model.predict(images)

    def choose():
        with ops.using("reference"):
            pass

    before = ops.backend()
    ops.use("jit")
    try:
        with Beside(choose):
            for size in [1, 2, 3, 4, 5] * 40:
                model.recordings.clear() if size == 1 else None
                np.testing.assert_allclose(model.predict(images[:size]), expected["jit"][:size], atol=1e-5)
    finally:
        ops.use(before)


def test_a_copy_or_a_pickle_has_a_lock_of_its_own():
    model, answers = compiled_network(), queue.Queue()
    with model.lock:
        copied = copy.deepcopy(model)
        threading.Thread(target=lambda: answers.put(copied.predict(some_digits(3)[0]))).start()
        assert answers.get(timeout=PATIENCE).shape == (3, 10)
    assert copied.lock is not model.lock
