"""Which of the ink is a digit, and in which order digits are read.

Ink that hangs together is a piece. Pieces that nearly touch are a stroke that the pen or the camera broke, unless they
stand side by side as two digits do, and one small piece above or below another is part of it, as the bar of a 5.
Specks, frames, lines under the digits, and what runs along the edge, are none.

Letters: H W height and width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .components import Components, components
from .errors import PictureError
from .ink import ink_of
from .joining import around, joined, told_apart
from .morphology import grown
from .opening import levels_of
from .prepare import as_mnist, thickness

INKED = 0.45  # more is ink; of the darkest
MOST = 200  # digits in a picture
WIDEST = 2.0  # of its height: what is wider is no digit


@dataclass(frozen=True)
class Found:
    """A digit that was found in a picture.

    Attributes
    ----------
    image : ndarray of uint8, shape (28, 28)
        What MNIST's makers would have made of it.
    box : (int, int, int, int)
        Left, top, right and bottom in pixels of the upright picture, the latter two exclusive.
    """

    image: np.ndarray
    box: tuple[int, int, int, int]


def find_digits(picture: Any) -> list[Found]:
    """Return the digits in a picture as MNIST would have them, in reading order; no model is asked.

    Parameters
    ----------
    picture : path-like, PIL.Image or array_like
        As for ``read_digits``.

    Raises
    ------
    PictureError
        If the picture cannot be read, or has no ink, or more pieces of it than can be digits.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> (x, _), _ = sc.data.load_data("digits")
    >>> page = np.full((60, 90), 230, np.uint8)
    >>> page[20:48, 10:38] -= x[0] // 2
    >>> page[15:43, 50:78] -= x[1] // 2
    >>> [found.image.shape for found in sc.pictures.find_digits(page)]
    [(28, 28), (28, 28)]
    """
    levels = levels_of(picture)
    ink = ink_of(levels.pixels)
    labels, boxes = _digits(ink)
    scale = levels.size[0] / ink.shape[1], levels.size[1] / ink.shape[0]
    found = []
    for number in _reading_order(boxes):
        left, top, right, bottom = boxes[number]
        inside = labels[top:bottom, left:right] == number + 1
        box = (
            *(round(float(left * scale[0])), round(float(top * scale[1]))),
            *(round(float(right * scale[0])), round(float(bottom * scale[1]))),
        )
        if right - left > WIDEST * (bottom - top):
            raise PictureError(
                f"the ink from {box[:2]} to {box[2:]} is {(right - left) / (bottom - top):.1f} times as wide as it is "
                "high, and no digit: digits that touch are not told apart, nor are words; leave gaps between the "
                "digits, or cut out what is to be read"
            )
        image = as_mnist(np.where(inside, ink[top:bottom, left:right], 0))
        found.append(Found(image, box))
    return found


def _digits(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of the digit that each pixel belongs to, counted from 1, and the digits' boxes (count, 4)."""
    mask = ink > INKED
    pieces = components(mask)
    kept = pieces.areas >= 0.004 * pieces.areas.max()
    mask &= kept[pieces.labels - 1]
    labels, boxes = _groups(mask, pieces, np.flatnonzero(kept), max(1, round(0.5 * thickness(mask))))
    number = joined(boxes, *mask.shape)  # of each group, the number of its digit from 1, or 0
    ends = [around(boxes[number == digit]) for digit in range(1, int(number.max()) + 1)]  # at least one
    return np.concatenate([[0], number])[labels], np.array(ends)


def _groups(mask: np.ndarray, pieces: Components, kept: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of the group of pieces that each pixel belongs to, counted from 1, and the groups' boxes.

    Pieces that come within ``2 reach`` pixels of each other are a group, unless they are told apart. What is next to
    the ink, the soft edges of strokes, belongs to its group.
    """
    near = components(grown(mask, reach))
    if len(near.areas) > MOST:
        raise PictureError(
            f"the picture has {len(near.areas)} pieces of ink, which are no digits: expected dark strokes on light "
            f"paper, or light ones on a dark board, and at most {MOST} digits; cut out what is to be read"
        )
    labels, places = np.unique(pieces.labels, return_index=True)  # a pixel of each piece
    neighbours = near.labels.reshape(-1)[places[labels > 0][kept]]  # of each piece that is kept, those it is near
    groups: list[np.ndarray] = []  # the numbers of the pieces of each
    first = np.zeros(len(near.areas) + 1, np.int64)  # the number of the first group among those
    for number in range(1, len(first)):
        members = kept[neighbours == number]
        digit = told_apart(pieces.boxes[members])
        first[number] = len(groups) + 1
        groups += [members[digit == each] for each in range(int(digit.max()) + 1)]
    labels = first[near.labels]
    for number, members in enumerate(groups, 1):
        if number not in first:  # it was told apart from what is near
            own = np.isin(pieces.labels, members + 1)
            labels[grown(own, reach) & (own | ~mask)] = number
    return labels, np.array([around(pieces.boxes[members]) for members in groups])


def _reading_order(boxes: np.ndarray) -> list[int]:
    """Return the numbers of boxes line by line, and from left to right in each."""
    lines: list[list[int]] = []
    for number in np.argsort(boxes[:, 1] + boxes[:, 3], kind="stable").tolist():
        middle = boxes[number, [1, 3]].mean()
        if lines and middle < np.median(boxes[lines[-1], 3]):
            lines[-1].append(number)
        else:
            lines.append([number])
    return [number for line in lines for number in sorted(line, key=lambda number: boxes[number, 0])]
