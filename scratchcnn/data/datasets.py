"""MNIST and its drop-in relatives: find, download, verify, load.

Places are searched in a fixed order, and each of them may fail: a folder may be missing or hold something else, a
cached file may be damaged, a mirror may be gone, slow, or serve a web page. Each failure is noted, the search goes on,
and either ends in data whose content was checked or in one error that tells all of it.
"""

from __future__ import annotations

import importlib.resources
import io
import os
import re
import warnings
from pathlib import Path

from ..checks.messages import reason, shown
from ..checks.paths import as_path
from .cache import load_cached
from .folders import load_folder_of
from .sources import DATASETS, SOURCES, DataSet
from .verification import OWN_FILE, Split, assemble, read_published


class DataUnavailableError(OSError):
    """No source had the data set; the message lists each one, why it failed, and what to do by hand."""


def load_data(name: str, data_dir: str | os.PathLike[str] | None = None) -> tuple[Split, Split]:
    """Load a data set, downloading it if need be.

    Looks in the folder ``data_dir``, or in the one the environment variable ``SCRATCHCNN_DATA`` names, then in the
    cache, then asks the mirrors and fills the cache. Where ``data_dir`` is given it is the only place: that the files
    are not there is an error, not a reason to download. The two folders hold the files, or have a subfolder named as
    the data set that does, or other folders below or above: as published, unpacked (also with dots for dashes, or each
    in a folder of its own name), below ``MNIST/raw`` as torchvision leaves them, as Keras's ``mnist.npz``, or as the
    tables ``mnist_train.csv`` and ``mnist_test.csv``; in capitals, too, and as a browser's second copy, ``... (1).gz``.
    Of other forms, such as archives, pickles and Parquet files, the error says how to convert them. The cache is the
    user's cache folder on this system (``~/.cache/scratchcnn`` on Linux), or the folder that ``SCRATCHCNN_CACHE``
    names.

    What was found is verified: by checksum where one is known, by its form in any case. Where none is known (of KMNIST,
    QMNIST, EMNIST and CIFAR-10, once unpacked), a folder below or above counts only if its name says the data set.
    Damaged files, and those of another data set, are not used. That is worth a ``RuntimeWarning`` where others were
    good, or the folder is that of ``SCRATCHCNN_DATA``, and so is that there is no such folder.

    Parameters
    ----------
    name : str
        ``"mnist"``, ``"fashion_mnist"``, ``"kmnist"``, ``"qmnist"``, ``"emnist-digits"``, ``"emnist-letters"``,
        ``"emnist-balanced"``, ``"emnist-byclass"``, ``"emnist-bymerge"``, ``"emnist-mnist"``, ``"cifar10"``, or
        ``"digits"``: 5,000 MNIST digits that are part of this package and looked for nowhere else.
    data_dir : str or path-like, optional
        The folder, or one of the files in it.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        Images ``(N, 28, 28)``, of CIFAR-10 ``(N, 32, 32, 3)``, and labels ``(N,)``, all of them writable uint8 arrays.
        Labels count from 0, also those of ``"emnist-letters"``, which are published as 1 to 26: 0 is the letter A. The
        images of EMNIST, published transposed, stand upright. Of QMNIST's eight columns of labels the class is
        returned; its test set is the reconstructed one of 60,000, whose first 10,000 are MNIST's.

    Raises
    ------
    ValueError
        If there is no data set of this name, ``data_dir`` is no path, or was given for ``"digits"``.
    DataUnavailableError
        If no source had it. An ``OSError``. Without a network this takes less than 20 seconds.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = load_data("digits")
    >>> x_train.shape, y_train.shape, x_test.shape, y_test.shape
    ((4000, 28, 28), (4000,), (1000, 28, 28), (1000,))
    """
    if not isinstance(name, str) or name not in DATASETS:
        raise ValueError(f"there is no data set {shown(name)}; choose one of {', '.join(DATASETS)}")
    data_set = SOURCES[name]
    if not data_set.mirrors:
        if data_dir is not None:
            raise ValueError(f"{name} are part of this package and read from no folder; got data_dir={shown(data_dir)}")
        return _load_bundled(name, data_set)
    tried: list[str] = []  # a line for each source that failed
    if data_dir is not None:
        loaded = _try_folder(Path(as_path("data_dir", data_dir, "folder")), "data_dir", data_set, tried)
    else:
        loaded = _try_environment(data_set, tried) or load_cached(data_set, tried)
    if loaded is None:
        raise DataUnavailableError(_report(name, data_set, tried))
    return loaded


def _load_bundled(name: str, data_set: DataSet) -> tuple[Split, Split]:
    folder = importlib.resources.files(__package__) / name
    arrays = []
    for file in data_set.files:
        content = io.BytesIO((folder / file.name).read_bytes())
        arrays += read_published(content, data_set, file, f"{name}/{file.name}", proven=True)
    return assemble(data_set, arrays, [name] * 4)


def _try_environment(data_set: DataSet, tried: list[str]) -> tuple[Split, Split] | None:
    folder = os.environ.get("SCRATCHCNN_DATA")
    if not folder:
        tried.append("$SCRATCHCNN_DATA: not set")
        return None
    return _try_folder(Path(folder), "$SCRATCHCNN_DATA", data_set, tried)


def _try_folder(folder: Path, origin: str, data_set: DataSet, tried: list[str]) -> tuple[Split, Split] | None:
    """Load the data set from a folder that the user named; what is there but cannot be used is worth a warning."""
    skipped: list[str] = []
    found, passed_over = None, ""
    try:
        folder = folder.expanduser()
        found = load_folder_of(folder, data_set, skipped)
    except FileNotFoundError as error:
        tried.append(f"{origin}: {error}")
        passed_over = "" if os.path.exists(folder) else str(error)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: there is no such user as in "~user"
        passed_over = reason(error, 4000)
        tried.append(f"{origin}: {passed_over}")
    if passed_over and origin != "data_dir":  # the search goes on without it
        warnings.warn(f"{origin} is passed over: {passed_over}", RuntimeWarning, stacklevel=4)
    for problem in skipped:
        warnings.warn(
            f"{origin}: passed over for a good one: {problem}", RuntimeWarning, stacklevel=3 + (origin != "data_dir")
        )
    return found


def _report(name: str, data_set: DataSet, tried: list[str]) -> str:
    names = ", ".join(what.name for what in data_set.downloads)
    what_to_do = "What to do by hand: "
    if own := re.search(rf"{OWN_FILE} [\w.]+", "\n".join(tried)):
        what_to_do = f"If the files are not to be {name}: {own[0]}(path). If they are: "
    return "\n  ".join(
        (
            f"the data set {name!r} could not be loaded; tried, in this order:",
            *(f"- {line}" for line in tried),
            f"{what_to_do}get {names} (published at {data_set.mirrors[0]}), put them into one folder, packed "
            "or not, and name it as data_dir or in SCRATCHCNN_DATA.",
            'Or use load_data("digits"), which needs no download.',
        )
    )
