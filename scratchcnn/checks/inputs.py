"""What a user hands over, checked in one place, before any work is done.

The functions return the input in the one form that the rest of the library works on, C-contiguous and of a known type,
or raise an error that says what was given, what was expected and what to do. They never change what they are given; an
input that has the right form already is not copied.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..types import Shape
from .advice import images, labels, objects
from .advice.objects import as_array, held
from .messages import shorten, shown
from .ranges import are_below

MOST_AXES, MOST_NUMBERS = 31, 2**60  # of a sample: what an array of any NumPy can have, less the batch axis
BYTES = np.dtype(np.uint8)
CHECKED_AT_ONCE = 1 << 20  # elements; a check of everything at once would need memory for as many truth values


def as_contiguous(x: Any, dtype: Any = None) -> np.ndarray:
    """Return an array that kernels can read: C-contiguous and aligned, which parts of a file's bytes may not be."""
    x = np.ascontiguousarray(x, dtype)
    return x if x.flags.aligned else x.copy()


def is_contiguous(x: np.ndarray) -> bool:
    """Return whether kernels can read an array as it is."""
    return x.flags.c_contiguous and x.flags.aligned


def as_images(
    x: Any, input_shape: Shape, dtype: np.dtype, keep_bytes: bool, convert: bool = True
) -> tuple[np.ndarray, tuple[float, float] | None]:
    """Return samples as an array ``(N, *input_shape)`` of ``dtype``, or of uint8 where that is welcome.

    Beside it, the lowest and the highest of its values, or None for bytes, which need not be looked at.

    Parameters
    ----------
    x : array_like of numbers
        One sample per row. Where ``input_shape`` has a single channel, that last axis may be missing.
    input_shape : tuple of int
        Shape of one sample.
    dtype : numpy dtype
        float32 or float64.
    keep_bytes : bool
        Whether uint8 stays uint8: the model rescales it, and a data set stays a quarter of the size.
    convert : bool
        Whether to convert; else numbers are only looked at, piece by piece, and returned as they are.

    Raises
    ------
    ValueError
        If there are no samples, their shape does not fit, they are not numbers, or one of them is NaN or infinite.
    """
    given, x = x, as_array(x, "images", "x")
    if keep_bytes and not convert and x.dtype == BYTES and x.shape[1:] == input_shape and len(x):
        return x, None  # as most images come
    if x.dtype.kind not in "biuf":
        advice = objects.for_dtype(x, "x", given)
        raise ValueError(f"images must be real numbers, got an array of dtype {shorten(str(x.dtype))}{advice}")
    if x.shape[1:] != input_shape:
        if x.ndim == len(input_shape) and input_shape[-1] == 1 and x.shape[1:] == input_shape[:-1]:
            x = x[..., np.newaxis]  # (N, H, W) -> (N, H, W, 1)
        else:
            expected = f"({', '.join(['N', *map(str, input_shape)])})"
            advice = images.for_shape(x.shape, input_shape, held(given, "x"))
            raise ValueError(f"the model takes images {expected}, got an array of shape {x.shape}; {advice}")
    if len(x) == 0:
        raise ValueError(f"there are no images: the array has shape {x.shape}")
    if keep_bytes and x.dtype == BYTES:
        return (as_contiguous(x) if convert else x), None
    if not convert and not (x.dtype == dtype and is_contiguous(x)):
        return x, _extent_of(x, dtype)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is reported as that below
        x = as_contiguous(x, dtype)
    low, high = float(x.min()), float(x.max())  # NaN if a value is
    if not (math.isfinite(low) and math.isfinite(high)):
        _report_not_finite(x)
    return x, (low, high)


def as_labels(y: Any, samples: int, classes: int) -> np.ndarray:
    """Return labels as an int64 array ``(N,)`` of class numbers.

    Raises
    ------
    ValueError
        If the labels are not integers from 0 to ``classes - 1``, one for each of the ``samples``.
    """
    given, y = y, as_array(y, "labels", "y")
    if y.ndim != 1:
        advice = labels.for_shape(y, samples, classes, held(given, "y"))
        raise ValueError(f"labels must be class numbers (N,), got {advice}")
    if len(y) != samples:
        raise ValueError(f"there must be one label for each image, got {samples} images and {len(y)} labels")
    if y.dtype.kind not in "iu":
        advice = labels.for_dtype(y, classes, held(given, "y"))
        raise ValueError(f"labels must be integers from 0 to {classes - 1}, got dtype {shorten(str(y.dtype))}{advice}")
    if not are_below(classes, y):
        wrong = np.flatnonzero((y < 0) | (y >= classes))
        raise ValueError(
            f"labels must lie between 0 and {classes - 1}, the model has {classes} outputs; {wrong.size} do not, the "
            f"first is label {wrong[0]}: {y[wrong[0]]}{labels.for_range(y, classes, held(given, 'y'))}"
        )
    return as_contiguous(y, np.int64)


