"""Which of the ink is a digit, and in which order digits are read.

Ink that hangs together is a piece. Pieces that nearly touch are a stroke that the pen or the camera broke, and one
small piece above or below another is part of it, as the bar of a 5. Specks, and what runs along the edge, are none.

Letters: H W height and width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .components import components
from .errors import PictureError
from .ink import ink_of
from .morphology import grown
from .opening import levels_of
from .prepare import as_mnist, thickness

INKED = 0.45  # more is ink; of the darkest
MOST = 200  # digits in a picture
SPECK = 0.3  # of the height of the tallest piece: less is no digit


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
        image = as_mnist(np.where(inside, ink[top:bottom, left:right], 0))
        found.append(Found(image, box))
    return found


def _digits(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of the digit that each pixel belongs to, counted from 1, and the digits' boxes (count, 4)."""
    mask = ink > INKED
    pieces = components(mask)
    mask &= (pieces.areas >= 0.004 * pieces.areas.max())[pieces.labels - 1]
    reach = max(1, round(0.5 * thickness(mask)))
    groups = components(grown(mask, reach))
    if len(groups.areas) > MOST:
        raise PictureError(
            f"the picture has {len(groups.areas)} pieces of ink, which are no digits: expected dark strokes on light "
            f"paper, or light ones on a dark board, and at most {MOST} digits; cut out what is to be read"
        )
    boxes = groups.boxes + np.array([reach, reach, -reach, -reach])  # nearly: without what was grown
    H, W = mask.shape
    boxes[:, :2] = np.where(groups.boxes[:, :2] == 0, 0, boxes[:, :2])
    boxes[:, 2:] = np.where(groups.boxes[:, 2:] == (W, H), (W, H), boxes[:, 2:])
    joined = _join(boxes, H, W)  # of each group, the number of its digit from 1, or 0
    labels = np.concatenate([[0], joined])[groups.labels] * (groups.labels > 0)
    count = int(joined.max(initial=0))
    ends = np.zeros((count, 4), np.int64)
    for number in range(count):
        members = boxes[joined == number + 1]
        ends[number] = [*members[:, :2].min(axis=0), *members[:, 2:].max(axis=0)]
    return labels, ends


def _join(boxes: np.ndarray, H: int, W: int) -> np.ndarray:
    """Return the number of the digit that each box is a part of, counted from 1, or 0 for none."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    at_edge = (boxes[:, :2] <= 0).any(axis=1) | (boxes[:, 2:] >= (W, H)).any(axis=1)
    across = at_edge & ((width >= 0.9 * W) | (height >= 0.9 * H))  # a line of the paper, the edge of the table
    candidates = ~across if not across.all() else np.ones(len(boxes), bool)
    tallest = height[candidates].max()
    number = np.zeros(len(boxes), np.int64)
    whole = np.flatnonzero(candidates & (height >= 0.5 * tallest))
    number[whole] = np.arange(1, len(whole) + 1)
    for part in np.flatnonzero(candidates & (height < 0.5 * tallest)):
        gap = np.maximum(boxes[whole, 1] - boxes[part, 3], boxes[part, 1] - boxes[whole, 3])
        shared = np.minimum(boxes[whole, 2], boxes[part, 2]) - np.maximum(boxes[whole, 0], boxes[part, 0])
        fits = (gap < 0.25 * height[whole]) & (shared > 0.4 * np.minimum(width[whole], width[part]))
        if fits.any():
            number[part] = number[whole[fits][np.argmin(gap[fits])]]
        elif height[part] >= SPECK * tallest:
            number[part] = number.max() + 1
    return number


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
