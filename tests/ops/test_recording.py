"""A list of kernels is run by all threads or by one, whichever has turned out to take less time."""

from __future__ import annotations

import numpy as np
import pytest

from scratchcnn import ops
from support.cases import convolution
from support.implementations import Numbers
from support.marks import without_numba

pytestmark = without_numba


@pytest.fixture
def runs_of(monkeypatch):
    """Return a function that replays a recording with simulated run times, and counts the runs on all threads."""
    from scratchcnn.ops.jit.runtime import recording

    monkeypatch.setattr(recording, "most_threads", lambda: 2)
    case, numbers = convolution((4, 5, 5, 1), (3, 3), 4), Numbers(0, "float32")
    x, dy, kernel = numbers(*case.images), numbers(*case.outputs), numbers(*case.kernel)
    gradients = None, np.empty_like(kernel), None  # sums over images are in chunks, however many threads there are
    recorded = ops.record(lambda x, dy: ops.conv_backward(x, kernel, dy, case.window, out=gradients), x, dy)
    now, shared = 0.0, []

    def run_program(call, worth_sharing):
        nonlocal now
        now += all_threads if worth_sharing else one_thread
        shared.append(worth_sharing)

    def count(runs, all_seconds, one_second):
        nonlocal all_threads, one_thread
        all_threads, one_thread = all_seconds, one_second
        shared.clear()
        for _ in range(runs):
            recorded.play(x, dy)
        return sum(shared)

    all_threads = one_thread = 0.0
    monkeypatch.setattr(recording, "run_program", run_program)
    monkeypatch.setattr(recording, "perf_counter", lambda: now)
    return count


def test_a_short_list_is_run_by_whoever_takes_less_time_and_that_is_tried_again(runs_of):
    from scratchcnn.ops.jit.runtime.recording import PERIOD, TRIALS

    assert runs_of(2 * TRIALS, all_seconds=22e-6, one_second=17e-6) == TRIALS
    assert runs_of(PERIOD, all_seconds=22e-6, one_second=17e-6) == 0
    assert runs_of(2 * TRIALS, all_seconds=15e-6, one_second=17e-6) == TRIALS
    assert runs_of(PERIOD, all_seconds=15e-6, one_second=17e-6) == PERIOD


def test_a_long_list_is_run_by_all(runs_of):
    from scratchcnn.ops.jit.runtime.recording import PERIOD, TRIALS

    for _ in range(2):
        assert runs_of(TRIALS + PERIOD, all_seconds=5e-3, one_second=4e-3) == TRIALS + PERIOD


def test_one_thread_that_takes_much_longer_is_tried_twice_in_a_period(runs_of):
    from scratchcnn.ops.jit.runtime.recording import PERIOD, TRIALS

    for _ in range(2):
        assert runs_of(TRIALS + 2 + PERIOD, all_seconds=15e-6, one_second=30e-6) == TRIALS + PERIOD


def test_a_trial_that_is_interrupted_is_not_the_last(runs_of, monkeypatch):
    from scratchcnn.ops.jit.runtime import recording

    def interrupted(seconds):
        raise KeyboardInterrupt

    runs_of(2 * recording.TRIALS - 1, all_seconds=15e-6, one_second=17e-6)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(recording, "median", interrupted)
        runs_of(1, all_seconds=15e-6, one_second=17e-6)
    assert runs_of(recording.PERIOD, all_seconds=15e-6, one_second=17e-6) == recording.PERIOD  # as before
    assert runs_of(2 * recording.TRIALS, all_seconds=22e-6, one_second=17e-6) == recording.TRIALS
    assert runs_of(recording.PERIOD, all_seconds=22e-6, one_second=17e-6) == 0


def test_a_list_without_work_to_share_is_never_tried():
    x = np.ones((1, 8), np.float32)
    recorded = ops.record(lambda a, b: ops.relu_forward(a, out=b), x, x.copy())
    for _ in range(3):
        recorded.play(x, x)
    assert not recorded._shares and recorded._seconds == []
