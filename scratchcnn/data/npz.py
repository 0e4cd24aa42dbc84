"""Keras's ``mnist.npz``: four arrays in a zip archive.

As with an IDX file, what is promised is compared with what is expected before memory is spent on it: the sizes in the
archive's directory, then the header of each array. Nothing but numbers is read, and no pickle is opened.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..checks.messages import reason, shorten, shown
from ..files import open_regular
from .sources import IdxFile
from .verification import ZIP_ERRORS, own_file

KEYS = ("x_train", "y_train", "x_test", "y_test")
_WIDEST = 8  # bytes of a number: some keep labels as int64 or images as float64
_LONGEST_HEADER = 4096  # bytes


def read_npz(path: Path, files: tuple[IdxFile, ...]) -> list[np.ndarray]:
    """Return training images, training labels, test images and test labels, numbers of the shapes of ``files``.

    Raises
    ------
    ValueError
        If it is no such archive, or an array in it is missing, damaged or of another kind.
    """
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            return [_read_array(archive, key, what, path) for key, what in zip(KEYS, files, strict=True)]
    except ZIP_ERRORS as error:
        raise ValueError(f"{path} is not such a file as Keras's mnist.npz: {reason(error)}") from error


def _read_array(archive: zipfile.ZipFile, key: str, what: IdxFile, path: Path) -> np.ndarray:
    name = f"{path}/{key}"
    expected = f"expected {what.shape} {what.dtype}{own_file(str(path))}"
    try:
        info = archive.getinfo(f"{key}.npy")
    except KeyError:
        names = shown([member.removesuffix(".npy") for member in archive.namelist()[:20]])
        raise ValueError(f"{path} holds the arrays {names}, expected {', '.join(KEYS)}") from None
    numbers = math.prod(what.shape)
    if info.file_size > numbers * _WIDEST + _LONGEST_HEADER:
        raise ValueError(f"{name}: has {info.file_size} bytes, too many: {expected}")
    with archive.open(info) as member:
        try:
            shape, in_columns, dtype = _read_header(member)  # type: ignore[arg-type]
        except Exception as error:  # whatever a header that is none raises in NumPy
            raise ValueError(f"{name}: is no array that can be read ({reason(error)}), {expected}") from error
        if shape != what.shape or dtype.kind not in "biuf":
            raise ValueError(f"{name}: holds {shown(shape)} {shorten(str(dtype))}, {expected}")
        content = bytearray(member.read(numbers * dtype.itemsize + 1))
    if len(content) != numbers * dtype.itemsize:
        more = "more than " if len(content) > numbers * dtype.itemsize else ""
        size = min(len(content), numbers * dtype.itemsize)
        raise ValueError(f"{name}: holds {more}{size} bytes, its header promises {numbers * dtype.itemsize}")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if in_columns else "C")


def _read_header(member: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return the shape, whether columns come first, and the type."""
    version = np.lib.format.read_magic(member)
    if version == (1, 0):  # a later one has longer headers, for names of fields
        return np.lib.format.read_array_header_1_0(member)
    raise ValueError(f"the version of its format is {version}, expected (1, 0)")
