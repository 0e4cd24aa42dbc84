"""Images to train on: MNIST and its relatives, and the IDX files they come in."""

from .cache import cache_folder
from .datasets import DataUnavailableError, load_data
from .idx import read_idx, write_idx
from .sources import DATASETS

__all__ = ["DATASETS", "DataUnavailableError", "cache_folder", "load_data", "read_idx", "write_idx"]
