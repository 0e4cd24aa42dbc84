"""Arrays as text for the page: a byte for each number, in base64, which is enough for a picture and soon written."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

STEPS = 127  # from 0 to the largest absolute value
LARGEST = float(np.finfo(np.float32).max)  # in the place of infinity


def packed_bytes(image: np.ndarray) -> str:
    """Return an image of bytes.

    Examples
    --------
    >>> packed_bytes(np.array([[0, 255]], np.uint8))
    'AP8='
    """
    return base64.b64encode(np.ascontiguousarray(image, np.uint8).tobytes()).decode()


def packed(values: np.ndarray) -> dict[str, Any]:
    """Return numbers as signed bytes, in their order in memory, and the absolute value that 127 stands for.

    What is not a number is shown as 0, infinity as the largest value.

    Examples
    --------
    >>> packed(np.array([-0.5, 0.0, 2.0]))
    {'peak': 2.0, 'bytes': '4AB/'}
    """
    finite = np.nan_to_num(values, posinf=LARGEST, neginf=-LARGEST)
    peak = float(np.abs(finite).max(initial=0.0))
    steps = np.rint(finite * (STEPS / peak)) if peak > 0 and math.isfinite(STEPS / peak) else np.zeros_like(finite)
    return {"peak": peak, "bytes": base64.b64encode(steps.astype(np.int8).tobytes()).decode()}


def number(value: Any) -> float | None:
    """Return a number for JSON, which knows no infinity: None for what is none.

    Examples
    --------
    >>> number(np.float32(0.5)), number(float("nan"))
    (0.5, None)
    """
    return float(value) if math.isfinite(value) else None


def numbers(values: Any) -> list[Any]:
    """Return an array as nested lists of numbers for JSON.

    Examples
    --------
    >>> numbers(np.array([[1.0, np.inf]]))
    [[1.0, None]]
    """
    values = np.asarray(values)
    return [number(value) if values.ndim == 1 else numbers(value) for value in values]
