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


def run(**environment):
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    variables.pop("SCRATCHCNN_BACKEND", None)
    return subprocess.run([sys.executable, "-c", PROGRAM], env=variables, capture_output=True, text=True, check=True)


@without_numba
def test_without_numbas_compiler_the_reference_runs_and_that_is_said():
    done = run(NUMBA_DISABLE_JIT="1")
    assert done.stdout == "reference (1, 4)\n" and "NUMBA_DISABLE_JIT is set" in done.stderr
    assert run(NUMBA_DISABLE_JIT="0").stdout.startswith("jit")