def as_numbers(y: Any, samples: int, dtype: np.dtype) -> np.ndarray:
    """Return targets of a loss that does not check them itself: (N, ...), integers as int64, others as ``dtype``.

    Raises
    ------
    ValueError
        If the targets are not finite real numbers, one row for each of the ``samples``.
    """
    given, y = y, as_array(y, "targets", "y")
    if y.dtype.kind not in "biuf":
        advice = objects.for_dtype(y, "y", given)
        raise ValueError(f"targets must be real numbers, got an array of dtype {shorten(str(y.dtype))}{advice}")
    if y.ndim == 0 or len(y) != samples:
        raise ValueError(f"there must be one target for each sample, got {samples} samples and targets {y.shape}")
    if y.dtype.kind == "f":
        with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is reported as that
            y = as_contiguous(y, dtype)
        _report_not_finite(y, "target")
    elif y.dtype == np.uint64 and y.max(initial=0) > np.iinfo(np.int64).max:
        raise ValueError(f"targets must be below 2**63 where they are integers, the largest is {y.max()}")
    return as_contiguous(y, dtype if y.dtype.kind == "f" else np.int64)


def as_indices(indices: Any, samples: int) -> np.ndarray:
    """Return indices as an int64 array (N,), or raise an IndexError unless there are some, all numbers of samples."""
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu" or indices.ndim != 1:
        raise IndexError(
            f"indices must be integers (N,), numbers of samples, got {indices.dtype} of shape {indices.shape}"
        )
    if len(indices) == 0 or not are_below(samples, indices):
        raise IndexError(f"indices must be numbers of samples, from 0 to {samples - 1}, got {shown(indices)}")
    return as_contiguous(indices, np.int64)


def as_integer(name: str, value: Any, at_least: int) -> int:
    """Return ``value`` as an int (NumPy's integers are welcome), or raise an error that names it."""
    if type(value) is int and value >= at_least:
        return value  # the fast path: predict checks its batch_size in each call
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise ValueError(f"{name} must be an integer, got {shown(value)}")
    if number < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {shown(number)}")
    return number


def require_arrays(weights: Any) -> None:
    """Raise a ValueError unless ``weights`` is a list, as ``get_weights`` returns it."""
    if not isinstance(weights, Sequence):
        raise ValueError(f"weights must be a list of arrays, as get_weights returns it, got {shown(weights)}")


def as_input_shape(input_shape: Any, name: str = "input_shape") -> Shape:
    """Return the shape of one sample as a tuple of positive ints; ``name`` is what errors call it."""
    if not isinstance(input_shape, tuple | list) or not input_shape:
        raise ValueError(
            f"{name} must be a tuple such as (28, 28, 1), without the batch axis, got {shown(input_shape)}"
        )
    if len(input_shape) > MOST_AXES:
        raise ValueError(f"{name} has {len(input_shape)} axes, the most are {MOST_AXES}")
    shape = tuple(as_integer(f"{name}[{axis}]", extent, 1) for axis, extent in enumerate(input_shape))
    if math.prod(shape) > MOST_NUMBERS:
        raise ValueError(f"{name} {shown(shape)} has more numbers than an array can have")
    return shape


def _extent_of(x: np.ndarray, dtype: np.dtype) -> tuple[float, float]:
    """Return the lowest and the highest of numbers that are to be converted to ``dtype``; none may become infinite."""
    low, high = math.inf, -math.inf
    images = max(1, CHECKED_AT_ONCE // max(1, x[0].size))
    for start in range(0, len(x), images):
        with np.errstate(over="ignore"):
            part = x[start : start + images].astype(dtype, copy=False)
        lowest, highest = float(part.min()), float(part.max())  # NaN if a value is
        if not (math.isfinite(lowest) and math.isfinite(highest)):
            _report_not_finite(part, first=start)
        low, high = min(low, lowest), max(high, highest)
    return low, high


def _report_not_finite(x: np.ndarray, what: str = "image", first: int = 0) -> None:
    flat = x.reshape(-1)
    for start in range(0, flat.size, CHECKED_AT_ONCE):
        finite = np.isfinite(flat[start : start + CHECKED_AT_ONCE])
        if not finite.all():
            position = np.unravel_index(start + int(np.argmin(finite)), x.shape)
            value, place = x[position], tuple(int(i) for i in position)
            where = f"holds {value} at {place[1:]}" if place[1:] else f"is {value}"
            raise ValueError(f"{what}s must be finite {x.dtype} numbers, but {what} {first + place[0]} {where}")
