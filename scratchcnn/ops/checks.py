"""What is checked before an operation runs: a kernel believes in the dtype, the shape and the memory of its arrays.

Machine code that is given an array of another shape reads and writes memory that belongs to others, and of another
dtype it reads other numbers, without a word. So each operation has a line in ``operands.py`` that says what it takes,
and is compared with it where it is called from Python. (A replay repeats calls that were compared when they were
recorded.) What was found right is remembered by dtypes and shapes, so that the second call costs a microsecond.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar, cast

import numpy as np

from ..checks.messages import shown
from ..checks.ranges import are_below
from .operands import ARRAYS, Operand, operands_of
from .settings import Window

Function = TypeVar("Function", bound=Callable[..., Any])
Given = list[tuple[Operand, Any]]  # the operands of a call, and the arrays that were passed

SMALLEST = Window(size=(1, 1), strides=(1, 1), padding=(0, 0), image=(1, 1), output=(1, 1))
AXES = {"size": ("KH", "KW"), "image": ("H", "W"), "output": ("OH", "OW")}  # of a window, among those of the arrays
DILATED = ("conv_forward", "conv_backward")  # operations whose windows may be
LARGEST_POOL = 255  # positions that ``index`` has room for
MOST_KNOWN = 10_000  # ways of calling an operation that are remembered
FLOATS = (np.float32, np.float64)


@cache
def checked(function: Function) -> Function:
    """Return an operation that looks at its arguments first; a function that is none is returned as it is.

    Raises
    ------
    ValueError
        Where an array is not what the operation takes, in dtype, shape or memory, or a window is none.
    IndexError
        Where an index or a label is not the number of an image or a class.
    """
    name = function.__name__
    if name not in ARRAYS:
        return function
    parameters = [parameter for parameter in inspect.signature(function).parameters if parameter != "out"]
    operands, results = operands_of(name, parameters)
    places = [operand.place for operand in operands]
    windows = [place for place, parameter in enumerate(parameters) if parameter in ("window", "pool", "image")]
    precisions = [place for place, parameter in enumerate(parameters) if parameter == "dtype"]  # that of the result
    numbers = [operand for operand in operands if operand.name in ("indices", "labels")]
    known: set[tuple[Any, ...]] = set()  # ways of calling that were found right

    @wraps(function)
    def checking(*arguments: Any, **named: Any) -> Any:
        out = named.pop("out", None)
        if named or len(arguments) != len(parameters):
            arguments = _in_order(name, parameters, arguments, named)
        every = arguments
        if results:
            every = (*arguments, *(out if isinstance(out, tuple) else (out,)))
            if len(every) != len(arguments) + results:
                written = [operand.name for operand in operands if operand.written]
                raise ValueError(
                    f"{name} writes into arrays of yours: pass out=({', '.join(written)}), got {shown(out)}"
                )
        try:
            looks: list[Any] = [every[place] for place in (*windows, *precisions)]
            for place in places:
                array = every[place]
                looks += (None,) if array is None else (array.shape, array.dtype, array.flags.num)
            key = tuple(looks)
            is_known = key in known
        except (AttributeError, TypeError):  # something is no array, or a window no tuple
            key, is_known = None, False
        if not is_known:
            given = [(operand, every[operand.place]) for operand in operands]
            sizes = _require_arrays(name, [(o, array) for o, array in given if not (o.optional and array is None)])
            _require_windows(name, {parameters[place]: every[place] for place in windows}, sizes)
            if any(every[place] != every[places[-1]].dtype for place in precisions):
                raise ValueError(
                    f"{name}: dtype must be that of out, {every[places[-1]].dtype}, got {every[precisions[0]]}"
                )
            if key is not None and len(known) < MOST_KNOWN:
                known.add(key)
        for operand in numbers:
            _require_numbers(name, operand.name, every[operand.place], every[places[0]], every[places[-1]])
        return function(*arguments, out=out) if results else function(*arguments)

    return cast(Function, checking)


def _in_order(name: str, parameters: list[str], arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
    """Return all arguments of an operation, some of which were passed by name."""
    rest = parameters[len(arguments) :]
    if len(arguments) > len(parameters) or set(named) != set(rest):
        raise TypeError(f"{name} takes {', '.join(parameters)}; got {len(arguments)} of them and {sorted(named)}")
    return (*arguments, *(named[parameter] for parameter in rest))


def _require_numbers(name: str, kind: str, numbers: np.ndarray, first: np.ndarray, last: np.ndarray) -> None:
    """Raise an IndexError unless indices are those of images (M, ...), or labels those of classes (N, K)."""
    limit = len(first) if kind == "indices" else first.shape[1]
    if not are_below(limit, numbers):
        raise IndexError(f"{name}: {kind} must lie between 0 and {limit - 1}, got {shown(numbers)}")
    if kind == "indices" and np.may_share_memory(first, last):
        raise ValueError(
            f"{name}: out must not be a part of the images, which would be overwritten before they are read"
        )


def _require_arrays(name: str, given: Given) -> dict[str, Any]:
    """Raise a ValueError unless the arrays are such as the operation takes; return the sizes of their axes."""
    for operand, array in given:
        what = f"{name}: {operand.name}"
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{what} must be a NumPy array, got {type(array).__name__}")
        if not (array.flags.c_contiguous and array.flags.aligned):
            raise ValueError(f"{what} must be contiguous in memory; pass np.array(..., order='C') of it")
        if operand.written and not array.flags.writeable:
            raise ValueError(f"{what} is written to, but it is read-only; pass an array of your own")
    _require_dtypes(name, given)
    sizes: dict[str, Any] = {}
    for operand, array in given:
        if not _fit(operand.axes, array.shape, sizes):
            known = ", ".join(f"{axis} = {sizes[axis]}" for axis in operand.axes if axis in sizes)
            raise ValueError(
                f"{name}: {operand.name} must have the axes ({' '.join(operand.axes)}), with {known}, "
                f"got shape {array.shape}"
            )
    if "CG" in sizes and sizes["CG"] and (sizes["C"] % sizes["CG"] or sizes["F"] % (sizes["C"] // sizes["CG"] or 1)):
        raise ValueError(
            f"{name}: a kernel of {sizes['CG']} channels and {sizes['F']} filters does not divide the {sizes['C']} "
            "channels of x into groups of the same number of filters"
        )
    empty = [axis for axis, size in sizes.items() if size == 0 and axis not in ("N", "P")]
    if empty or (name.startswith("batch_norm") and given[0][1].size == 0):
        raise ValueError(f"{name}: there is nothing along the axis {(empty or ['N'])[0]}")
    return sizes


def _require_dtypes(name: str, given: Given) -> None:
    common: np.dtype | None = None  # of all arrays whose dtype is a matter of the call; what is written comes first
    for operand, array in sorted(given, key=lambda pair: not pair[0].written):
        dtype = array.dtype
        if operand.kind == "float":
            expected, is_right = "float32 or float64", dtype in FLOATS
        elif operand.kind == "pixels":
            expected, is_right = "uint8, float32 or float64", dtype in (np.uint8, *FLOATS)
        elif operand.kind == "real":
            expected, is_right = "real numbers", dtype.kind in "biuf" and dtype.isnative
        else:
            expected, is_right = operand.kind, dtype == operand.kind
        if operand.kind in ("float", "pixels"):
            if is_right and common is not None:
                expected, is_right = f"{common}, as the others of this call", dtype == common
            common = common or dtype
        if not is_right:
            raise ValueError(f"{name}: {operand.name} must be {expected}, got {dtype}; convert it with astype")


def _fit(axes: tuple[str, ...], shape: tuple[int, ...], sizes: dict[str, Any]) -> bool:
    """Return whether a shape has these axes, of the ``sizes`` known so far; note the others there."""
    extents: list[Any] = list(shape)
    if "*" in axes:  # any axes, in one piece
        start, after = axes.index("*"), len(axes) - axes.index("*") - 1
        extents[start : max(start, len(shape) - after)] = [shape[start : max(start, len(shape) - after)]]
    if len(extents) != len(axes):
        return False
    wanted = [
        int(axis) if axis.isdigit() else sizes.setdefault(axis, extent)
        for axis, extent in zip(axes, extents, strict=True)
    ]
    return wanted == extents


def _require_windows(name: str, windows: dict[str, Any], sizes: dict[str, Any]) -> None:
    """Raise a ValueError unless windows are such as can be, and the same as the arrays say."""
    for argument, window in windows.items():
        if argument == "image":
            window = SMALLEST._replace(image=window)
        if not isinstance(window, Window):
            raise ValueError(f"{name}: {argument} must be a Window({', '.join(Window._fields)}), got {shown(window)}")
        for field, pair, smallest in zip(Window._fields, window, SMALLEST, strict=True):
            try:
                down, across = map(operator.index, pair)
            except (TypeError, ValueError):
                down = across = -1
            if not (smallest[0] <= min(down, across) and max(down, across) < 2**31):
                raise ValueError(f"{name}: {field} must be two integers, at least {smallest[0]}, got {shown(pair)}")
        if window.dilation != (1, 1) and (argument == "pool" or name not in DILATED):
            raise ValueError(f"{name}: windows cannot be dilated, got the dilation {window.dilation}")
    window, pool = windows.get("window"), windows.get("pool")
    if window is not None and pool is not None:
        if pool.padding != (0, 0) or pool.image != window.output or any(np.greater(pool.seen, pool.image)):
            raise ValueError(f"{name}: the pool's windows must lie inside the output {window.output}, got {pool}")
        window = window._replace(output=pool.output)
    elif "image" in windows:
        window = SMALLEST._replace(image=windows["image"])
    for field, axes in AXES.items():
        expected = tuple(sizes.get(axis) for axis in axes)
        if window is not None and None not in expected and getattr(window, field) != expected:
            raise ValueError(f"{name}: the {field} of a window is {getattr(window, field)}, of the arrays {expected}")
    largest = pool or window if "max_pool" in name or pool else None
    if largest and largest.size[0] * largest.size[1] > LARGEST_POOL:
        raise ValueError(f"{name}: a max-pool may cover at most {LARGEST_POOL} pixels, got {largest.size}")
