"""The forms of a data set in one folder: its files as published or unpacked, an archive, Keras's ``mnist.npz``, tables.

People have MNIST in many forms: as it is published, unpacked by 7-Zip or Kaggle into folders with dots in their names,
as a browser names a second copy. All are read, and all are checked like the published files. Of several in one folder
the first good one counts.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..files import open_regular
from .cifar import NAMES, read_folder
from .csv import load_csv
from .npz import read_npz
from .sources import DataSet, IdxFile, TarArchive, ZipArchive
from .verification import Split, assemble, own_file, read_published, require_content

Listing = dict[str, list[Path]]  # what is in a folder, by plain names
_PICKLE = (
    "{path} is a pickle, which can run code when it is loaded, and is not read; if you trust it, make {name}.npz of "
    "it: import gzip, pathlib, pickle, numpy as np; content = pathlib.Path({path!r}).read_bytes(); "
    "p = pickle.loads({content}, encoding='latin1'); "
    "p = [[p[k] for k in sorted(p)[i : i + 2]] for i in (2, 0)] if isinstance(p, dict) else p; "
    "pixels = lambda x: (x if x.dtype == np.uint8 else np.round(x * 256).astype(np.uint8)).reshape(-1, 28, 28); "
    "x, y = (np.concatenate(parts) for parts in zip(*p[:-1])); "
    "np.savez({npz!r}, x_train=pixels(x), y_train=y, x_test=pixels(p[-1][0]), y_test=p[-1][1])"
)
_IN_ORDER = " in its order (Kaggle's Fashion-MNIST has its rows in another)"


class IncompleteError(ValueError):
    """Some of the files are there, and others are not."""


def load_place(
    place: Path, data_set: DataSet, trusted: bool, skipped: list[str], first: str = ""
) -> tuple[Split, Split] | None:
    """Load a data set from this very folder; None where nothing of it is there.

    Parameters
    ----------
    place : Path
    data_set : DataSet
    trusted : bool
        Whether the folder is known to be meant; else only known sums are believed.
    skipped : list of str
        Gets what was wrong with files in whose place others were good.
    first : str, optional
        Name of the file whose form is to be tried first.

    Raises
    ------
    OSError, ValueError
        If there are files of the data set, and no form is good.
    """
    listing = list_folder(place)
    forms = [_load_files, _load_archive, _load_batches, _load_npz, _load_tables]
    preferred = {".npz": _load_npz, ".csv": _load_tables}.get(Path(first).suffix.lower())
    problem: Exception | None = None
    for form in sorted(forms, key=lambda form: form is not preferred):
        try:
            found = form(place, listing, data_set, trusted, skipped)
        except (OSError, ValueError) as error:
            problem = problem or error
            continue
        if found is not None:
            if problem is not None:
                skipped.append(str(problem))
            return found
    if problem is not None:
        raise problem
    return None


def plain(name: str) -> str:
    """Return the name of a file without capitals, and without the number of a browser's second copy.

    Examples
    --------
    >>> plain("Train-Images-idx3-ubyte (1).gz")
    'train-images-idx3-ubyte.gz'
    """
    return re.sub(r" ?\(\d+\)", "", name).lower()


def list_folder(folder: Path) -> Listing:
    """Return what is in a folder by plain names; nothing where there is no such folder."""
    listing: Listing = {}
    try:
        paths = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return listing
    for path in sorted(paths, key=lambda path: (plain(path.name) != path.name, path.name)):
        listing.setdefault(plain(path.name), []).append(path)
    return listing


def published_names(data_set: DataSet) -> set[str]:
    """Return the plain names of the published files, packed, unpacked and with dots."""
    return {name for file in data_set.files for name in _spellings(file.name)}


def names_of(data_set: DataSet) -> set[str]:
    """Return the plain names of all files that are read."""
    stems = _stems(data_set)
    others = {f"{stem}{end}" for stem in stems for end in (".npz", ".pkl", ".pkl.gz", "_train.csv", "_test.csv")}
    batches = set(NAMES) if isinstance(data_set.archive, TarArchive) else set()
    return published_names(data_set) | others | batches | {plain(what.name) for what in data_set.downloads}


def _spellings(name: str) -> list[str]:
    unpacked = name.removesuffix(".gz")
    dotted = unpacked.replace("-idx", ".idx")
    return [spelling.lower() for spelling in dict.fromkeys([name, unpacked, dotted, f"{dotted}.gz"])]


def _stems(data_set: DataSet) -> list[str]:
    return [folder.lower() for folder in data_set.folders if "/" not in folder and folder != "gzip"]


def _find(listing: Listing, name: str) -> list[Path]:
    """Return the paths of a published file: as it is, unpacked, with a dot for the dash, or in a folder of its own.

    Where there is only something else of that name, a folder or a FIFO, its path: opening it will say what it is.
    """
    names = _spellings(name)
    found = [path for spelling in names for path in listing.get(spelling, [])]
    inner = [list_folder(path) for path in found if path.is_dir()]
    found += [path for folder in inner for spelling in names for path in folder.get(spelling, [])]
    return [path for path in found if path.is_file()] or found


def _load_files(
    place: Path, listing: Listing, data_set: DataSet, trusted: bool, skipped: list[str]
) -> tuple[Split, Split] | None:
    found = [_find(listing, file.name) for file in data_set.files]
    if not any(found):
        return None
    arrays, names = [], []
    for file, paths in zip(data_set.files, found, strict=True):
        if not paths:
            raise IncompleteError(f"{place} has only some of the files, {file.name} is missing")
        read, path = _first_good(paths, data_set, file, trusted, skipped)
        arrays += read
        names.append(str(path))
    return assemble(data_set, arrays, names)


def _load_archive(
    place: Path, listing: Listing, data_set: DataSet, trusted: bool, skipped: list[str]
) -> tuple[Split, Split] | None:
    if data_set.archive is None or not (paths := _find(listing, data_set.archive.name)):
        return None
    arrays, path = _first_good(paths, data_set, data_set.archive, trusted, skipped)
    return assemble(data_set, arrays, [str(path)] * 4)


def _load_batches(
    place: Path, listing: Listing, data_set: DataSet, trusted: bool, skipped: list[str]
) -> tuple[Split, Split] | None:
    if not isinstance(data_set.archive, TarArchive) or (arrays := read_folder(place)) is None:
        return None
    _require_trust(place, data_set, trusted)
    return assemble(data_set, arrays, [str(place)] * 4)


def _load_npz(
    place: Path, listing: Listing, data_set: DataSet, trusted: bool, skipped: list[str]
) -> tuple[Split, Split] | None:
    """Load Keras's ``mnist.npz``, or say what ``mnist.pkl.gz`` is."""
    if not data_set.files:
        return None
    for stem in _stems(data_set):
        for path in listing.get(f"{stem}.npz", []):
            return _checked(read_npz(path, data_set.files), data_set, [str(path)] * 4)
        for path in [*listing.get(f"{stem}.pkl.gz", []), *listing.get(f"{stem}.pkl", [])]:
            with open_regular(path) as file:
                content = "gzip.decompress(content)" if file.read(2) == b"\x1f\x8b" else "content"
            npz = str(place / f"{stem}.npz")
            raise ValueError(_PICKLE.format(path=str(path), name=stem, npz=npz, content=content))
    return None


