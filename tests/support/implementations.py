"""Runs an operation in both implementations and compares what they answer.

Every array that the compiled one gets, its scratch memory included, stands between fences: more memory on both sides,
filled with NaN. A kernel that writes outside its arrays changes a fence; one that reads there, or reads scratch memory
which it has not filled, finds NaN and answers NaN. Work is cut into chunks as for three threads.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
from hypothesis import settings

from scratchcnn import ops
from scratchcnn.memory import aligned_empty
from scratchcnn.ops import reference

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}  # of a difference, relative to the array's largest number
FENCE = 64  # elements on each side

# The same examples in each run: another tile, met by chance, would have to be compiled first.
few_examples = settings(max_examples=30, derandomize=True, deadline=None)


@dataclass(frozen=True)
class Output:
    """An array that the operation is to fill."""

    shape: tuple[int, ...]
    dtype: Any
    is_compared: bool = True


@dataclass(frozen=True)
class Changing:
    """An array that the operation changes in place."""

    values: np.ndarray


class Fenced:
    """An array, and the fences around it; ``shift`` elements off a multiple of 64 bytes."""

    def __init__(self, shape: tuple[int, ...], dtype: Any, shift: int = 0) -> None:
        size = int(np.prod(shape))
        self.memory = aligned_empty((size + 2 * FENCE + shift,), dtype)
        self.memory[:] = undefined(dtype)
        self.inside = slice(FENCE + shift, FENCE + shift + size)
        self.array = self.memory[self.inside].reshape(shape)

    def is_intact(self) -> bool:
        """Return whether nothing but the array itself has been written to."""
        around = np.delete(self.memory, self.inside)
        return around.tobytes() == np.full_like(around, undefined(around.dtype)).tobytes()


class Numbers:
    """A source of random arrays of one dtype.

    ``whole`` numbers are small, so that all sums are exact, and often equal, so that the first maximum matters. Others
    are more often positive than not: a sum that cancels to nothing would have no digits to compare.
    """

    def __init__(self, seed: int, dtype: Any, whole: bool = False) -> None:
        self.rng, self.dtype, self.whole = np.random.default_rng(seed), np.dtype(dtype), whole

    def __call__(self, *shape: int) -> np.ndarray:
        numbers = self.rng.integers(-3, 4, shape) if self.whole else self.rng.uniform(-0.5, 1, shape)
        return numbers.astype(self.dtype)

    def signed(self, *shape: int) -> np.ndarray:
        return self(*shape) if self.whole else self.rng.normal(size=shape).astype(self.dtype)

    def output(self, *shape: int) -> Output:
        return Output(shape, self.dtype)


def undefined(dtype: Any) -> Any:
    """Return the number that nobody should read."""
    kind = np.dtype(dtype).kind
    return np.nan if kind == "f" else np.iinfo(dtype).max - 1


def agree(operation: str, *arguments: Any, out: Any = None, shift: int = 0, exact: bool = False) -> list[np.ndarray]:
    """Assert that both implementations compute the same, leave their inputs alone and stay inside their arrays.

    Parameters
    ----------
    operation : str
        Its name in ``ops``.
    *arguments
        What it is called with: an ndarray is an input, ``Changing`` what its name says.
    out : Output or tuple of Output or None
        What it is to fill.
    shift : int
        By how many elements the arrays are off a 64-byte boundary.
    exact : bool
        Whether the numbers must be equal; else the difference may be ``TOLERANCE`` times the array's largest number.

    Returns
    -------
    list of ndarray
        What the reference wrote, output by output.
    """
    from scratchcnn.ops import jit  # here, so that the tests can at least be collected without numba
    from scratchcnn.ops.jit.runtime import chunks, scratch

    outputs = out if isinstance(out, tuple) else () if out is None else (out,)
    given = (*arguments, *outputs)
    written, answers = [], []
    for function in (ops.writing(getattr(reference, operation)), getattr(jit, operation)):
        fences = [_fenced(argument, shift) for argument in given]
        call = [fence.array if fence else argument for fence, argument in zip(fences, given, strict=True)]
        results = tuple(call[len(arguments) :])
        named = {} if out is None else {"out": results if isinstance(out, tuple) else results[0]}
        with (
            mock.patch.object(chunks, "most_threads", lambda: 3),
            mock.patch.object(scratch, "aligned_empty", _allocator(fences)),
            mock.patch.dict(scratch._scratch, clear=True),
            mock.patch.dict(scratch._views, clear=True),
        ):
            answers.append(function(*call[: len(arguments)], **named))
        assert all(fence.is_intact() for fence in fences if fence), f"{operation} wrote outside of its arrays"
        for array, argument in zip(call, given, strict=True):
            if isinstance(argument, np.ndarray):
                assert array.tobytes() == argument.tobytes(), f"{operation} changed an input"
        written.append([a for a, b in zip(call, given, strict=True) if isinstance(b, (Output, Changing))])
    if answers[0] is None:
        assert answers[1] is None
    else:  # a loss or a norm, of the order of 1
        dtype = next(array.dtype for array in call if isinstance(array, np.ndarray))
        assert_same(operation, *(np.array([answer, 1.0], dtype) for answer in answers), exact=False)
    compared = [argument for argument in given if isinstance(argument, (Output, Changing))]
    for expected, actual, output in zip(*written, compared, strict=True):
        if isinstance(output, Changing) or output.is_compared:
            assert_same(operation, expected, actual, exact)
    return written[0]


def assert_same(operation: str, expected: np.ndarray, actual: np.ndarray, exact: bool) -> None:
    """Assert that two arrays are the same, NaN and infinity in the same places."""
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite], operation)
    if exact or expected.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected, operation)
    elif finite.any():
        difference = np.abs(actual[finite] - expected[finite]).max()
        largest = np.abs(expected[finite]).max()
        tolerance = TOLERANCE[expected.dtype.name]
        assert difference <= tolerance * largest, f"{operation}: off by {difference} where the largest is {largest}"


def _fenced(argument: Any, shift: int) -> Fenced | None:
    if isinstance(argument, Output):
        return Fenced(argument.shape, argument.dtype, shift)
    values = argument.values if isinstance(argument, Changing) else argument
    if not isinstance(values, np.ndarray):
        return None
    fenced = Fenced(values.shape, values.dtype, shift)
    fenced.array[...] = values
    return fenced


def _allocator(fences: list[Any]) -> Any:
    """Return what stands in for ``aligned_empty`` in the scratch memory, and keeps the fences it puts up."""

    def allocate(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        fences.append(Fenced(shape, dtype))
        return fences[-1].array

    return allocate


def before_forbidden_memory(array: np.ndarray) -> np.ndarray:
    """Return a copy behind which the process has no memory: to read beyond its end is a crash. Elsewhere than on Linux,
    a mere copy.
    """
    if sys.platform != "linux":
        return array.copy()
    size = -(-array.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, size + mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    no_access = 0
    if ctypes.CDLL(None).mprotect(ctypes.c_void_p(address + size), ctypes.c_size_t(mmap.PAGESIZE), no_access):
        raise OSError("mprotect refused to take a page away")
    copy = np.frombuffer(memory, array.dtype, array.size, offset=size - array.nbytes).reshape(array.shape)
    copy[...] = array
    return copy
