"""Memory for arrays that SIMD instructions read."""

from __future__ import annotations

from typing import Any

import numpy as np

from .types import Shape


def aligned_empty(shape: Shape, dtype: Any) -> np.ndarray:
    """Return an uninitialised array whose first byte lies on a 64-byte boundary, the width of a cache line.

    A vector load that crosses two cache lines costs twice, and NumPy only promises 16 bytes.
    """
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)
