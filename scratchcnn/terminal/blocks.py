"""An image in half blocks: a character shows two pixels, one above the other, which makes them nearly square.

With colours, the upper half block has the foreground colour, the lower half the background colour: grey on black, the
same on a dark terminal and on a light one. Without, ink is what the terminal writes in: the pixels above half of the
highest one are drawn, in four characters. An output that has none of these gets shades of plain characters.

Letters: H W height and width, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..checks.messages import can_show
from .arguments import as_image, as_row, beside
from .ascii import ascii_digit, bars
from .ascii import shades as plain_shades
from .colours import BOLD, RESET, behind, colours, grey

HALVES = " ▀▄█"  # by ink: none, above, below, both


def half_block_image(image: np.ndarray) -> str:
    """Return an image as half as many lines of characters, in the colours that standard output has.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, 1)
        Pixels from 0 to the highest, which is drawn with the most ink.

    Returns
    -------
    str
        ``ceil(H / 2)`` lines of W columns. An output that has no colours gets ink or none, one that has no blocks gets
        shades of plain characters.

    Raises
    ------
    ValueError
        If it is not an image of finite numbers in grey.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> drawn = sc.terminal.half_block_image(np.eye(4))
    >>> len(drawn.splitlines())
    2
    """
    return "\n".join(_lines(as_image(image)))


def digit(image: np.ndarray, probabilities: Sequence[float] | np.ndarray) -> str:
    """Return an image in half blocks, and beside it a bar for the probability of each class.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, 1)
        Pixels; the highest value is drawn with the most ink.
    probabilities : sequence of float, length K
        What ``model.predict`` says of it.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> shown = sc.terminal.digit(x[0], [0.0] * 9 + [1.0])  # print(shown)
    >>> shown.count(chr(10)) + 1  # lines
    14
    """
    pixels, row = as_image(image), as_row(probabilities)
    if not can_show(HALVES):
        return ascii_digit(pixels, row)
    lines = bars(row)
    if colours():
        best = int(np.argmax(row))
        lines[best] = f"{BOLD}{lines[best]}{RESET}"
    return beside(_lines(pixels), lines, pixels.shape[1])


def _lines(pixels: np.ndarray) -> list[str]:
    """Return an image (H, W) as lines of W columns."""
    if not can_show(HALVES):
        return plain_shades(pixels)
    ink = (pixels / (pixels.max(initial=0) or 1.0)).clip(0, 1)  # (H, W), 0 to 1
    ink = np.pad(ink, ((0, len(ink) % 2), (0, 0)))  # an even number of rows
    count = colours()
    if not count:
        marks = (ink[::2] >= 0.5) + 2 * (ink[1::2] >= 0.5)  # (H / 2, W), 0 to 3
        return ["".join(HALVES[mark] for mark in line) for line in marks]
    return [_coloured(upper, lower, count) for upper, lower in zip(ink[::2], ink[1::2], strict=True)]


def _coloured(upper: np.ndarray, lower: np.ndarray, count: int) -> str:
    """Return a line of half blocks; colours are named where they change."""
    text, before = "", ""
    for above, below in zip(upper, lower, strict=True):
        now = f"\x1b[{grey(above, count)};{behind(grey(below, count))}m"
        text += ("" if now == before else now) + "▀"
        before = now
    return text + RESET
