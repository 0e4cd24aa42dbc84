"""Images in tables, one in a row, as Kaggle hands them out."""

from __future__ import annotations

import io
import math
import os
import warnings
from typing import Any

import numpy as np

from ..checks.inputs import as_input_shape
from ..checks.messages import reason, shown
from ..files import open_regular

LABEL_NAMES = ("label", "labels", "class", "target", "y")


def load_csv(
    path: str | os.PathLike[str], label: str | int | None = "auto", shape: tuple[int, ...] | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Load images from a table: a row each, a column for the label and one for each pixel.

    Parameters
    ----------
    path : path-like
        The file, with or without a line of names at its beginning; separated by commas.
    label : str, int or None, default "auto"
        The column of the labels: its name, its number, or None where there is none. "auto": the one called "label",
        "class", "target" or "y"; in a table without names the first, unless all columns together make a square.
    shape : tuple of int, optional
        Of an image, (H, W) or (H, W, C). Without it (H, H) where the number of pixels is a square, else (D,).

    Returns
    -------
    x : ndarray, shape (N, *shape)
        uint8 where all values are integers from 0 to 255, else float64.
    y : ndarray of int64, shape (N,), or None
        None where there is no column of labels.

    Raises
    ------
    ValueError
        If it is no such table.
    OSError
        If it cannot be opened.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import scratchcnn as sc
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "tiny.csv")
    ...     _ = path.write_text("label,p0,p1,p2,p3\\n7,0,10,20,255\\n1,0,0,0,9\\n")
    ...     x, y = sc.data.load_csv(path)
    >>> x.shape, x[0].tolist(), y.tolist()
    ((2, 2, 2), [[0, 10], [20, 255]], [7, 1])
    """
    name = shown(os.fspath(path), 1000)[1:-1]
    with open_regular(path) as file:
        first = file.readline().decode("utf-8", "replace").strip().lstrip("\ufeff")
        head = [cell.strip().strip('"') for cell in first.split(",")]
        has_names = not all(_is_number(cell) for cell in head)
        if not has_names:
            file.seek(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of a table without rows, which is an error below
                text = io.TextIOWrapper(file, encoding="utf-8-sig" if not has_names else "utf-8")
                table = np.loadtxt(text, delimiter=",", ndmin=2)
        except ValueError as error:
            raise ValueError(f"{name} is no table of numbers separated by commas: {reason(error)}") from error
    if table.size == 0:
        raise ValueError(f"{name} has no rows of numbers")
    if has_names and len(head) != table.shape[1]:
        raise ValueError(f"{name} has {len(head)} names of columns and {table.shape[1]} numbers in a row")
    column = _column_of(label, head if has_names else None, table.shape[1], name)
    if column is None:
        return _as_images(table, shape, name), None
    y = table[:, column]
    if not np.array_equal(y, np.floor(y)):
        raise ValueError(f"{name}: the labels in column {column} must be integers, got {shown(y[y != np.floor(y)][0])}")
    return _as_images(np.delete(table, column, axis=1), shape, name), y.astype(np.int64)


def _column_of(label: Any, head: list[str] | None, columns: int, name: str) -> int | None:
    if label is None:
        return None
    if label == "auto":
        if head is not None:
            return next((place for place, cell in enumerate(head) if cell.lower() in LABEL_NAMES), None)
        return None if math.isqrt(columns) ** 2 == columns else 0
    if isinstance(label, str):
        if head is None or label not in head:
            there = f"its columns are {shown(head)}" if head else "its columns have no names; pass a number"
            raise ValueError(f"{name} has no column {shown(label)}; {there}")
        return head.index(label)
    if not isinstance(label, int) or not -columns <= label < columns:
        raise ValueError(f"label must be the name or the number of one of {columns} columns, got {shown(label)}")
    return label % columns


def _as_images(rows: np.ndarray, shape: tuple[int, ...] | None, name: str) -> np.ndarray:
    numbers = rows.shape[1]
    if shape is None:
        side = math.isqrt(numbers)
        shape = (side, side) if side * side == numbers else (numbers,)
    elif math.prod(as_input_shape(shape)) != numbers:
        raise ValueError(f"{name} has {numbers} pixels in a row, the shape {shape} has {math.prod(shape)}")
    bytes_ = rows.astype(np.uint8) if rows.min() >= 0 and rows.max() <= 255 else None
    if bytes_ is not None and np.array_equal(bytes_, rows):
        rows = bytes_
    return rows.reshape(len(rows), *shape)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
