"""The file of a model, as a command line names it: of one network, or of an ensemble."""

from __future__ import annotations

from ..ensemble import Ensemble
from ..model import Sequential, load_model
from ..saving.several import holds_several


def load(path: str) -> Sequential | Ensemble:
    """Return the network or the ensemble in a file.

    Raises
    ------
    OSError, ValueError
        As ``sc.load_model``: the message says what the file is, and what to do with it.
    """
    return Ensemble.load(path) if holds_several(path) else load_model(path)
