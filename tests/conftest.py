"""What the tests share."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # two processes with two threads each would wait for each other
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")

from scratchcnn import ops

without_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")


@pytest.fixture(params=["reference", pytest.param("jit", marks=without_numba)])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a test once on each implementation of the operations."""
    with ops.using(request.param):
        yield request.param
