"""The file of a model, as a command line names it: of one network, or of an ensemble."""

from __future__ import annotations

import os

from ..checks.paths import shown_path
from ..ensemble import Ensemble
from ..model import Sequential, load_model
from ..saving.several import holds_several


def load_network(path: str) -> Sequential:
    """Return the network in a file; an OSError or a ValueError says what is wrong, and what to do."""
    if holds_several(existing(path)):
        raise ValueError(
            f'{shown_path(path)} holds an ensemble, expected one model; python -c "import scratchcnn as sc; '
            f"sc.Ensemble.load({path!r}).models[0].save('one.npz')\" writes its first into a file of its own"
        )
    return load_model(path)


def load(path: str) -> Sequential | Ensemble:
    """Return the network or the ensemble in a file.

    Raises
    ------
    OSError, ValueError
        As ``sc.load_model``: the message says what the file is, and what to do with it.
    """
    return Ensemble.load(path) if holds_several(existing(path)) else load_model(path)


def existing(path: str) -> str:
    """Return a path to something that is a file, or may become one; an OSError that says what is there instead."""
    if not os.path.exists(os.path.expanduser(path)):
        raise FileNotFoundError(
            f"there is no file {shown_path(path)}; the current folder is {os.getcwd()}; scratchcnn train writes "
            "output/model.npz, and model.save(path) any other"
        )
    if os.path.isdir(os.path.expanduser(path)):
        raise IsADirectoryError(
            f"{shown_path(path)} is a folder, expected the file of a model, such as model.npz in it"
        )
    return path
