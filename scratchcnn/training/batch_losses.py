"""The losses of the batches as arrays of a checkpoint: all in a row, and the epochs with how many each has."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

import numpy as np


def packed(losses: Mapping[int, array[float]]) -> dict[str, np.ndarray]:
    """Return the losses of the batches, by epoch, as arrays for a file."""
    return {
        "batch_losses": np.array([loss for part in losses.values() for loss in part], np.float64),
        "batch_counts": np.array([[e, len(part)] for e, part in losses.items()], np.int64).reshape(-1, 2),
    }


def unpacked(arrays: dict[str, np.ndarray]) -> dict[int, array[float]]:
    """Take the losses of the batches out of the arrays of a file; earlier versions wrote none.

    Raises
    ------
    ValueError
        If they do not fit together.
    """
    losses, counts = arrays.pop("batch_losses", np.empty(0)), arrays.pop("batch_counts", np.empty((0, 2), np.int64))
    if (
        losses.ndim != 1
        or counts.shape[1:] != (2,)
        or counts.dtype.kind not in "iu"
        or counts[:, 1].sum() != len(losses)
    ):
        raise ValueError("its losses by batch do not fit together")
    parts = np.split(losses.astype(np.float64), np.cumsum(counts[:, 1])[:-1]) if len(counts) else []
    return {int(epoch): array("d", part) for epoch, part in zip(counts[:, 0], parts, strict=True)}
