"""What can be done while a model trains: keep the best weights, stop early, write a table.

A callback is an object whose methods ``fit`` calls at fixed moments. Derive your own from ``Callback`` and write the
methods it needs; the others do nothing. Averaging the weights has a file of its own, ``averaging.py``.
"""

from typing import NoReturn

from ..checks.habits import elsewhere as _elsewhere
from .base import Callback, LogReader
from .checkpoint import ModelCheckpoint
from .csv_logger import CSVLogger
from .early_stopping import EarlyStopping
from .monitors import Monitor

__all__ = ["CSVLogger", "Callback", "EarlyStopping", "LogReader", "ModelCheckpoint", "Monitor"]


def __getattr__(name: str) -> NoReturn:
    _elsewhere(__name__, name)
