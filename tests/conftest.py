"""What the tests share."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from scratchcnn import ops

without_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")


@pytest.fixture(params=["reference", pytest.param("jit", marks=without_numba)])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a test once on each implementation of the operations."""
    with ops.using(request.param):
        yield request.param
