"""Programs in processes of their own: for what numba decides once, when it is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent


def run_python(
    program: str, *arguments: str, package: Path = ROOT, timeout: float | None = None, **environment: str
) -> subprocess.CompletedProcess:
    """Run a program that imports scratchcnn from the folder ``package``, require success, and return what it wrote."""
    paths = os.pathsep.join([str(package), str(TESTS)])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        cwd=package,
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done
