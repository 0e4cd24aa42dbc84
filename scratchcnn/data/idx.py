"""The IDX format, both ways: how MNIST and its relatives store an array in a file.

    2 bytes       zero
    1 byte        element type: 0x08 uint8, 0x09 int8, 0x0B int16, 0x0C int32, 0x0D float32, 0x0E float64
    1 byte        number of dimensions
    4 bytes each  the dimensions, unsigned, most significant byte first
    the elements, the last dimension varying fastest, most significant byte first

All of it may be packed with gzip. A file is believed only as far as it can be checked: a header is a promise about the
length of what follows, and one that the file cannot keep, or that it exceeds, is refused before memory is spent on it.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import struct
import zlib
from typing import BinaryIO

import numpy as np

from ..checks.advice.objects import as_array
from ..checks.inputs import as_integer
from ..checks.messages import reason, shown
from ..checks.paths import as_path
from ..files import open_regular, replacing

_DTYPES: dict[int, np.dtype] = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_CODES = {dtype.newbyteorder("="): code for code, dtype in _DTYPES.items()}
_TYPE_NAMES = ", ".join(f"0x{code:02X} {dtype.name}" for code, dtype in _DTYPES.items())

_GZIP_MAGIC = b"\x1f\x8b"
_MOST_PER_PACKED_BYTE = 1032  # deflate's densest code: 258 repeated bytes in two bits
_PIECE = 1 << 20  # bytes read at a time
MOST_BYTES = 1 << 31  # of an array, unless asked for more: four times the largest data set published in this format


def read_idx(path: str | os.PathLike[str], max_bytes: int = MOST_BYTES) -> np.ndarray:
    """Read one array from an IDX file, packed with gzip or not: its first bytes tell, its name does not matter.

    Parameters
    ----------
    path : str or path-like
        A regular file: FIFOs and devices are refused, they may wait for ever.
    max_bytes : int, default 2 GiB
        A larger array is refused before memory is spent on it: a gzip file holds up to 1,032 times its own size.

    Returns
    -------
    ndarray
        Of the file's shape and element type, in the machine's own byte order, writable.

    Raises
    ------
    ValueError
        If ``path`` is no path, or the file is not an IDX file, or is damaged, too short or too long, or holds more than
        ``max_bytes``; the message names the file, what was found and what was expected.
    FileNotFoundError
        If there is no such file (and other kinds of OSError if it cannot be read).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import scratchcnn as sc
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "three-bytes")
    ...     count = path.write_bytes(bytes.fromhex("00000801 00000003 616263"))  # uint8, one dimension of three
    ...     sc.data.read_idx(path).tolist()
    [97, 98, 99]
    """
    max_bytes = as_integer("max_bytes", max_bytes, 0)
    name = as_path("path", path)
    with open_regular(name) as file:
        return read_stream(file, name, max_bytes, "; pass max_bytes={promised} to read it all the same")


def read_stream(file: BinaryIO, name: str, max_bytes: int = MOST_BYTES, advice: str = "") -> np.ndarray:
    """Read one array from an open, seekable file; ``name`` is what error messages call it.

    ``advice`` is what to do where the array has more than ``max_bytes``; ``{promised}`` in it is how many it has.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    packed = file.read(2) == _GZIP_MAGIC
    file.seek(0)
    if not packed:
        return _read(file, name, size, packed, max_bytes, advice)
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
            return _read(unpacked, name, size, packed, max_bytes, advice)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{name}: damaged gzip file ({reason(error)}); {size} bytes were found, get it again"
        ) from error


