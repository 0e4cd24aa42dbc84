"""Several models in one file: what an ensemble is saved as.

The archive holds, for each model, what the file of a model holds, with the model's number before the names:
``0/config``, ``0/conv2d/kernel``, and ``ensemble``, which says how many there are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from os import PathLike

import numpy as np

from ..checks.messages import reason, shown
from ..checks.paths import shown_path
from ..files import open_regular, replacing
from ..network.network import Network
from .archive import Archive, Header
from .files import arrays_of
from .foreign import recognise
from .known import Known
from .rebuilding import Kind, rebuild

FORMAT = "scratchcnn ensemble"
MOST_MODELS = 1000


class Part:
    """The arrays of an archive whose names begin alike, under the rest of their names."""

    def __init__(self, archive: Archive, prefix: str) -> None:
        self._archive, self._prefix = archive, prefix
        self.names = {name.removeprefix(prefix) for name in archive.names if name.startswith(prefix)}

    def header(self, name: str) -> Header:
        """Return shape and dtype of an array."""
        return self._archive.header(self._prefix + name)

    def require(self, name: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
        """Raise a ValueError unless there is an array of this name, shape and dtype."""
        self._archive.require(self._prefix + name, shape, dtype)

    def read(self, name: str) -> np.ndarray:
        """Return an array."""
        return self._archive.read(self._prefix + name)

    def read_into(self, name: str, array: np.ndarray) -> None:
        """Fill an array of the same shape and dtype."""
        self._archive.read_into(self._prefix + name, array)


def save_models(models: Sequence[Network], path: str | PathLike[str]) -> None:
    """Write several models into one file."""
    if len(models) > MOST_MODELS:
        raise ValueError(f"cannot save {len(models)} models in one file, the most are {MOST_MODELS}")
    arrays = {"ensemble": np.array(json.dumps({"format": FORMAT, "version": 1, "models": len(models)}))}
    for place, model in enumerate(models):
        arrays |= {f"{place}/{name}": array for name, array in arrays_of(model, include_optimizer=True).items()}
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # no key is called allow_pickle


def holds_several(path: str | PathLike[str]) -> bool:
    """Return whether a file is one that ``save_models`` wrote; nothing is believed or said of any other.

    Raises
    ------
    OSError
        If the file cannot be opened, or is not a regular file.
    """
    with open_regular(path) as file:
        try:
            return "ensemble" in Archive(file).names
        except Exception:  # an untrusted file can fail in any way; who loads it will say how
            return False


def read_models(path: str | PathLike[str], known: Known, kind: type[Kind]) -> list[Kind]:
    """Return the models in a file that ``save_models`` wrote."""
    with open_regular(path) as file:
        try:
            if foreign := recognise(file):
                raise ValueError(foreign)
            archive = Archive(file)
            if "ensemble" not in archive.names:
                raise ValueError("it is no ensemble; sc.load_model(path) reads the file of one model")
            told = json.loads(str(archive.read("ensemble")))
            if told["format"] != FORMAT or told["version"] != 1 or not 1 <= told["models"] <= MOST_MODELS:
                raise ValueError(f"it says {shown(told)}; update the library")
            parts = [Part(archive, f"{place}/") for place in range(told["models"])]
            if sum(len(part.names) for part in parts) + 1 != len(archive.names):
                raise ValueError("it holds arrays of no model")
            return [rebuild(part, known, kind) for part in parts]
        except Exception as error:  # an untrusted file can fail in any way
            raise ValueError(
                f"{shown_path(path)} holds no ensemble that can be loaded: {reason(error, 500)}"
            ) from error
