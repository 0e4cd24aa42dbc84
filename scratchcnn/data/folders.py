"""Where the files of a data set are in a folder that a user named: in it, below it or above it, and in which form.

People have MNIST in many forms: as it is published, unpacked, below ``MNIST/raw`` as torchvision leaves it, unpacked by
7-Zip or Kaggle into folders with dots in their names, as Keras's ``mnist.npz``, or as tables. All are read, and all are
checked like the published files.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..checks.messages import reason
from ..files import open_regular
from .cifar import read_folder
from .csv import load_csv
from .sources import DataSet, IdxFile, TarArchive, ZipArchive
from .verification import OWN_FILES, Split, assemble, read_published, require_content

DEEPEST, MOST_FOLDERS, HIGHEST = 3, 500, 2  # how far below and above the folder to look
_PICKLE = (
    "{path} is a pickle, which can run code when it is loaded, and is not read; if you trust it, make mnist.npz of it: "
    "import gzip, pickle, numpy as np; (a, b), (c, d), (e, f) = pickle.load(gzip.open({name!r}), encoding='latin1'); "
    "pixels = lambda x: np.round(x * 256).astype(np.uint8).reshape(-1, 28, 28); "
    "np.savez('mnist.npz', x_train=pixels(np.concatenate([a, c])), y_train=np.concatenate([b, d]), "
    "x_test=pixels(e), y_test=f)"
)


def load_folder_of(folder: Path, data_set: DataSet) -> tuple[Split, Split]:
    """Load a data set from a folder, one for it in that, or another below or above.

    Raises FileNotFoundError where none of the files is there, ValueError where some are missing or wrong.
    """
    if not folder.exists():
        raise FileNotFoundError(f"there is no folder {folder}")
    if not folder.is_dir():
        folder = folder.parent  # one of the files
    near = [*(folder / subfolder for subfolder in data_set.folders), folder]
    problem: Exception | None = None
    for place in _once(itertools.chain(near, _below(folder), folder.resolve().parents[:HIGHEST])):
        try:
            found = _load_place(place, data_set)
        except (OSError, ValueError) as error:
            if place == near[0] or place == folder:  # it is this that was meant
                raise
            problem = problem or error
            continue
        if found is not None:
            return found
    if problem is not None:
        raise problem
    subfolders = " or ".join(name for name in data_set.folders if "/" not in name or "raw" not in name)
    first = data_set.files[0].name if data_set.files else data_set.downloads[0].name
    raise FileNotFoundError(
        f"there is no {first}, packed or not, in {folder} or {subfolders} in it, nor in the folders below and above"
    )


def _once(places: Iterator[Path]) -> Iterator[Path]:
    seen: set[str] = set()
    for place in places:
        if (name := os.path.realpath(place)) not in seen:
            seen.add(name)
            yield place


def _below(folder: Path) -> Iterator[Path]:
    """Yield the folders below one, the nearest first; not endlessly."""
    level, count = [folder], 0
    for _ in range(DEEPEST):
        level = [child for parent in level for child in _children(parent)]
        for child in level:
            count += 1
            if count > MOST_FOLDERS:
                return
            yield child


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []


def _load_place(place: Path, data_set: DataSet) -> tuple[Split, Split] | None:
    """Load from this very folder; None where nothing of the data set is there."""
    if isinstance(data_set.archive, TarArchive):
        arrays = read_folder(place)
        if arrays is not None:
            return assemble(data_set, arrays, str(place))
    wanted: tuple[IdxFile | ZipArchive | TarArchive, ...] = data_set.files
    found = [_find(place, file.name) for file in wanted]
    if not any(found) and data_set.archive is not None:
        wanted = data_set.downloads
        found = [_find(place, data_set.archive.name)]
    if not any(found):
        return _load_npz(place, data_set) or _load_tables(place, data_set)
    arrays = []
    for what, path in zip(wanted, found, strict=True):
        if path is None:
            raise ValueError(f"{place} has only some of the files, {what.name} is missing")
        with open_regular(path) as file:
            arrays += read_published(file, data_set, what, str(path), proven=False)
    return assemble(data_set, arrays, str(place))


def _find(folder: Path, name: str) -> Path | None:
    """Return the path of a published file: as it is, unpacked, with a dot for the dash, or in a folder of its own.

    Where there is only something else of that name, a folder or a FIFO, its path: opening it will say what it is.
    """
    unpacked = name.removesuffix(".gz")
    dotted = unpacked.replace("-idx", ".idx")
    names = list(dict.fromkeys([name, unpacked, dotted, f"{dotted}.gz"]))
    candidates = [folder / candidate for candidate in names]
    candidates += [folder / outer / inner for outer in names for inner in names]
    regular = [path for path in candidates if path.is_file()]
    return next(iter(regular or [path for path in candidates if path.exists()]), None)


def _load_npz(place: Path, data_set: DataSet) -> tuple[Split, Split] | None:
    """Load Keras's ``mnist.npz``, or say what ``mnist.pkl.gz`` is."""
    for name in data_set.folders:
        path = place / f"{name}.npz"
        if path.is_file() and data_set.files:
            try:
                with np.load(path, allow_pickle=False) as file:
                    arrays = [file[key] for key in ("x_train", "y_train", "x_test", "y_test")]
            except Exception as error:  # whatever a file that is none raises
                raise ValueError(f"{path} is not such a file as Keras's mnist.npz: {reason(error)}") from error
            return _assemble_checked(arrays, data_set, str(path))
        for pickled in (f"{name}.pkl.gz", f"{name}.pkl"):
            if (place / pickled).is_file():
                raise ValueError(_PICKLE.format(path=place / pickled, name=pickled))
    return None


def _load_tables(place: Path, data_set: DataSet) -> tuple[Split, Split] | None:
    """Load Kaggle's tables, ``mnist_train.csv`` and ``mnist_test.csv``."""
    for name in data_set.folders:
        train, test = place / f"{name}_train.csv", place / f"{name}_test.csv"
        if train.is_file() and test.is_file() and data_set.files:
            tables = [array for path in (train, test) for array in load_csv(path)]
            arrays = [array for array in tables if array is not None]
            if len(arrays) == len(tables):
                return _assemble_checked(arrays, data_set, str(train))
            raise ValueError(f"{train} and {test.name}: one of them has no column of labels")
    return None


def _assemble_checked(arrays: list[np.ndarray], data_set: DataSet, name: str) -> tuple[Split, Split]:
    """Return the split, if what is in the arrays is what is published."""
    for place, (array, file) in enumerate(zip(arrays, data_set.files, strict=True)):
        if array.shape != file.shape or not np.array_equal(array, array.astype(np.uint8)):
            raise ValueError(
                f"{name}: holds {array.shape} {array.dtype}, expected {file.shape} {file.dtype}; {OWN_FILES}"
                f"(path), and a table with sc.data.load_csv"
            )
        arrays[place] = np.ascontiguousarray(array, np.uint8)
        require_content(arrays[place], file, name)
    return assemble(data_set, arrays, name)
