"""Whether convolutions may be computed with Winograd's algorithm, which rounds an outlier into others' outputs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_exact = ContextVar("exact", default=os.environ.get("SCRATCHCNN_EXACT_CONVOLUTIONS", "0") not in ("", "0"))


@contextmanager
def exact_convolutions(exact: bool = True) -> Iterator[None]:
    """Inside a ``with`` block of this thread, compute each output of a convolution from its own pixels alone.

    Kernels of 3 x 3 otherwise compute output tiles of 2 x 2 or 4 x 4 at once (F(2x2, 3x3) and F(4x4, 3x3) of Winograd),
    about twice as fast. All outputs of a tile then share the rounding of all pixels that the tile sees. With the input
    tile those (size + 2)^2 pixels of all channels, eps = 2^-24 in float32 and 2^-53 in float64,

        |error|  <=  c eps max|input tile| sum|kernel|        c = 16 for output tiles of 2 x 2, 100 for 4 x 4

    where the kernel's sum is over its 9 numbers of all channels. The input's gradient has the same bound, with dy for
    the input tile and the sum over the filters; the kernel's gradient has it with the sum of all |dy| for the kernel's.
    That is what was measured, with room: the largest c among millions of numbers, with outliers and without, was 5 and
    8 forward and 7 and 39 backward. What can be proved is (C + 20) 4^2 and (C + 20) 13.3^2 forward: the matrices
    enlarge what they are given by up to 4 and 13.3 in each direction, and there are C + 20 roundings in a row, hardly
    ever all of one sign. Where all pixels are of one size, the error is little more than that of a plain sum. Next to a
    pixel that is 10,000 times larger, it is not.

    The environment variable ``SCRATCHCNN_EXACT_CONVOLUTIONS=1`` does the same everywhere.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> with sc.ops.exact_convolutions():  # here model.predict, model.fit ...
    ...     sc.ops.convolutions_are_exact()
    True
    """
    before = _exact.set(exact)
    try:
        yield
    finally:
        _exact.reset(before)


def convolutions_are_exact() -> bool:
    """Return whether Winograd's algorithm is not to be used in this thread."""
    return _exact.get()
