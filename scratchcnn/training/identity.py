"""What tells one training from another: the network, its loss and optimizer, and the data."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

import numpy as np

from ..checks.messages import shown
from ..network.image_range import some_of
from ..network.network import Network
from .samples import Samples

ROWS = 256  # of an array are summed at a time, for it may be larger than the memory


def describe_training(
    settings: dict[str, Any], samples: Samples | None, validation: Samples | None, whole: bool = True
) -> dict[str, Any]:
    """Return what tells a training from others, but for its network: settings of ``fit``, and its arrays.

    Without ``whole`` some images stand for all, as in checkpoints of version 1.
    """
    described = dict(settings)
    if validation is not None:
        described["validation_data"] = _describe(validation, whole)
    return described if samples is None else described | _describe(samples, whole)


def _describe(samples: Samples, whole: bool) -> dict[str, Any]:
    """Return what tells data from other data: shapes and checksums of images, targets and weights."""
    x, y, weights = samples
    described = {"x": _sum(x, x if whole else some_of(x)), "y": _sum(y, y)}
    return described if weights is None else {**described, "weights": _sum(weights, weights)}


def _sum(array: np.ndarray, looked_at: np.ndarray) -> list[Any]:
    checksum = 0
    for start in range(0, len(looked_at), ROWS):
        checksum = zlib.crc32(np.ascontiguousarray(looked_at[start : start + ROWS]).data, checksum)
    return [list(array.shape), str(array.dtype), checksum]


def identity_of(model: Network) -> dict[str, Any]:
    """Return what tells a network, its loss and its optimizer from others."""
    optimizer = model.optimizer
    assert optimizer is not None
    settings = {key: value for key, value in optimizer.config().items() if key != "learning_rate"}
    rate = optimizer.learning_rate
    return {
        "layers": [[type(layer).__name__, layer.config()] for layer in model.layers],
        "input_shape": model.input_shape,
        "seed": model.seed,
        "dtype": model.dtype.name,
        "loss": _described(model.loss),
        "metrics": [metric.name for metric in model.metrics or ()],
        "optimizer": [type(optimizer).__name__, settings],
        "schedule": _described(rate) if callable(rate) else False,
    }


def start_of(model: Network) -> dict[str, Any]:
    """Return with which number as learning rate a training begins, and after how many steps of its optimizer."""
    optimizer = model.optimizer
    assert optimizer is not None
    rate = optimizer.learning_rate
    return {"iterations": optimizer.iterations, "learning_rate": None if callable(rate) else rate}


def _described(value: Any) -> str:
    """Return what an object shows of itself, without its address, which is another one in each process.

    Of a function also a sum of its code, so that another one of the same name is noticed.
    """
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    code = getattr(value, "__code__", None)
    if code is None:
        return text
    numbers = [constant for constant in code.co_consts if isinstance(constant, int | float | str | None)]
    return f"{text}, code {zlib.crc32(code.co_code + repr(numbers).encode()):08x}"


def difference(was: dict[str, Any], now: dict[str, Any]) -> tuple[str, Any, Any] | None:
    """Return the name of the first entry that differs, and both values; None where all are the same."""
    for name in (*now, *was):
        old, new = was.get(name), now.get(name)
        if old == new:
            continue
        inner = difference(old, new) if isinstance(old, dict) and isinstance(new, dict) else None
        return (name, old, new) if inner is None else (f"{name}'s {inner[0]}", *inner[1:])
    return None


def plain(value: Any) -> Any:
    """Return a value as it comes back from JSON; a ValueError for what would come back as something else."""
    try:
        return json.loads(json.dumps(value, default=_number))
    except TypeError as error:
        raise ValueError(f"a checkpoint keeps numbers, texts, lists and dictionaries of them: {error}") from None


def _number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{shown(value)} is none of these")