def _read(
    stream: BinaryIO | gzip.GzipFile, name: str, size: int, packed: bool, max_bytes: int, advice: str
) -> np.ndarray:
    dtype, shape, header_size = _read_header(stream, name)
    promised = math.prod(shape) * dtype.itemsize  # Python integers: no header overflows them
    promise = f"the header promises {shown(promised, 30)} bytes after it, shape {shown(shape)} of {dtype.name}"
    if not packed and size != header_size + promised:
        raise ValueError(f"{name}: {promise}, but the file has {size - header_size}")
    if packed and header_size + promised > size * _MOST_PER_PACKED_BYTE:
        raise ValueError(f"{name}: {promise}, more than the {size} bytes of this gzip file can hold")
    if promised > max_bytes:
        raise ValueError(f"{name}: {promise}, more than max_bytes={max_bytes}{advice.format(promised=promised)}")

    data = bytearray()
    while len(data) < promised:
        piece = stream.read(min(_PIECE, promised - len(data)))
        if not piece:
            raise ValueError(f"{name}: {promise}, but the file ends after {len(data)}")
        try:
            data += piece
        except MemoryError:
            raise MemoryError(f"{name}: {promise}, and the memory ends after {len(data)}") from None
    if stream.read(1):  # of a gzip file, this is also what compares the checksum
        raise ValueError(f"{name}: {promise}, but the file goes on after them")

    try:
        array = np.ndarray(shape, dtype, buffer=data)
    except ValueError as error:  # more dimensions than NumPy has, or an empty array with huge ones
        raise ValueError(f"{name}: {promise}, which NumPy cannot represent ({reason(error)})") from error
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_header(stream: BinaryIO | gzip.GzipFile, name: str) -> tuple[np.dtype, tuple[int, ...], int]:
    """Return the element type, the shape and the number of bytes they took."""
    start = stream.read(4)
    if len(start) < 4:
        raise ValueError(f"{name}: {len(start)} bytes are no IDX file, which begins with four: 0, 0, type, dimensions")
    if start[:2] != b"\0\0":
        raise ValueError(f"{name}: not an IDX file: it begins with {start!r}, expected two zero bytes")
    code, dimensions = start[2:]
    if code not in _DTYPES:
        raise ValueError(f"{name}: unknown IDX element type 0x{code:02X}, expected one of {_TYPE_NAMES}")
    extents = stream.read(4 * dimensions)
    if len(extents) < 4 * dimensions:
        expected = f"expected {4 * dimensions} bytes for the extents of {dimensions} dimensions"
        raise ValueError(f"{name}: the file ends inside its header: {expected}, found {len(extents)}")
    return _DTYPES[code], struct.unpack(f">{dimensions}I", extents), 4 + len(extents)


def write_idx(path: str | os.PathLike[str], array: np.ndarray) -> None:
    """Write one array as an IDX file, packed with gzip where the name ends in ``.gz``.

    The file appears under its name complete or not at all, and the same array always gives the same bytes (the gzip
    header carries neither a time nor a name).

    Parameters
    ----------
    path : str or path-like
        A file of this name is replaced, and its mode kept. What is not a regular file (a folder, a FIFO, a device) is
        an error, and so is a read-only file.
    array : ndarray
        uint8, int8, int16, int32, float32 or float64, of any shape.

    Raises
    ------
    ValueError
        If ``path`` is no path or ``array`` no array of numbers, the format has no such element type, or a dimension
        does not fit into four bytes.
    OSError
        If the file cannot be written; what was there before is then untouched.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sc.data.write_idx(f"{folder}/labels-idx1-ubyte.gz", np.array([3, 1, 4], np.uint8))
    ...     labels = sc.data.read_idx(f"{folder}/labels-idx1-ubyte.gz")
    >>> labels.tolist()
    [3, 1, 4]
    """
    target = as_path("path", path)
    header, data = _encode(as_array(array, "what is written", "array"), target)
    with replacing(target) as file:
        if target.lower().endswith(".gz"):
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                packed.write(header)
                packed.write(data)
        else:
            file.write(header)
            file.write(data)


def content_sha256(array: np.ndarray) -> str:
    """Return the SHA-256 sum of the array's IDX file before packing: the same however the file was compressed."""
    header, data = _encode(array, "array")
    digest = hashlib.sha256(header)
    digest.update(data)
    return digest.hexdigest()


def _encode(array: np.ndarray, name: str) -> tuple[bytes, memoryview]:
    """Return the header and the elements as the file holds them."""
    code = _CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        raise ValueError(f"{name}: IDX has no element type {array.dtype}; convert the array to one of {_TYPE_NAMES}")
    if max(array.shape, default=0) > 0xFFFFFFFF:
        raise ValueError(f"{name}: IDX dimensions end at {0xFFFFFFFF}, got shape {array.shape}")
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    elements = np.ascontiguousarray(array, _DTYPES[code])
    return header, elements.reshape(-1).view(np.uint8).data
