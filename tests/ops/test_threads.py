"""The number of threads changes the time that training takes, and not one bit of its result."""

import pytest

from support.marks import without_numba
from support.processes import run_python
from support.training_runs import checksum_after_training

pytestmark = without_numba

CHECKSUMS = """
import sys
import numba
from scratchcnn.ops.jit.runtime import cpus

cpus.available_cpus = lambda: set(range(8))  # more threads than CPUs, to try more divisions of the work than pay

from support.training_runs import checksum_after_training

assert cpus.most_threads() == numba.config.NUMBA_NUM_THREADS
for threads in sys.argv[1:]:
    numba.set_num_threads(int(threads))
    print(checksum_after_training())
"""


def test_one_to_four_threads_of_any_kind_give_the_same_bits():
    expected = checksum_after_training()
    for threads in ("1", "2", "3"):
        assert run_python(CHECKSUMS, threads, NUMBA_NUM_THREADS=threads).stdout.split() == [expected]
    some_of_four = run_python(CHECKSUMS, "1", "2", "3", "4", NUMBA_NUM_THREADS="4").stdout.split()
    assert some_of_four == [expected] * 4
    workqueue = run_python(CHECKSUMS, "4", NUMBA_NUM_THREADS="4", NUMBA_THREADING_LAYER="workqueue").stdout.split()
    assert workqueue == [expected]


def test_the_same_seed_gives_the_same_bits_twice():
    assert checksum_after_training() == checksum_after_training()


@pytest.mark.parametrize("layer", ["default", "workqueue"])
def test_two_threads_can_use_two_models_at_once(layer):
    # numba's own workqueue ends the process with an abort when two threads launch parallel work at once.
    program = (
        "import numba; from support import training_runs; "
        "training_runs.check_two_models_at_once(); print(numba.threading_layer())"
    )
    layers = run_python(program, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS="2").stdout.split()
    assert layers == ["workqueue"] or layer == "default"
