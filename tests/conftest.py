"""What the tests share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # two processes with two threads each would wait for each other
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")

from scratchcnn import ops
from support.fixtures import honest, mirrored, mirrors, surroundings, without_recordings  # noqa: F401
from support.marks import without_numba


@pytest.fixture(params=["reference", pytest.param("jit", marks=without_numba)])
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a test once on each implementation of the operations."""
    with ops.using(request.param):
        yield request.param


@pytest.fixture
def reference() -> Iterator[None]:
    """Run a test on the reference alone: nothing has to be compiled."""
    with ops.using("reference"):
        yield


class ExamplesOnNumPy:
    """Runs the examples in docstrings on plain NumPy: they show what is said, and need not be compiled."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        with ops.using("reference") if isinstance(item, pytest.DoctestItem) else contextlib.nullcontext():
            return (yield)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(ExamplesOnNumPy())
