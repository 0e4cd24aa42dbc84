"""Ctrl-C ends what it interrupts, soon, and leaves nothing half done.

Stands for faults where an interrupt gets lost, or what it interrupted cannot be gone on with.
"""

import os
import random
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops
from support.marks import without_numba
from support.processes import ROOT, TESTS
from support.small_networks import all_arrays, compiled_network, some_digits

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes get no SIGINT there")


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def compiled_anew():
    """Return the address of a kernel that is not on disk."""
    from scratchcnn.ops.jit.runtime.arguments import read_arrays
    from scratchcnn.ops.jit.runtime.compile import compiled

    dtype = np.float32

    def seven(chunk, chunks, dims, pointers):
        (x,) = read_arrays(pointers, 1, dtype)
        x[chunk] = 7

    return compiled(seven)


@without_numba
def test_ctrl_c_in_a_callback_of_the_compiler_is_raised_when_the_kernel_is_ready(tmp_path, monkeypatch):
    from numba.core import config
    from numba.core.registry import cpu_target

    from scratchcnn.ops.jit.runtime.launch import run

    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    engine = cpu_target.target_context.codegen()._engine._ee
    notify = engine._object_cache_notify

    def interrupted(*arguments):  # is called by machine code, which would swallow an exception
        press_ctrl_c()
        notify(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "_object_cache_notify", interrupted)
        with pytest.raises(KeyboardInterrupt):
            compiled_anew()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    x = np.zeros(3, np.float32)
    run(compiled_anew(), 3, (), x)
    assert x.tolist() == [7, 7, 7]


class Interrupting(sc.SGD):
    """Presses Ctrl-C in the middle of an update."""

    presses = False

    def update(self, parameters, gradients, learning_rate):
        half = len(parameters) // 2
        parameters[:half] -= learning_rate * gradients[:half]
        if self.presses and self.iterations == 2:
            press_ctrl_c()
        parameters[half:] -= learning_rate * gradients[half:]


def test_ctrl_c_in_the_middle_of_an_update_waits_for_its_end_and_training_can_go_on():
    def learnt(presses):
        model = compiled_network(Interrupting(0.1), dropout=0)
        model.optimizer.presses = presses
        options = {"batch_size": 20, "verbose": 0, "shuffle": False}
        images, labels = some_digits(60)
        if presses:
            with pytest.raises(KeyboardInterrupt):
                model.fit(images, labels, epochs=100, **options)
            assert model.optimizer.iterations == 3
        else:
            model.fit(images, labels, **options)
        with ThreadPoolExecutor(1) as pool:  # nothing is locked
            pool.submit(model.fit, images, labels, **options).result(30)
        return all_arrays(model)

    with ops.using("reference"):
        assert learnt(presses=True) == learnt(presses=False)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_a_callback_ends_the_training_at_once():
    reached = []

    class Pressing(sc.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            press_ctrl_c()
            threading.Event().wait(0.01)
            reached.append(batch)

    with ops.using("reference"), pytest.raises(KeyboardInterrupt):
        compiled_network().fit(*some_digits(20), verbose=0, callbacks=[Pressing()])
    assert not reached


def test_ctrl_c_ends_a_training_that_waits_for_another_threads_model():
    class Waiting(sc.callbacks.Callback):
        def on_train_batch_end(self, batch, logs):
            threads[0].start()
            assert held.wait(30)
            threads[1].start()

    def hold():
        with model.lock:
            held.set()
            stop.wait(30)

    held, stop = threading.Event(), threading.Event()
    threads = [threading.Thread(target=hold), threading.Timer(0.1, press_ctrl_c)]
    with ops.using("reference"):
        model = compiled_network()
        with pytest.raises(KeyboardInterrupt):
            model.fit(*some_digits(60), batch_size=20, verbose=0, callbacks=[Waiting()])
    assert threads[0].is_alive()
    stop.set()
    for thread in threads:
        thread.join()


def test_a_handler_of_the_users_own_is_left_in_place():
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append("interrupt"))
    try:
        with ops.using("reference"):
            model = compiled_network(Interrupting(0.1))
            model.optimizer.presses = True
            model.fit(*some_digits(60), batch_size=20, verbose=0)
        assert seen == ["interrupt"]
    finally:
        signal.signal(signal.SIGINT, before)


FIRST_FIT = """
import os, signal, sys, threading, time
import numpy as np
import scratchcnn as sc

images = np.random.default_rng(0).integers(0, 256, (64, 8, 8, 1), dtype=np.uint8)

def new_model():
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], (8, 8, 1))
    model.compile(sc.Adam(1e-3))
    return model

def train(model, epochs):
    model.fit(images, np.arange(64) % 10, epochs=epochs, batch_size=32, verbose=0)

def press():
    time.sleep(float(sys.argv[1]))
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=press, daemon=True).start()
try:
    begin = time.monotonic()
    while time.monotonic() - begin < float(sys.argv[1]) + 20:
        train(new_model(), 20)
    print("lost")
except KeyboardInterrupt:
    print("interrupted")
model = new_model()
train(model, 2)
print(float(np.abs(model.parameters).sum()), float(model.predict(images).std()))
"""


@without_numba
@pytest.mark.slow
def test_ctrl_c_at_any_moment_of_a_first_fit_ends_it_and_the_next_one_is_right(tmp_path):
    numbers, ends = random.Random(0), set()
    for number in range(5):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", FIRST_FIT, str(numbers.uniform(0, 6))],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT}{os.pathsep}{TESTS}",
                "NUMBA_CACHE_DIR": str(tmp_path / str(number)),
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        assert "ignored" not in done.stderr
        ends.add(done.stdout)
    assert len(ends) == 1 and ends.pop().startswith("interrupted")
