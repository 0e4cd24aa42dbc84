"""Types, and a constant, that every storey may name."""

from __future__ import annotations

import numpy as np

Array = np.ndarray
Shape = tuple[int, ...]  # of an array, or of one sample: without the batch axis
Pair = tuple[int, int]  # (height, width), or down and across
OFF = 255  # in the ``index`` of a max-pool with a ReLU: the ReLU has stopped this window
