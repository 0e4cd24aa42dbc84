"""The cache of downloads, and the mirrors that fill it.

Nothing is kept before it was verified, and it appears in the cache complete or not at all. So any number of processes
may load the same data set at once, and one that is killed leaves nothing that could mislead the others. What is in the
cache is verified again whenever it is read.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import time
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..files import open_regular, replacing
from .download import download
from .sources import DataSet, IdxFile, TarArchive, ZipArchive
from .verification import Split, assemble, read_published

PATIENCE = 5.0  # seconds that a mirror may stay silent
PATIENCE_IN_ALL = 15.0  # seconds of silence, all mirrors together, after which the network counts as absent
_LARGEST_IN_MEMORY = 64 << 20  # bytes; a larger download waits for its verification in a temporary file


def cache_folder() -> Path:
    """Return where downloads are kept: ``$SCRATCHCNN_CACHE``, or the user's cache folder on this system."""
    chosen = os.environ.get("SCRATCHCNN_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import pooch  # here, because importing it takes a tenth of a second

    return Path(pooch.os_cache("scratchcnn")).expanduser()


def load_cached(data_set: DataSet, tried: list[str]) -> tuple[Split, Split] | None:
    """Load a data set from the cache, and what is missing or damaged there from the mirrors.

    Returns None if a file could not be had; ``tried`` gets a line for each source that failed.
    """
    folder = cache_folder() / data_set.folders[0]
    mirrors = _Mirrors(data_set, folder, tried)
    arrays: list[np.ndarray] = []
    for what in data_set.downloads:
        path = folder / what.name
        try:
            with open_regular(path) as file:
                arrays += read_published(file, data_set, what, str(path), proven=True)
        except (OSError, ValueError) as error:
            missing = isinstance(error, FileNotFoundError)
            tried.append(f"cache {path}: not there" if missing else f"cache {error}")
            fetched = mirrors.fetch(what)
            if fetched is None:
                return None  # the other files have the same mirrors
            arrays += fetched
    return assemble(data_set, arrays, [str(folder)] * 4)


class _Mirrors:
    """The mirrors of one data set, and how much patience with them is left."""

    def __init__(self, data_set: DataSet, folder: Path, tried: list[str]) -> None:
        self.data_set = data_set
        self.folder = folder
        self.tried = tried
        self.mirrors = list(data_set.mirrors)
        self.patience_left = PATIENCE_IN_ALL
        self.keep = True

    def fetch(self, what: IdxFile | ZipArchive | TarArchive) -> list[np.ndarray] | None:
        """Return the arrays of a file from the first mirror that serves it, and keep it in the cache."""
        for mirror in list(self.mirrors):
            url = mirror + what.name
            if self.patience_left <= 0:
                self.tried.append(f"{url}: not asked any more after {PATIENCE_IN_ALL:.0f} s without an answer")
                continue
            started = time.monotonic()
            try:
                with tempfile.TemporaryFile() if what.most_bytes > _LARGEST_IN_MEMORY else io.BytesIO() as file:
                    download(url, file, what.most_bytes, min(PATIENCE, self.patience_left))
                    arrays = read_published(file, self.data_set, what, url, proven=True)
                    self._keep(file, what)
            except ValueError as error:  # it answered, with something else
                self.tried.append(str(error))
            except OSError as error:
                self.patience_left -= min(PATIENCE, time.monotonic() - started)
                self.tried.append(f"{url}: {error}")
            else:
                self.mirrors.remove(mirror)
                self.mirrors.insert(0, mirror)  # the next file is asked for where this one was
                return arrays
        return None

    def _keep(self, file: BinaryIO, what: IdxFile | ZipArchive | TarArchive) -> None:
        """Put a verified download into the cache; that this fails is no reason not to use it."""
        if not self.keep:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file.seek(0)
            with replacing(self.folder / what.name) as cached:
                shutil.copyfileobj(file, cached, 1 << 20)
        except OSError as error:
            self.keep = False
            warnings.warn(
                f"downloads cannot be kept in {self.folder} ({error}), so the next run will download again; "
                "set SCRATCHCNN_CACHE to a folder that can be written",
                RuntimeWarning,
                stacklevel=5,
            )
