"""Parsing CSV files: a header, where there is one, and rows of numbers.

Cells are separated by commas. No line is passed over but blank ones: what is neither names nor numbers is an error that
says where it is and what to do.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from ..checks.messages import reason, shown
from ..checks.paths import shown_path
from ..files import open_regular

MOST_UNPACKED = 1 << 31  # characters of a gzip file, which holds up to 1,032 times its own size
LONGEST_LINE = 1 << 24  # characters
_MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-")
_OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook; unpack the archive, or save the workbook as CSV (UTF-8)"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook; save it as CSV (UTF-8)"),
    (b"BZh", "a file packed with bzip2; unpack it first: bunzip2"),
    (b"\xfd7zXZ", "a file packed with xz; unpack it first: unxz"),
    (b"\xff\xfe", "text in UTF-16; save it as CSV (UTF-8)"),
    (b"\xfe\xff", "text in UTF-16; save it as CSV (UTF-8)"),
    (b"\x93NUMPY", "an array of NumPy's; load it with np.load"),
    (b"PAR1", "a Parquet file; write it as CSV: pd.read_parquet(path).to_csv('table.csv', index=False)"),
)
_WITH_COMMAS = {
    "semicolons": "text.replace(',', '.').replace(';', ',')",
    "tabs": r"text.replace(',', '.').replace('\t', ',')",
    "spaces": r"'\n'.join(','.join(line.split()) for line in text.splitlines())",
}


@dataclass
class Table:
    """The rows of a CSV file, its column names and its line numbers."""

    file: str  # what messages call it
    names: list[str] | None
    rows: np.ndarray  # (N, columns), float64
    lines: list[int]  # the line number of each row, from 1

    def place(self, row: int, column: int) -> str:
        """Return the line and the column of a number, for a message."""
        return _place(self.lines[row], column, self.names)


def read_table(path: str) -> Table:
    """Read a table of finite numbers, packed with gzip or not.

    The first line has names if none of its cells is a number, or if those that are count the columns, as pandas writes
    them: ``0,1,2,...`` or ``label,0,1,2,...``. It may begin with ``#``, as ``np.savetxt`` writes it.
    """
    file = shown_path(path)
    read: list[int] = []
    with contextlib.closing(_lines(path, file)) as lines:
        first = next(lines, (1, ""))
        _require_commas(first[1], file)
        names = _names_in(first[1])
        row = next(lines, None) if names or not first[1] else first
        if row is None:
            raise ValueError(f"{file} has no rows of numbers")

        def rows() -> Iterator[str]:
            for number, line in itertools.chain([row], lines):
                read.append(number)
                yield line

        try:
            numbers = np.loadtxt(rows(), delimiter=",", comments=None, quotechar='"', ndmin=2)
        except UnreadableError:
            raise
        except ValueError as error:
            fault = _first_fault(path, file, names) or reason(error)
            raise ValueError(f"{file} is no table of numbers separated by commas: {fault}") from error
    if names is not None and len(names) != numbers.shape[1]:
        raise ValueError(
            f"{file} has {len(names)} names of columns in its first line and {numbers.shape[1]} numbers in each row; "
            "give every column a name, or none"
        )
    table = Table(file, names, numbers, read)
    finite = np.isfinite(numbers)
    if not finite.all():
        row_, column = (int(place) for place in np.unravel_index(np.argmin(finite), finite.shape))
        raise ValueError(f"{file}: {table.place(row_, column)} is {numbers[row_, column]}; {_ADVICE_ON_MISSING}")
    return table


class UnreadableError(ValueError):
    """The file cannot be read to its end."""


def _lines(path: str, file: str) -> Generator[tuple[int, str], None, None]:
    """Yield the lines that are not blank, with their numbers."""
    with open_regular(path) as binary:
        start = binary.read(8)
        binary.seek(0)
        for magic, what in _OTHER_FORMATS:
            if start.startswith(magic):
                raise UnreadableError(f"{file} is no text with commas but {what}")
        packed = start.startswith(b"\x1f\x8b")
        source = gzip.GzipFile(fileobj=binary, mode="rb") if packed else binary
        text = io.TextIOWrapper(cast(io.BufferedReader, source), encoding="utf-8-sig", errors="replace")
        length = 0
        try:
            for number in itertools.count(1):
                line = text.readline(LONGEST_LINE)
                length += len(line)
                if len(line) == LONGEST_LINE:
                    raise UnreadableError(f"{file}: line {number} has {LONGEST_LINE} characters or more: no table")
                if packed and length > MOST_UNPACKED:
                    raise UnreadableError(f"{file} unpacks to more than {MOST_UNPACKED} bytes; unpack it first: gunzip")
                if not line:
                    return
                if not line.isspace():
                    yield number, line
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UnreadableError(f"{file} is a damaged gzip file ({reason(error)}); get it again") from error


def _cells(line: str) -> list[str]:
    return [cell.strip().strip('"').strip() for cell in line.split(",")]


def _names_in(line: str) -> list[str] | None:
    """Return the names in a first line; None if it is a row of numbers, be it one with faults."""
    cells = _cells(line.lstrip().removeprefix("#"))
    values = [cell for cell in cells if cell and _is_value(cell)]
    if not values:
        return cells if any(cells) else None
    starts = (0, 1) if any(cell and not _is_value(cell) for cell in cells) else (0,)
    counting = any(values == [str(start + place) for place in range(len(values))] for start in starts)
    return cells if counting and len(values) > 2 else None


def _is_value(cell: str) -> bool:
    """Return whether a cell is meant as a number: also one that is missing, and what only other programs read."""
    if cell.lower() in _MISSING or _is_number(cell):
        return True
    try:
        int(cell, 0)  # 0xff
    except ValueError:
        return False
    return True


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell  # 1_000 is one to Python alone


def _require_commas(line: str, file: str) -> None:
    """Raise a ValueError if a first line shows that the file is something else."""
    if line.lstrip()[:1] in ("<", "{", "["):
        what = "HTML or XML" if line.lstrip()[0] == "<" else "JSON"
        raise ValueError(f"{file} is no table but {what}: it begins with {shown(line.strip(), 60)}; get the CSV file")
    if advice := _on_separator(line):
        raise ValueError(f"{file} is no table of numbers separated by commas: line 1 {advice}")


def _on_separator(text: str) -> str:
    """Return what to do about cells that are not separated by commas, or nothing."""
    parts = text.split()
    if ";" in text:
        separators = "semicolons"
    elif "\t" in text.strip():
        separators = "tabs"
    elif "," not in text and len(parts) > 1 and all(map(_is_number, parts)):
        separators = "spaces"
    else:
        return ""
    return (
        f"has {separators}; write the table with commas: from pathlib import Path; text = Path(path).read_text(); "
        f"Path('table.csv').write_text({_WITH_COMMAS[separators]})"
    )


_ADVICE_ON_MISSING = "all must be finite numbers; fill in what is missing, or leave the row out"


def _first_fault(path: str, file: str, names: list[str] | None) -> str:
    """Return where the first cell is that is no number, or the first row of another length, and what to do."""
    expected = None
    with contextlib.closing(_lines(path, file)) as lines:
        for number, line in itertools.islice(lines, 0 if names is None else 1, None):
            cells = _cells(line)
            for column, cell in enumerate(cells):
                if cell.lower() in _MISSING:
                    return f"{_place(number, column, names)} is a missing value, {shown(cell)}; {_ADVICE_ON_MISSING}"
                if not _is_number(cell):
                    advice = (
                        _on_separator(cell)
                        or "is not a number; write decimal numbers, and 0, 1, 2, ... for labels that are words"
                    )
                    return f"{_place(number, column, names)}: {shown(cell, 60)} {advice}"
            expected = expected or len(cells)
            if len(cells) != expected:
                return f"line {number} has {len(cells)} cells, the rows before it have {expected}"
    return ""


def _place(line: int, column: int, names: list[str] | None) -> str:
    named = f" ({shown(names[column], 60)})" if names is not None and column < len(names) else ""
    return f"line {line}, column {column + 1}{named}"