def _load_tables(
    place: Path, listing: Listing, data_set: DataSet, trusted: bool, skipped: list[str]
) -> tuple[Split, Split] | None:
    """Load Kaggle's tables, ``mnist_train.csv`` and ``mnist_test.csv``."""
    for stem in _stems(data_set):
        paths = [path for part in ("train", "test") for path in listing.get(f"{stem}_{part}.csv", [])[:1]]
        if len(paths) == 2 and data_set.files:
            arrays: list[np.ndarray] = []
            for path in paths:
                x, y = load_csv(path)
                if y is None:
                    raise ValueError(f"{path}: has no column of labels{own_file(str(path))}")
                arrays += [x, y]
            return _checked(arrays, data_set, [str(path) for path in paths for _ in range(2)], _IN_ORDER)
    return None


def _checked(arrays: list[np.ndarray], data_set: DataSet, names: list[str], note: str = "") -> tuple[Split, Split]:
    parts = zip(arrays, data_set.files, names, strict=True)
    return assemble(data_set, [require_content(array, file, name, note) for array, file, name in parts], names)


def _first_good(
    paths: list[Path], data_set: DataSet, what: IdxFile | ZipArchive | TarArchive, trusted: bool, skipped: list[str]
) -> tuple[list[np.ndarray], Path]:
    """Return the arrays of the first good one of several files, and its path; of none, raise what is wrong."""
    problems: list[Exception] = []
    for path in paths:
        try:
            with open_regular(path) as file:
                arrays = read_published(file, data_set, what, str(path), proven=not trusted)
        except (OSError, ValueError) as error:
            problems.append(error)
            continue
        skipped += map(str, problems)
        return arrays, path
    raise problems[0]


def _require_trust(place: Path, data_set: DataSet, trusted: bool) -> None:
    if not trusted:
        raise ValueError(
            f"{place} may hold something else: neither a known sum nor its name says {data_set.folders[0]}"
        )
