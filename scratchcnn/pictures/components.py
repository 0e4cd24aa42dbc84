"""Connected components: which pixels of a mask hang together, also by their corners.

Each row is cut into runs of pixels that are set. Runs of neighbouring rows that touch belong together, and what belongs
together is found by handing the lowest number on (Rosenfeld and Pfaltz 1966, without a loop over pixels).

Letters: H W height and width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Components:
    """Connected components of a mask.

    Attributes
    ----------
    labels : ndarray of int64, shape (H, W)
        The number of each pixel's component, counted from 1; 0 where there is none.
    boxes : ndarray of int64, shape (count, 4)
        Left, top, right, bottom of each, the latter two exclusive.
    areas : ndarray of int64, shape (count,)
        Pixels of each.
    """

    labels: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray


def components(mask: np.ndarray) -> Components:
    """Return the connected components of a mask, bool (H, W).

    Examples
    --------
    >>> import numpy as np
    >>> components(np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [1, 0, 0]], bool)).labels
    array([[1, 0, 1],
           [0, 1, 0],
           [0, 0, 0],
           [2, 0, 0]])
    """
    H, W = mask.shape
    padded = np.zeros((H, W + 2), np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1)  # (H, W + 1): 1 where a run begins, -1 where it has ended
    row, start = np.nonzero(change == 1)  # of each run, in order
    _, stop = np.nonzero(change == -1)
    upper, lower = _touching(row, start, stop, W)
    number = _lowest_connected(len(row), upper, lower)  # of each run
    _, number = np.unique(number, return_inverse=True)
    count = int(number.max(initial=-1)) + 1

    boxes = np.empty((count, 4), np.int64)
    boxes[:, :2], boxes[:, 2:] = max(H, W), 0
    np.minimum.at(boxes[:, 0], number, start)
    np.minimum.at(boxes[:, 1], number, row)
    np.maximum.at(boxes[:, 2], number, stop)
    np.maximum.at(boxes[:, 3], number, row + 1)
    labels = np.zeros((H, W), np.int64)
    labels[mask] = np.repeat(number + 1, stop - start)
    areas = np.bincount(number, stop - start, minlength=count).astype(np.int64)
    return Components(labels, boxes, areas)


def _touching(row: np.ndarray, start: np.ndarray, stop: np.ndarray, W: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of runs that touch, the first of each pair one row above the second."""
    stride = W + 2
    first = np.searchsorted(row * stride + stop, (row - 1) * stride + start, "left")  # the first that ends late enough
    last = np.searchsorted(row * stride + start, (row - 1) * stride + stop, "right")  # after the last that begins early
    counts = np.maximum(last - first, 0)
    lower = np.repeat(np.arange(len(row)), counts)
    within = np.arange(len(lower)) - np.repeat(np.cumsum(counts) - counts, counts)
    return first[lower] + within, lower


def _lowest_connected(count: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return for each of ``count`` things the lowest number of all that pairs (a, b) connect it with."""
    root = np.arange(count)
    while (differ := root[a] != root[b]).any():
        one, other = root[a][differ], root[b][differ]
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(further := root[root], root):
            root = further
    return root
