"""Inputs to check gradients at. Letters: N batch, K classes.

They are random, and lie on no grid: a kink at a round number (the margin 1 of a hinge loss, the 6 of ReLU6) is met by
no input, and one at any other number only by chance. And they are apart from each other: two nearly equal maxima in a
pool are a kink as well.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..types import Shape

WIDTH = 2.0  # inputs are between -2 and 2 where nothing else is said
WIDTHS = (2.0, 8.0, 64.0)  # of the larger batches: a threshold of 6, or of 20, must be met as well


def separated(shape: Shape, rng: np.random.Generator, width: float = WIDTH) -> np.ndarray:
    """Return random numbers between -width and width in random order, apart from each other and from 0.

    The interval is divided into as many cells as there are numbers, and each number lies anywhere in the middle half of
    a cell of its own. So any two are at least half a cell apart, and none is closer to 0, where two cells meet, than a
    quarter. A cell is 2 width / size.
    """
    size = int(np.prod(shape))
    cells = size + size % 2  # an even number of cells: 0 lies between the two in the middle
    values = (np.arange(cells) + rng.uniform(0.25, 0.75, cells)) * (2 * width / max(cells, 1)) - width
    return rng.permutation(values)[:size].reshape(shape)


def as_large(shape: Shape, elements: int) -> int:
    """Return how many samples a batch must have to be larger than one of this shape, and as large as asked for."""
    return max(shape[0] + 1, -(-elements // max(1, int(np.prod(shape[1:])))))


def larger_batches(shape: Shape, elements: int, rng: np.random.Generator) -> Iterator[tuple[float, np.ndarray]]:
    """Return batches of at least as many elements, between -width and width for some widths, with the width."""
    samples = as_large(shape, elements)
    return ((width, separated((samples, *shape[1:]), rng, width)) for width in WIDTHS)


def within(x: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Return another batch in the range of this one, beyond which a layer may not work; integers stay integers.

    Each number lies between two of x, or at one of them where these are integers or infinite.
    """
    one, other = (rng.choice(x.ravel(), (samples, *x.shape[1:])) for _ in range(2))
    if np.array_equal(x, np.round(x)) or not np.isfinite(x).all():
        return one
    between = one + rng.random(one.shape) * (other - one)
    return between + 0.1 * (x.mean() - between)  # the extremes must be others as well
