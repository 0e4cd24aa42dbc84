"""A list of kernels is run by all threads or by one, whichever has turned out to take less time."""

from __future__ import annotations

import numpy as np
import pytest

from scratchcnn import ops
from support.marks import without_numba

pytestmark = without_numba


@pytest.fixture
def runs_of(monkeypatch):
    """Return a function: how many of so many runs are by all threads, where these and one take so many seconds."""
    from scratchcnn.ops.jit.runtime import recording

    x = np.ones((1, 8), np.float32)
    recorded = ops.record(lambda a, b: ops.relu_forward(a, out=b), x, x.copy())
    recorded._shares, recorded._until_trial = True, 0  # as if it had several chunks
    now, shared = 0.0, []

    def run_program(program, worth_sharing):
        nonlocal now
        now += all_threads if worth_sharing else one_thread
        shared.append(worth_sharing)

    def count(runs, all_seconds, one_second):
        nonlocal all_threads, one_thread
        all_threads, one_thread = all_seconds, one_second
        shared.clear()
        for _ in range(runs):
            recorded.play(x, x)
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


@pytest.mark.parametrize("seconds", [(5e-3, 4e-3), (5e-3, 9e-3), (15e-6, 30e-6)])
def test_one_thread_is_tried_once_where_the_list_is_long_or_it_takes_much_longer(runs_of, seconds):
    from scratchcnn.ops.jit.runtime.recording import PERIOD, TRIALS

    for _ in range(2):
        assert runs_of(TRIALS + 1 + PERIOD, *seconds) == TRIALS + PERIOD


def test_a_list_without_work_to_share_is_never_tried():
    x = np.ones((1, 8), np.float32)
    recorded = ops.record(lambda a, b: ops.relu_forward(a, out=b), x, x.copy())
    for _ in range(3):
        recorded.play(x, x)
    assert not recorded._shares and recorded._seconds == []
