"""Which tests run where."""

import importlib.util

import pytest

without_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")
