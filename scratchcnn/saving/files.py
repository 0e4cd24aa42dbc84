"""A model as a file, and back.

The file is an ``.npz`` archive of plain arrays, which ``numpy.load`` opens anywhere:

    config                  JSON: the layers and their arguments, the optimizer, the loss, the state of the generator
    conv2d/kernel, ...      parameters and state, by layer and name
    optimizer.mean, ...     what the optimizer remembers

What is in ``config``, and which models cannot be saved, is in ``description.py``. The file takes its place in one step
(``files.py``): a crash, a full disk or Ctrl-C leaves the old one as it was.

Loading never runs code from the file: no pickles, and classes come from tables or from the caller. Nor does it believe
what the file says before it has looked (``archive.py``, ``rebuilding.py``).
"""

from __future__ import annotations

import json
from os import PathLike

import numpy as np

from ..checks.messages import reason
from ..checks.paths import shown_path
from ..files import open_regular, replacing
from ..network.network import Network
from .archive import Archive
from .description import MOST_CHARACTERS, describe, model_arrays
from .foreign import recognise
from .known import Known
from .rebuilding import Kind, rebuild


def save_model(model: Network, path: str | PathLike[str], include_optimizer: bool = True) -> None:
    """Write a model to ``path``: what it is, what it has learnt, and where its training stands.

    Parameters
    ----------
    model : Network
        The model.
    path : path-like
        The file, in a folder that exists; taken as it is, no ``.npz`` is added. A file that is there is replaced by one
        of the same mode; other names of it (hard links) keep the old content.
    include_optimizer : bool, default True
        Whether to save optimizer and loss too. Training can then be continued to the same bits, with the arguments it
        had: ``load_model(path).fit(..., initial_epoch=epochs_done)``.

    Raises
    ------
    ValueError
        If ``load_model`` could not make the same model of the file: the optimizer or the loss is of a class that it
        does not know, or a layer's ``config`` does not tell all that makes the layer. The message says what to write.
    OSError
        If the file cannot be written, or what is there is not a regular file or is read-only. It is then untouched.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/digits.npz")
    ...     again = sc.load_model(f"{folder}/digits.npz")
    >>> bool((again.predict(x[:5]) == model.predict(x[:5])).all())
    True
    """
    arrays = arrays_of(model, include_optimizer)
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # no key is called allow_pickle


def arrays_of(model: Network, include_optimizer: bool) -> dict[str, np.ndarray]:
    """Return copies of all arrays of a model's file, its description among them."""
    with model.lock:
        config = json.dumps(describe(model, include_optimizer))
        if len(config) > MOST_CHARACTERS:
            raise ValueError(
                f"cannot save: the layers' config() are {len(config)} characters of JSON, the most are "
                f"{MOST_CHARACTERS}; arrays belong into self.state"
            )
        model.lay_out()
        arrays = {"config": np.array(config), **model_arrays(model)}
        if include_optimizer and model.optimizer is not None:
            arrays |= {f"optimizer.{name}": slot for name, slot in model.optimizer.slots.items()}
        return {name: array.copy() for name, array in arrays.items()}  # another thread may go on training


def read(path: str | PathLike[str], known: Known, kind: type[Kind]) -> Kind:
    """Return the network in a file, as an object of the class ``kind``; see ``load_model``."""
    with open_regular(path) as file:
        try:
            if foreign := recognise(file):
                raise ValueError(foreign)
            archive = Archive(file)
            if other := _other_content(archive.names):
                raise ValueError(other)
            return rebuild(archive, known, kind)
        except Exception as error:  # an untrusted file can fail in any way
            raise ValueError(
                f"{shown_path(path)} does not hold a model that can be loaded: {reason(error, 500)}"
            ) from error


def _other_content(names: set[str]) -> str | None:
    """Return what else of this library a file of arrays with these names is, and what to do; None for a model."""
    if "training" in names and "config" not in names:
        return (
            "it is the checkpoint of a training; make and compile the same model, and pass its folder to fit: "
            'model.fit(..., checkpoint="run", resume=True)'
        )
    if "ensemble" in names:
        return "it is an ensemble; sc.Ensemble.load(path) reads it"
    if "config" not in names and any("/" in name for name in names):
        return "it holds weights without their network; make the same model, then model.load_weights(path)"
    return None
