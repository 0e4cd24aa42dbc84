"""Images to train on: MNIST and its relatives, the IDX files they come in, and random distortions of them."""

from typing import NoReturn

from ..checks.habits import elsewhere as _elsewhere
from .augment import Annealed, Augmentation
from .cache import cache_folder
from .csv import load_csv
from .datasets import DataUnavailableError, load_data
from .idx import read_idx, write_idx
from .image_folder import load_folder
from .sources import DATASETS

__all__ = [
    "DATASETS",
    "Annealed",
    "Augmentation",
    "DataUnavailableError",
    "cache_folder",
    "load_csv",
    "load_data",
    "load_folder",
    "read_idx",
    "write_idx",
]


def __getattr__(name: str) -> NoReturn:
    _elsewhere(__name__, name)
