"""What the tests share."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # two processes with two threads each would wait for each other
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")

from scratchcnn import ops
from support.fixtures import honest, mirrored, mirrors, small, surroundings, without_recordings  # noqa: F401
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


# Modules whose examples need a library of an extra; the continuous integration runs them with the slow tests.
NEEDED = {
    Path("scratchcnn/sklearn.py"): "sklearn",
    Path("scratchcnn/interchange/onnx.py"): "onnx",
    Path("scratchcnn/interchange/safetensors.py"): "safetensors",
}
ROOT = Path(__file__).parents[1]


def library_for(path: Path) -> str | None:
    """Return the library that the examples in a file need, if they need one."""
    return NEEDED.get(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else None


def is_missing(library: str) -> bool:
    """Return whether a library is not installed."""
    return importlib.util.find_spec(library) is None


class Examples:
    """Runs the examples in docstrings on plain NumPy: they show what is said, and need not be compiled."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        with ops.using("reference") if isinstance(item, pytest.DoctestItem) else contextlib.nullcontext():
            return (yield)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out the module that cannot even be imported without its library."""
        return True if library_for(collection_path) == "sklearn" and is_missing("sklearn") else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            library = library_for(item.path) if isinstance(item, pytest.DoctestItem) else None
            if library is not None:
                item.add_marker(pytest.mark.slow)
                item.add_marker(pytest.mark.skipif(is_missing(library), reason=f"needs {library}"))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Examples())
