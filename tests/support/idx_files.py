"""What the tests of idx files share."""

from __future__ import annotations

import io

import numpy as np

from scratchcnn.data.idx import read_stream

# The smallest interesting file, written out by hand: [[1, -2, 258]] as int16.
BYTES = bytes([0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 1, 0xFF, 0xFE, 1, 2])


ARRAY = np.array([[1, -2, 258]], np.int16)


def read_bytes(content: bytes) -> np.ndarray:
    return read_stream(io.BytesIO(content), "here.idx")
