"""Reading arrays from an ``.npz`` file that nobody vouches for.

Such a file is a zip archive with an array in each member. All it says about itself is compared with its real size
before anything is unpacked: a member cannot be larger than the file allows, and the shape of an array, which is in the
member's first bytes, has to be that many numbers. So memory is spent on what is there, not on what is promised.
"""

from __future__ import annotations

import functools
import io
import math
import os
import zipfile
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.lib import format as npy

from ..checks.messages import shown

MOST_OF_DIRECTORY = 4 << 20  # bytes of the archive's table of contents, about 100 a member
MOST_UNPACKED = 16 << 20  # bytes that all members together may have beyond those of the file, when they are compressed
MOST_OF_HEADER = 1000  # bytes; NumPy writes 128
_MAGIC = b"\x93NUMPY\x01\x00"  # of an array, in version 1.0
_END, _END_LENGTH = b"PK\5\6", 22  # the record that ends a zip archive, when there is no comment
_LARGE_END, _LARGE_END_LENGTH = b"PK\6\7", 20  # before it, where the archive is beyond 4 GiB
_PIECE = 1 << 18  # bytes read at a time: they stay in the cache
_LOCAL_HEADER = 30  # bytes before each member, and its name


class Header(NamedTuple):
    """What a member says of its array."""

    shape: tuple[int, ...]
    dtype: np.dtype
    fortran_order: bool = False

    def __str__(self) -> str:
        return f"{shown(self.dtype.str) if self.dtype.names else self.dtype} {shown(self.shape)}"


class Archive:
    """The arrays of an open ``.npz`` file, by name; a ValueError, or one of zipfile's, for what is wrong with it.

    Attributes
    ----------
    names : set of str
        Of the arrays.
    """

    def __init__(self, file: BinaryIO) -> None:
        size = file.seek(0, os.SEEK_END)
        _require_small_directory(file, size)
        self._zip = zipfile.ZipFile(file)
        self._members = {info.filename.removesuffix(".npy"): info for info in self._zip.infolist()}
        self._headers: dict[str, Header] = {}
        self.names = set(self._members)
        members = sorted(self._zip.infolist(), key=lambda info: info.header_offset)
        if len(self.names) < len(members):
            raise ValueError("two members of the archive have the same name")
        starts = [info.header_offset for info in members[1:]] + [size]
        for info, following in zip(members, starts, strict=True):
            if info.header_offset < 0 or info.header_offset + _LOCAL_HEADER + info.compress_size > following:
                raise ValueError(f"members of the archive overlap at {shown(info.filename)}")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"{shown(info.filename)} is compressed in a way that numpy.savez does not write")
        unpacked = sum(info.file_size for info in members)
        if unpacked > size + MOST_UNPACKED:
            raise ValueError(
                f"the archive of {size} bytes promises {unpacked} bytes of arrays; if that is right, write them "
                "without compression: numpy.savez(new_path, **numpy.load(path))"
            )

    def header(self, name: str) -> Header:
        """Return shape and dtype of an array, known to be what the member holds; its elements are not read."""
        if name not in self.names:
            raise ValueError(f"{name} is not a file in the archive")
        if name not in self._headers:
            info = self._members[name]
            with self._zip.open(info) as member:
                start = member.read(len(_MAGIC) + 2)
                length = int.from_bytes(start[len(_MAGIC) :], "little")
                if not start.startswith(_MAGIC) or length > MOST_OF_HEADER:
                    raise ValueError(f"{shown(name)} is no array in version 1.0 of the .npy format")
                header = _parse(start[len(_MAGIC) :] + member.read(length))
            held, promised = info.file_size - len(start) - length, math.prod(header.shape) * header.dtype.itemsize
            if header.dtype.hasobject:
                raise ValueError(f"{shown(name)} is pickled: Object arrays cannot be loaded when allow_pickle=False")
            if held != promised:
                raise ValueError(f"{shown(name)} promises {shown(promised)} bytes, {header}, and has {held}")
            self._headers[name] = header
        return self._headers[name]

    def require(self, name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        """Raise a ValueError unless there is an array of this name, shape and dtype."""
        header, needed = self.header(name), Header(shape, dtype)
        if header.shape != shape or header.dtype != dtype:
            raise ValueError(f"{shown(name)[1:-1]} is {header}, the model needs {needed}")

    def read(self, name: str) -> np.ndarray:
        """Return an array; one whose checksum is wrong is an error of zipfile's."""
        shape, dtype, fortran_order = self.header(name)
        elements = np.empty(math.prod(shape) * dtype.itemsize, np.uint8)
        self._read_bytes(name, elements)
        return elements.view(dtype).reshape(shape, order="F" if fortran_order else "C")

    def read_into(self, name: str, array: np.ndarray) -> None:
        """Fill an array of the same shape and dtype."""
        self.require(name, array.shape, array.dtype)
        if self.header(name).fortran_order or not array.flags.c_contiguous:
            array[...] = self.read(name)
        else:
            self._read_bytes(name, array.reshape(-1).view(np.uint8))

    def _read_bytes(self, name: str, elements: np.ndarray) -> None:
        info = self._members[name]
        with self._zip.open(info) as member:
            member.read(info.file_size - len(elements))
            for start in range(0, len(elements), _PIECE):
                piece = elements[start : start + _PIECE]
                if member.readinto(piece) < len(piece):  # type: ignore[attr-defined]  # BufferedIOBase has
                    raise ValueError(f"{shown(name)} ends before its {len(elements)} bytes do")
            member.read(1)  # at the end the checksum is compared


@functools.lru_cache(maxsize=1000)  # many arrays of a model have the same
def _parse(header: bytes) -> Header:
    shape, fortran_order, dtype = npy.read_array_header_1_0(io.BytesIO(header), max_header_size=MOST_OF_HEADER)
    return Header(shape, dtype, fortran_order)


def _require_small_directory(file: BinaryIO, size: int) -> None:
    """Raise a ValueError unless the table of contents is as small as that of a model; zipfile reads it as a whole."""
    file.seek(max(size - _LARGE_END_LENGTH - _END_LENGTH, 0))
    tail = file.read()
    end = tail[-_END_LENGTH:]
    if len(end) < _END_LENGTH or not end.startswith(_END) or end[-2:] != b"\0\0":
        raise ValueError("it is no .npz archive, or its end is missing")
    if tail.startswith(_LARGE_END) and len(tail) > _END_LENGTH and size < 1 << 32:
        raise ValueError("the archive ends as those beyond 4 GiB do, but is smaller")
    if int.from_bytes(end[12:16], "little") > MOST_OF_DIRECTORY:
        raise ValueError(f"the archive's table of contents is larger than {MOST_OF_DIRECTORY} bytes")
