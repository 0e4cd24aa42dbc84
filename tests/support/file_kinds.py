"""What the tests of file kinds share."""

import os

import numpy as np
import pytest

from scratchcnn.data import write_idx
from support.small_networks import small_network

MODEL, ARRAY = small_network(), np.arange(6, dtype=np.uint8)


WRITERS = {"save": MODEL.save, "write_idx": lambda path: write_idx(path, ARRAY)}


writers = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


def make_fifo(path):
    os.mkfifo(path)
    return "a FIFO"
