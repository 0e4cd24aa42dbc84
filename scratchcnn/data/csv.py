"""Images in tables, one in a row, as Kaggle hands them out."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from ..checks.inputs import as_input_shape
from ..checks.messages import shown, similar_name
from ..checks.paths import as_path
from .table import Table, read_table

LABEL_NAMES = ("label", "labels", "class", "digit", "target", "y")
ROW_NUMBER_NAMES = ("", "unnamed: 0", "index", "id", "imageid")


def load_csv(
    path: str | os.PathLike[str], label: str | int | None = "auto", shape: tuple[int, ...] | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Load images from a table: a row each, a column for the label and one for each pixel.

    Parameters
    ----------
    path : path-like
        The file: numbers separated by commas, packed with gzip or not. Its first line has the names of the columns if
        none of its cells is a number, or if it counts the columns as pandas does (``0,1,2,...``).
    label : str, int or None, default "auto"
        The column of the labels: its name, its number in the file, counted from 0, or None where there is none. "auto":
        the one called "label", "labels", "class", "digit", "target" or "y", in capitals or not. A table without such a
        name has no labels if all its columns make one image: of the ``shape``, or a square. If they do not, the first
        column has the labels where the columns have no names; where they have, it is an error.
    shape : tuple of int, optional
        Of an image, (H, W) or (H, W, C). Without it (H, H) where the number of pixels is a square, else (D,).

    Returns
    -------
    x : ndarray, shape (N, *shape)
        uint8 where all values are integers from 0 to 255, else float64. A first column that numbers the rows is left
        out: one without a name, or called "Unnamed: 0", "index", "id" or "ImageId".
    y : ndarray of int64, shape (N,), or None
        None where there is no column of labels, as in Kaggle's ``test.csv``.

    Raises
    ------
    ValueError
        If it is no such table: the message names the line and the column, both counted from 1, and what to do.
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
    text = as_path("path", path)
    if shape is not None:
        shape = as_input_shape(shape.tolist() if isinstance(shape, np.ndarray) else shape, "shape")
    table = read_table(text)
    column = _label_column(label, shape, table)
    y = None if column is None else _as_labels(column, table)
    others = [] if column is None else [column]
    if _has_row_numbers(table) and column != 0:
        _require_row_numbers(table)
        others.append(0)
    if len(others) == table.rows.shape[1]:
        raise ValueError(f"{table.file} has no pixels: its only columns are {shown(table.names or 'the labels')}")
    return _as_images(np.delete(table.rows, others, axis=1), shape, table.file), y


def _label_column(label: Any, shape: tuple[int, ...] | None, table: Table) -> int | None:
    columns, names = table.rows.shape[1], table.names
    if label is None:
        return None
    if isinstance(label, str) and label == "auto":
        return _find_label_column(shape, table)
    if isinstance(label, str):
        if names is None:
            raise ValueError(
                f"{table.file} has no column {shown(label)}; its columns have no names; pass a number, counted from 0"
            )
        found = [place for place, name in enumerate(names) if name == label.strip()]
        found = found or [place for place, name in enumerate(names) if name.lower() == label.strip().lower()]
        if not found:
            close = similar_name(label, [name.lower() for name in names])
            meant = "" if close is None else f"; did you mean {shown(close)}?"
            raise ValueError(f"{table.file} has no column {shown(label)}; its columns are {shown(names)}{meant}")
        return _only(found, table)
    if isinstance(label, bool | np.bool_) or not isinstance(label, int | np.integer) or not -columns <= label < columns:
        raise ValueError(f"label must be the name or the number of one of {columns} columns, got {shown(label)}")
    return int(label) % columns


def _find_label_column(shape: tuple[int, ...] | None, table: Table) -> int | None:
    first = 1 if _has_row_numbers(table) else 0
    columns, names = table.rows.shape[1], table.names or []
    found = [place for place, name in enumerate(names) if name.lower() in LABEL_NAMES]
    if found:
        return _only(found, table)
    pixels = columns - first
    if (pixels == math.prod(shape)) if shape is not None else (pixels > 1 and math.isqrt(pixels) ** 2 == pixels):
        return None
    if not any(not name.isdigit() for name in names[first:]) and pixels > 0:
        return first
    raise ValueError(
        f"{table.file} has no column called {', '.join(LABEL_NAMES)}; its columns are {shown(names)}; pass label= and "
        "the name of the column with the labels, or label=None where there are none"
    )


def _only(found: list[int], table: Table) -> int:
    if len(found) > 1:
        raise ValueError(
            f"{table.file} has several columns that may be the labels, the numbers {shown(found)}, counted from 0; "
            "pass label= and one of these numbers"
        )
    return found[0]


def _as_labels(column: int, table: Table) -> np.ndarray:
    y = table.rows[:, column]
    wrong = np.flatnonzero((y != np.floor(y)) | (np.abs(y) >= 2**53))  # from there on float64 has no odd numbers
    if wrong.size:
        row = int(wrong[0])
        raise ValueError(
            f"{table.file}: labels must be integers below 2**53, got {y[row]} at {table.place(row, column)}; pass "
            "label= and the name or the number of another column if this is not the one"
        )
    return y.astype(np.int64)


def _has_row_numbers(table: Table) -> bool:
    return table.names is not None and table.names[0].lower() in ROW_NUMBER_NAMES


def _require_row_numbers(table: Table) -> None:
    numbers = table.rows[:, 0]
    if not any(np.array_equal(numbers, np.arange(start, start + len(numbers))) for start in (0, 1)):
        raise ValueError(
            f"{table.file}: the first column, {shown((table.names or [''])[0])}, is left out where it counts the rows "
            "from 0 or 1, and this one does not; write the table without it: "
            "pd.read_csv(path, index_col=0).to_csv('table.csv', index=False)"
        )


def _as_images(rows: np.ndarray, shape: tuple[int, ...] | None, file: str) -> np.ndarray:
    numbers = rows.shape[1]
    if shape is None:
        side = math.isqrt(numbers)
        shape = (side, side) if side * side == numbers else (numbers,)
    elif math.prod(shape) != numbers:
        raise ValueError(
            f"{file} has {numbers} pixels in a row, the shape {shape} has {math.prod(shape)}; pass the shape of an "
            "image, and label= and the column of the labels if it is not the one that was taken"
        )
    if rows.min() >= 0 and rows.max() <= 255 and np.array_equal(bytes_ := rows.astype(np.uint8), rows):
        rows = bytes_
    return rows.reshape(len(rows), *shape)
