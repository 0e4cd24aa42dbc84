"""From bytes to arrays that are known to be the data set asked for, or a ValueError that says what they are instead.

Wherever a file comes from, it is read the same way: its sum, then the IDX format, then the sum of its content, the
shape and, when all four files are there, the labels.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from ..checks.messages import reason, shown
from .cifar import read_tar
from .idx import content_sha256, read_stream
from .sources import DataSet, IdxFile, TarArchive, ZipArchive, published_as

ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)  # of a damaged archive
OWN_FILE = "a file of your own is read with"  # though it has the name of a published one
_READERS = {".npz": "numpy.load", ".csv": "sc.data.load_csv", ".zip": None}

Split = tuple[np.ndarray, np.ndarray]


def read_published(
    file: BinaryIO, data_set: DataSet, what: IdxFile | ZipArchive | TarArchive, name: str, proven: bool
) -> list[np.ndarray]:
    """Return the arrays in an open file: one from an IDX file, four from an archive.

    Parameters
    ----------
    file : binary file
        Seekable.
    data_set : DataSet
        What is being loaded.
    what : IdxFile, ZipArchive or TarArchive
        Which of its files this is to be.
    name : str
        What error messages call it.
    proven : bool
        Whether only a known sum is proof enough. That is so for what was downloaded, and for what lies in a folder that
        the user did not mean by name. Other files may have been packed again; if the sum of their content is not known
        either, their form has to do.

    Raises
    ------
    ValueError
        If it is not what it is to be.
    """
    if isinstance(what, IdxFile):
        return [_read_idx_file(file, what, name, proven)]
    if isinstance(what, TarArchive):
        if (found := _sha256(file)) != what.sha256:
            raise ValueError(f"{name}: {_describe(file)}; SHA-256 {found}, expected {what.sha256}")
        return read_tar(file, name)
    if proven and (found := _sha256(file)) != what.sha256:
        raise ValueError(f"{name}: {_describe(file)}; SHA-256 {found}, expected {what.sha256}")
    try:
        with zipfile.ZipFile(file) as archive:
            return [_read_member(archive, member, name) for member in data_set.files]
    except ZIP_ERRORS as error:
        raise ValueError(f"{name}: damaged zip archive ({reason(error)})") from error


def _read_member(archive: zipfile.ZipFile, what: IdxFile, name: str) -> np.ndarray:
    for info in archive.infolist():
        if info.filename.rsplit("/", 1)[-1] == what.name:
            break
    else:
        raise ValueError(f"{name}: the archive has no {what.name}")
    if info.file_size > what.most_bytes:
        raise ValueError(f"{name}: {what.name} in it has {info.file_size} bytes, expected at most {what.most_bytes}")
    with archive.open(info) as member:
        return _read_idx_file(io.BytesIO(member.read()), what, f"{name}/{info.filename}", proven=False)


def _read_idx_file(file: BinaryIO, what: IdxFile, name: str, proven: bool) -> np.ndarray:
    packed_sum = _sha256(file)
    try:
        array = read_stream(file, name)
    except ValueError as error:
        raise ValueError(f"{error} ({_describe(file)})") from error
    content_sum = content_sha256(array)
    if packed_sum == what.sha256 or content_sum == what.content_sha256:
        return array
    if other := published_as(packed_sum, content_sum):
        raise ValueError(f"{name}: this is {other}, another data set or another part of it")
    own = "" if proven else own_file(name)
    if array.shape != what.shape or array.dtype != what.dtype:
        raise ValueError(f"{name}: holds {array.shape} {array.dtype}, expected {what.shape} {what.dtype}{own}")
    if what.content_sha256:
        expected = f"SHA-256 {content_sum}, expected {what.content_sha256}"
        raise ValueError(f"{name}: damaged or altered: its content has {expected}{own}")
    if proven:
        expected = what.sha256 or "a sum that is not known"
        raise ValueError(f"{name}: damaged or altered, or another data set: SHA-256 {packed_sum}, expected {expected}")
    return array


def require_content(array: np.ndarray, what: IdxFile, name: str, note: str = "") -> np.ndarray:
    """Return an array as bytes if it is what a published file holds, as far as that is known.

    Raises
    ------
    ValueError
        If it is not; ``note`` is part of the message.
    """
    with np.errstate(invalid="ignore"):  # NaN, which equals nothing below
        content = np.ascontiguousarray(array, what.dtype)
    if array.shape != what.shape or not np.array_equal(array, content):
        expected = f"expected {what.shape} {what.dtype}"
        raise ValueError(f"{name}: holds {array.shape} {array.dtype}, {expected}{own_file(name)}")
    content_sum = content_sha256(content)
    if what.content_sha256 and content_sum != what.content_sha256:
        other = published_as(content_sum)
        is_what = f"this is {other}" if other else f"damaged or altered: its content has SHA-256 {content_sum}"
        raise ValueError(f"{name}: {is_what}, expected that of the {what.name}{note}{own_file(name)}")
    return content


def own_file(name: str) -> str:
    """Return what reads a file that is not one of a data set, as the end of a message; nothing if nothing here does."""
    reader = _READERS.get(os.path.splitext(name)[1].lower(), "sc.data.read_idx")
    return f"; {OWN_FILE} {reader}({name!r})" if reader else ""


def assemble(data_set: DataSet, arrays: list[np.ndarray], names: Sequence[str]) -> tuple[Split, Split]:
    """Return ``(x_train, y_train), (x_test, y_test)``: images upright, labels from 0 on, all uint8.

    ``names`` are what error messages call the four of them.

    Raises
    ------
    ValueError
        If the labels are not those of the data set's classes.
    """
    x_train, y_train, x_test, y_test = arrays
    return (
        (_images(data_set, x_train), _labels(data_set, y_train, names[1])),
        (_images(data_set, x_test), _labels(data_set, y_test, names[3])),
    )


def _images(data_set: DataSet, x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 2, 1)) if data_set.transposed else x  # (N, 28, 28)


def _labels(data_set: DataSet, y: np.ndarray, name: str) -> np.ndarray:
    if y.ndim == 2:
        y = y[:, 0]  # QMNIST: the first column is the class
    first, last = data_set.first_label, data_set.first_label + data_set.classes - 1
    found = np.unique(y)
    if not np.array_equal(found, np.arange(first, last + 1)):
        raise ValueError(
            f"{name}: the labels are {shown(found.tolist())}, expected each of {first} to {last}{own_file(name)}"
        )
    return (y - first).astype(np.uint8)  # (N,)


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def _describe(file: BinaryIO) -> str:
    """Return what a file seems to be, for messages about something else in its place."""
    file.seek(0)
    start = file.read(64).lstrip().lower()
    page = start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head"))
    return f"{'a web page' if page else 'a file'} of {file.seek(0, io.SEEK_END)} bytes"
