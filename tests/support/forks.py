"""Processes forked from one that has trained; the tests run this in a process of its own, where a hang does no harm."""

import multiprocessing
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor

import scratchcnn as sc
from support.small_networks import all_arrays, compiled_network, some_digits

PATIENCE = 20  # seconds
IMAGES, LABELS = some_digits(100)


def trained_network(seed=0):
    model = compiled_network(seed=seed)
    model.fit(IMAGES, LABELS, epochs=3, batch_size=40, verbose=0)
    return model


def answers(model):
    """Return what a model says, from recordings of its own or not."""
    return [model.predict(IMAGES[:size]).tobytes() for size in (100, 7, 100)]


def training(seed):
    return all_arrays(trained_network(seed))


def never_compiled(seed):
    """Train on kernels that the parent has not used."""
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], (28, 28, 1), seed, "float64")
    model.compile(sc.SGD(0.1))
    model.fit(IMAGES, LABELS, batch_size=40, verbose=0)
    return all_arrays(model)


def check_pools(method="fork"):
    """Assert that two processes answer and train as their parent does, before and after."""
    context, model = multiprocessing.get_context(method), trained_network()
    told, learnt = answers(model), training(1)
    with context.Pool(2) as pool:
        assert pool.map_async(answers, [model] * 4).get(PATIENCE) == [told] * 4
        assert pool.map_async(training, [1] * 4).get(PATIENCE) == [learnt] * 4
        by_a_child = pool.apply_async(never_compiled, [1]).get(4 * PATIENCE)
    assert by_a_child == never_compiled(1)
    with ProcessPoolExecutor(2, context) as executor:
        assert list(executor.map(answers, [model] * 2, timeout=PATIENCE)) == [told] * 2
    assert answers(model) == told and training(1) == learnt


def in_a_fork(function):
    """Return whether a function is true in a forked process, within the time allowed."""
    child = os.fork()
    if child == 0:
        is_true = False
        try:
            is_true = function()
        finally:
            os._exit(0 if is_true else 1)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.001)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def check_forks_beside_threads():
    """Assert that children answer rightly whatever the threads of the parent do, and so do theirs."""
    model = trained_network()
    told = answers(model)

    def is_right():
        return answers(model) == told

    def is_right_twice():
        return is_right() and in_a_fork(is_right)

    assert in_a_fork(is_right_twice)
    by_a_thread = []
    thread = threading.Thread(target=lambda: by_a_thread.append(in_a_fork(is_right_twice)))
    thread.start()
    thread.join()
    assert by_a_thread == [True]

    stop = threading.Event()
    other = compiled_network(seed=2)

    def ask():
        while not stop.is_set():
            model.predict(IMAGES)

    def train():
        while not stop.is_set():
            other.fit(IMAGES, LABELS, batch_size=40, verbose=0)

    threads = [threading.Thread(target=work) for work in (ask, train)]
    for thread in threads:
        thread.start()
    try:
        assert all(in_a_fork(is_right) for _ in range(10))
        assert in_a_fork(lambda: len(training(3)) > 0 and other.evaluate(IMAGES, LABELS)[0] > 0)
    finally:
        stop.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert is_right()


def check_forks_beside_held_locks():
    """Assert that a child answers while a thread of the parent holds the model, or says "spawn" if it holds numba."""
    from numba.core.compiler_lock import global_compiler_lock

    from scratchcnn.concurrency import locks

    locks.PATIENCE = locks.PATIENCE_WITH_MODELS = 0.1  # seconds
    model = trained_network()
    told = answers(model)

    def is_right():
        return answers(model) == told

    def is_refused():
        try:
            unique = sc.Sequential([sc.Conv2D(2, (7, 5)), sc.Flatten(), sc.Dense(3)], (28, 28, 1), dtype="float64")
            unique.predict(IMAGES / 255)
        except RuntimeError as error:
            return "spawn" in str(error)

    for lock, check in ((model.lock, is_right), (global_compiler_lock._lock, lambda: is_right() and is_refused())):
        held, stop = threading.Event(), threading.Event()

        def hold(lock=lock, held=held, stop=stop):
            with lock:
                held.set()
                stop.wait(PATIENCE)

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        try:
            assert in_a_fork(check)
        finally:
            stop.set()
            thread.join()
