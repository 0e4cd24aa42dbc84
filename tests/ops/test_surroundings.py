"""What numba's environment variables and an unwritable cache mean: it is said, and the work goes on."""

from __future__ import annotations

import os
import subprocess
import sys

from support.marks import without_numba
from support.processes import ROOT

PROGRAM = """
import scratchcnn as sc
model = sc.Sequential([sc.Flatten(), sc.ReLU()], input_shape=(2, 2, 1))
print(sc.ops.backend(), model.predict([[[[1], [2]], [[3], [4]]]]).shape)
"""


FIRST_OPERATION = """
import sys, threading
import numpy as np, scratchcnn as sc
assert sc.ops.backend() == "jit" and "numba" not in sys.modules and "relu_forward" in dir(sc.ops)
x, together = np.array([-1.0, 2.0]), threading.Barrier(4)
results = np.empty((4, 2))

def first(place):
    together.wait()
    sc.ops.relu_forward(x, out=results[place])

threads = [threading.Thread(target=first, args=(place,)) for place in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert "numba" in sys.modules and (results == [0, 2]).all(), results
"""


def run(program=PROGRAM, **environment):
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    variables.pop("SCRATCHCNN_BACKEND", None)
    variables |= environment
    return subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True)


@without_numba
def test_the_first_operation_imports_numba_also_where_several_threads_need_it_at_once():
    run(FIRST_OPERATION)


@without_numba
def test_without_numbas_compiler_the_reference_runs_and_that_is_said():
    done = run(NUMBA_DISABLE_JIT="1")
    assert done.stdout == "reference (1, 4)\n" and "NUMBA_DISABLE_JIT is set" in done.stderr
    assert run(NUMBA_DISABLE_JIT="0").stdout.startswith("jit")


@without_numba
def test_without_numbas_compiler_jit_cannot_be_chosen_either():
    done = run(NUMBA_DISABLE_JIT="1", SCRATCHCNN_BACKEND="jit")
    assert done.stdout == "reference (1, 4)\n" and "NUMBA_DISABLE_JIT is set" in done.stderr
    chosen = "import scratchcnn as sc\ntry: sc.ops.use('jit')\nexcept ValueError as error: print(error)"
    assert "unset it before Python starts" in run(chosen, NUMBA_DISABLE_JIT="1").stdout
