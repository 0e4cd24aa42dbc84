"""The model that comes with the package. ``README.md`` beside this file has the command that made it."""

from __future__ import annotations

import functools
from pathlib import Path

from ..model import Sequential, load_model

FILE = Path(__file__).with_name("digits.npz")
CHECKSUM = "8f57ea3a9e3050a04313123c9772ddaf68813e4db07239d9bb50f6367f42ff97"  # sc.recipes.checksum of it


@functools.cache
def packaged_model() -> Sequential:
    """Return the model that reads pictures where no other is given: 27,162 parameters, trained on MNIST.

    It is made once; who wants to train it further should do that with ``sc.load_model(sc.pictures.packaged.FILE)``.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> sc.pictures.packaged_model().input_shape
    (28, 28, 1)
    """
    return load_model(FILE)
