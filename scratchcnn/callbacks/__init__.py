"""What can be done while a model trains: keep the best weights, stop early, write a table.

A callback is an object whose methods ``fit`` calls at fixed moments. Derive your own from ``Callback`` and write the
methods it needs; the others do nothing. Averaging the weights has a file of its own, ``averaging.py``.
"""

from typing import NoReturn

from ..checks.habits import elsewhere as _elsewhere
from .backup import BackupAndRestore
from .base import Callback, LogReader
from .checkpoint import ModelCheckpoint
from .csv_logger import CSVLogger
from .early_stopping import EarlyStopping
from .histograms import HistogramRecorder
from .learning_rates import LearningRateScheduler, ReduceLROnPlateau
from .monitors import Monitor
from .simple import LambdaCallback, TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "HistogramRecorder",
    "LambdaCallback",
    "LearningRateScheduler",
    "LogReader",
    "ModelCheckpoint",
    "Monitor",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]


def __getattr__(name: str) -> NoReturn:
    _elsewhere(__name__, name)
