"""The epochs as a table in a CSV file, which grows row by row, and by columns where a row brings new ones."""

from __future__ import annotations

import csv
import io
from os import PathLike
from pathlib import Path
from typing import IO, Any

from ..checks.messages import shown
from ..checks.paths import as_path
from ..checks.settings import Setting, yes_or_no
from ..files import replacing, require_regular
from ..network.network import Network
from .base import LogReader


class CSVLogger(LogReader):
    """Writes a table of the epochs (from 1) and what they measured, a row as soon as each ends.

    A measurement that the first epoch did not have gets a column when it comes; cells of epochs without it are empty.

    Parameters
    ----------
    path : path-like
        The file.
    append : bool, default False
        Whether to go on at the end of a table that is there, when a training is continued, or to start a new one.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     table = pathlib.Path(folder, "history.csv")
    ...     history = model.fit(x[:100], y[:100], epochs=2, callbacks=[sc.callbacks.CSVLogger(table)], verbose=0)
    ...     table.read_text().splitlines()[0]
    'epoch,loss,accuracy'
    """

    path = Setting(lambda name, value: Path(as_path(name, value)))
    append = Setting(yes_or_no)

    def __init__(self, path: str | PathLike[str], append: bool = False) -> None:
        self.path = path
        self.append = append
        self._table: Table | None = None
        self._epochs: int | None = None  # that a resumed training has behind it

    def attach(self, model: Network, epochs: int, steps: int) -> None:
        super().attach(model, epochs, steps)
        self.on_train_end()  # of a training that was cut off
        self._epochs = None

    def get_state(self) -> dict[str, Any]:
        return {"epochs": 0 if self._epochs is None else self._epochs}

    def set_state(self, state: dict[str, Any]) -> None:
        self._epochs = state["epochs"]

    def on_train_begin(self) -> None:
        if self._epochs is not None:
            _drop_rows_after(self.path, self._epochs)
        self._table = Table(self.path, "epoch", self.append or self._epochs is not None)

    def read_logs(self, epoch: int, logs: dict[str, Any]) -> None:
        assert self._table is not None
        self._table.write({**logs, "epoch": epoch + 1})
        self._epochs = epoch + 1

    def on_train_end(self) -> None:
        if self._table is not None:
            self._table.close()
            self._table = None


def _drop_rows_after(path: Path, epochs: int) -> None:
    """Cut off a table the rows of epochs that were done after the checkpoint, and will be done again."""
    if not path.is_file():
        return
    with open(path, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(row for row in rows if not row[0].isdigit() or int(row[0]) <= epochs)
    with replacing(path) as file:
        file.write(text.getvalue().encode())


class Table:
    """A CSV file that is open for more rows.

    Parameters
    ----------
    path : Path
        The file; folders on the way are made.
    key : str
        The first column.
    append : bool
        Whether to go on with the table that is there, or to start a new one.

    Raises
    ------
    ValueError
        If there is something else in the file than such a table.
    OSError
        If the path leads to what is not a regular file, such as a FIFO, which would block for ever.
    """

    def __init__(self, path: Path, key: str, append: bool) -> None:
        self.path = path.absolute()  # wherever the work goes on
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.columns: list[str] = []
        broken_off = False
        if append and self.path.is_file() and self.path.stat().st_size:
            text = self.path.read_text(encoding="utf-8", errors="replace")
            self.columns = next(csv.reader([text.splitlines()[0]]))
            broken_off = not text.endswith("\n")  # in the middle of a row
            if self.columns[:1] != [key]:
                raise ValueError(
                    f"{path} has no table to go on with: it begins with {self.columns[:1]}, not with {shown(key)}; "
                    f"pass append=False to replace it, or another path"
                )
        self._has_header = bool(self.columns)
        self.columns = self.columns or [key]
        self._open("a" if append else "w")
        if broken_off:
            self._file.write("\r\n")

    def write(self, row: dict[str, Any]) -> None:
        """Add a row, by the names of the columns; it is on disk when this returns."""
        new = [name for name in row if name not in self.columns]
        if new or not self._has_header:
            self._widen(new)
        self._writer.writerow([row.get(name, "") for name in self.columns])
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _open(self, mode: str) -> None:
        require_regular(self.path)
        self._file: IO[str] = open(self.path, mode, newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)

    def _widen(self, new: list[str]) -> None:
        """Write the header with new columns, and beneath it the rows that are there, with empty cells in these."""
        self.columns += new
        if not self._has_header or not self.path.is_file():  # a pipe cannot be written anew
            self._writer.writerow(self.columns)
            self._has_header = True
            return
        self._file.close()
        with open(self.path, newline="", encoding="utf-8") as old:
            rows = [row for row in csv.reader(old) if row][1:]
        text = io.StringIO(newline="")
        csv.writer(text).writerows([self.columns, *(row + [""] * (len(self.columns) - len(row)) for row in rows)])
        with replacing(self.path) as file:
            file.write(text.getvalue().encode())
        self._open("a")
