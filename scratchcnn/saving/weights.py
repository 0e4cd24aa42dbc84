"""Weights without their network, and a network without its weights.

The file is an ``.npz`` archive of the parameters and the state, by layer and name, as in a model's file; what the
network is, is JSON.
"""

from __future__ import annotations

import json
from os import PathLike

import numpy as np

from ..checks.messages import reason, shown
from ..checks.paths import shown_path
from ..concurrency.interrupts import unbroken
from ..files import open_regular, replacing
from ..network.network import Network
from .archive import Archive
from .description import MOST_CHARACTERS, describe, model_arrays
from .foreign import recognise
from .known import Known
from .rebuilding import ARCHITECTURE, Kind, fresh


def save_weights(model: Network, path: str | PathLike[str]) -> None:
    """Write the parameters and the state of a model to ``path``, for ``load_weights`` of a model of the same layers.

    Raises
    ------
    OSError
        If the file cannot be written. What was there is then untouched.

    Examples
    --------
    >>> import tempfile
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Dense(3)], input_shape=(2,))
    >>> other = sc.Sequential([sc.Dense(3)], input_shape=(2,), seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save_weights(f"{folder}/weights.npz")
    ...     other.load_weights(f"{folder}/weights.npz")
    >>> bool((model.parameters == other.parameters).all())
    True
    """
    with model.lock:
        arrays = {name: array.copy() for name, array in model_arrays(model).items()}
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # no key is called allow_pickle


def load_weights(model: Network, path: str | PathLike[str]) -> None:
    """Take over the parameters and the state in a file that ``save_weights``, or ``save``, wrote.

    The optimizer keeps what it remembers.

    Raises
    ------
    OSError
        If the file cannot be opened, or is not a regular file.
    ValueError
        If it does not hold the weights of these layers. The model is then as it was.

    Examples
    --------
    >>> import tempfile
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Dense(3)], input_shape=(2,))
    >>> other = sc.Sequential([sc.Dense(3)], input_shape=(2,), seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.npz")
    ...     other.load_weights(f"{folder}/model.npz")  # of a whole model, too
    >>> bool((model.parameters == other.parameters).all())
    True
    """
    own = model_arrays(model)
    with open_regular(path) as file:
        try:
            if foreign := recognise(file):
                raise ValueError(foreign)
            archive = Archive(file)
            there = {name for name in archive.names if name != "config" and not name.startswith("optimizer.")}
            if there != own.keys():
                raise ValueError(
                    f"it holds {shown(sorted(there))}, the model has {shown(sorted(own))}: another network"
                )
            for name, array in own.items():
                archive.require(name, array.shape, array.dtype)
            arrays = {name: archive.read(name) for name in own}
        except Exception as error:  # an untrusted file can fail in any way
            raise ValueError(
                f"{shown_path(path)} does not hold weights for this model: {reason(error, 500)}"
            ) from error
    with model.lock, unbroken:
        for name, array in own.items():
            array[...] = arrays[name]


def to_json(model: Network) -> str:
    """Return what a model is, without what it has learnt, as JSON: its layers, shapes, seed and dtype.

    ``sc.model_from_json`` makes a model of it, with the initial weights that this one had.

    Raises
    ------
    ValueError
        If the same model could not be made of it; see ``save``.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1), seed=7)
    >>> twin = sc.model_from_json(model.to_json())
    >>> bool((twin.parameters == model.parameters).all())
    True
    """
    config = describe(model, include_optimizer=False)
    return json.dumps({key: config[key] for key in ("format", "version", *ARCHITECTURE)})


def from_json(text: str, known: Known, kind: type[Kind]) -> Kind:
    """Return a fresh network, as ``to_json`` described it; see ``model_from_json``."""
    if not isinstance(text, str) or len(text) > MOST_CHARACTERS:
        raise ValueError(f"model_from_json takes a text as model.to_json() returns it, got {shown(text)}")
    try:
        return fresh(json.loads(text), known, kind)
    except Exception as error:  # a text that nobody vouches for can fail in any way
        raise ValueError(f"the text does not describe a model: {reason(error, 500)}") from error
