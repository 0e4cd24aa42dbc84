"""Where a data set is, given a folder that a user named: in it, below it or above it.

The nearest place counts. What lies elsewhere under the same names, and is something else, does not hide that the data
set is not there. Where no sum is known that tells one from another (of KMNIST, QMNIST, EMNIST and CIFAR-10, once they
are unpacked), only the folder itself is believed, or one whose name says the data set.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..checks.messages import shorten
from .forms import IncompleteError, list_folder, load_place, names_of, plain, published_names
from .other_forms import describe
from .sources import DataSet
from .verification import Split, own_file

DEEPEST, MOST_FOLDERS, HIGHEST = 3, 500, 2  # how far below and above the folder to look


def load_folder_of(folder: Path, data_set: DataSet, skipped: list[str]) -> tuple[Split, Split]:
    """Load a data set from a folder, one for it in that, or another below or above.

    ``skipped`` gets what was wrong with files in whose place others were good. Raises FileNotFoundError where none of
    the files is there, ValueError where some are missing or wrong.
    """
    if not _exists(folder):
        raise FileNotFoundError(f"there is no folder {shorten(str(folder), 500)}")
    folder, file = _as_folder(folder, data_set)
    near = [*(folder / subfolder for subfolder in data_set.folders), folder]
    if file:
        near.reverse()  # where that file is
    below = list(_below(folder))
    own_name = folder.resolve().name
    meant = {*near, *(place for place in below if _says([own_name, *place.relative_to(folder).parts], data_set))}
    above = folder.resolve().parents[:HIGHEST]
    meant |= {place for place in above if _says(place.parts[-2:], data_set)}

    problem: Exception | None = None  # of a place that was meant
    others: list[str] = []
    for place in _once(itertools.chain(near, below, above)):
        if problem is not None and not isinstance(problem, IncompleteError) and place not in near:
            break  # it is that which was meant, and not what may lie elsewhere
        passed_over: list[str] = []
        try:
            found = load_place(place, data_set, place in meant, passed_over, file)
        except (OSError, ValueError) as error:
            if place in meant:
                problem = error if problem is None or isinstance(problem, IncompleteError) else problem
            else:
                others.append(str(error))
            continue
        if found is not None:
            skipped += [*([str(problem)] if problem else []), *passed_over]
            return found
    if problem is not None:
        raise problem
    raise FileNotFoundError(_not_there(folder, near, below, data_set, others))


def _as_folder(path: Path, data_set: DataSet) -> tuple[Path, str]:
    """Return the folder of the data set where one of its files, or a folder of one, was named; and that file's name."""
    file = ""
    if not path.is_dir():
        if plain(path.name) not in names_of(data_set):
            hints = describe([path], data_set)
            what = hints[0] if hints else f"{path} is a file, and not one of this data set{own_file(str(path))}"
            raise ValueError(f"{what}; expected a folder, or a file such as {data_set.downloads[0].name} in it")
        path, file = path.parent, path.name
    if plain(path.resolve().name) in published_names(data_set):
        path = path.resolve().parent
    return path, file


def _says(names: Iterable[str], data_set: DataSet) -> bool:
    """Return whether one of the names is that of the data set, perhaps with something after it."""
    known = {folder.split("/")[0].lower() for folder in data_set.folders} - {"gzip"}
    return any(re.fullmatch(rf"{re.escape(stem)}([^0-9a-z].*)?", name.lower()) for stem in known for name in names)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _once(places: Iterable[Path]) -> Iterator[Path]:
    seen: set[str] = set()
    for place in places:
        if (name := os.path.realpath(place)) not in seen:
            seen.add(name)
            yield place


def _below(folder: Path) -> Iterator[Path]:
    """Yield the folders below one, the nearest first; not endlessly."""
    level, left = [folder], MOST_FOLDERS
    for _ in range(DEEPEST):
        level = list(itertools.islice((child for parent in level for child in _children(parent)), left))
        left -= len(level)
        yield from level


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []


def _not_there(folder: Path, near: list[Path], below: list[Path], data_set: DataSet, others: list[str]) -> str:
    """Return what was looked for and where, and what is there instead."""
    subfolders = " or ".join(name for name in data_set.folders if "/" not in name or "raw" not in name)
    message = (
        f"there is no {(data_set.files or data_set.downloads)[0].name}, packed or not, in {folder} or {subfolders} in "
        f"it, nor in the folders below (at most {MOST_FOLDERS} are looked into, {DEEPEST} deep, none that is hidden) "
        f"and the {HIGHEST} above"
    )
    lines = describe(_files_in(_once([*near, *below])), data_set)
    lines += [
        f"passed over: {shorten(other, 1000)}; if it is the data set all the same, name its folder"
        for other in others[:3]
    ]
    return "\n    ".join([message, *lines])


def _files_in(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        try:
            yield from (path for paths in list_folder(place).values() for path in paths)
        except OSError:
            continue
