"""A process that was forked from one with threads answers, learns and ends: it never waits for threads that are gone.

Stands for faults where a process hangs or dies because of what its parent was doing.
"""

import multiprocessing

import pytest

from support.marks import without_numba
from support.processes import run_python

pytestmark = [
    without_numba,
    pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]

# From 3.12 on Python itself warns of forks beside threads; programs here run with -W error.
IGNORE = "import warnings; warnings.filterwarnings('ignore', 'This process', DeprecationWarning)\n"
POOLS = IGNORE + "import sys\nfrom support import forks\nif __name__ == '__main__': forks.check_pools(*sys.argv[1:])"
FORKS = IGNORE + "from support import forks; forks.check_forks_beside_held_locks(); forks.check_forks_beside_threads()"


def test_two_forked_processes_answer_and_train_to_the_same_bits_as_their_parent():
    run_python(POOLS, NUMBA_NUM_THREADS="2", timeout=200)


@pytest.mark.slow
def test_children_of_threads_of_children_and_of_busy_processes_answer_or_say_spawn():
    run_python(FORKS, NUMBA_NUM_THREADS="2", timeout=200)


@pytest.mark.slow
@pytest.mark.parametrize("program", [POOLS, FORKS])
def test_the_same_is_true_with_threads_of_another_kind(program):
    run_python(program, NUMBA_NUM_THREADS="2", NUMBA_THREADING_LAYER="workqueue", timeout=200)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_models_can_be_sent_to_processes_that_start_afresh(method):
    run_python(POOLS, method, NUMBA_NUM_THREADS="2", timeout=200)
