"""Which pieces of ink are one digit: strokes that the pen or the camera broke, and bars above or below.

What is told apart is decided by boxes alone: left, top, right, bottom, the latter two exclusive. What is no part of any
digit is found in the same way: frames around digits, lines under them, and what runs along the edge of the paper.

Letters: H W height and width of the picture.
"""

from __future__ import annotations

import numpy as np

SPECK = 0.3  # of the height of the tallest piece: less is no digit
WIDE = 1.0  # of its height: two strokes side by side that are wider are two digits
FULL = 0.85  # of the height of the taller: two strokes side by side that both are so high are two digits
OVER = 0.6  # of the narrower: strokes that share more columns are not side by side
SLANTED = 0.35  # the same where they are not both of full height
INSIDE = 0.35  # of the height of what surrounds it: a lower piece may be the dot in a zero


def told_apart(boxes: np.ndarray) -> np.ndarray:
    """Return the number, from 0, of the digit that each of some pieces that nearly touch belongs to.

    A stroke that was broken goes on nearby, but two digits that were written close to each other come that near, too.
    Those stand side by side, and are of about one height, or together wider than a digit.

    Examples
    --------
    >>> one, zero, bar = [0, 0, 8, 40], [12, 1, 36, 40], [14, -8, 34, -2]
    >>> told_apart(np.array([one, zero, bar])).tolist()
    [0, 1, 1]
    """
    height = boxes[:, 3] - boxes[:, 1]
    tall = np.flatnonzero(height >= 0.5 * height.max())
    digits: list[np.ndarray] = []  # the box of each
    number = np.zeros(len(boxes), np.int64)
    for piece in tall[np.argsort(boxes[tall, 0], kind="stable")]:
        fits = [place for place, box in enumerate(digits) if not _side_by_side(box, boxes[piece])]
        if fits:
            number[piece] = fits[-1]
            digits[fits[-1]] = around(np.stack([digits[fits[-1]], boxes[piece]]))
        else:
            number[piece] = len(digits)
            digits.append(boxes[piece])
    for piece in np.flatnonzero(height < 0.5 * height.max()):
        number[piece] = np.argmin([_distance(box, boxes[piece]) for box in digits])
    return number


def joined(boxes: np.ndarray, H: int, W: int) -> np.ndarray:
    """Return the number of the digit that each box is a part of, counted from 1, or 0 for none."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    candidates = ~(_across(boxes, H, W) | _frames(boxes))
    if not candidates.any():
        candidates[:] = True
    tallest = height[candidates].max()
    number = np.zeros(len(boxes), np.int64)
    whole = np.flatnonzero(candidates & (height >= 0.5 * tallest))
    number[whole] = np.arange(1, len(whole) + 1)
    for part in np.flatnonzero(candidates & (height < 0.5 * tallest)):
        if width[part] > max(1.5 * tallest, 5 * height[part]):
            continue  # a line under several digits, or above
        gap = np.maximum(boxes[whole, 1] - boxes[part, 3], boxes[part, 1] - boxes[whole, 3])
        shared = np.minimum(boxes[whole, 2], boxes[part, 2]) - np.maximum(boxes[whole, 0], boxes[part, 0])
        underlined = (boxes[part, 1] >= boxes[whole, 3]) & (
            width[part] >= max(0.8 * width[whole].max(), 4 * height[part])
        )
        fits = (gap < 0.25 * height[whole]) & (shared > 0.4 * np.minimum(width[whole], width[part])) & ~underlined
        if fits.any():
            number[part] = number[whole[fits][np.argmin(gap[fits])]]
        elif height[part] >= SPECK * tallest:
            number[part] = number.max() + 1
    return number


def _across(boxes: np.ndarray, H: int, W: int) -> np.ndarray:
    """Return which boxes begin at the edge and go all the way: a line of the paper, the edge of the table."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    at_edge = (boxes[:, :2] <= 0).any(axis=1) | (boxes[:, 2:] >= (W, H)).any(axis=1)
    return at_edge & ((width >= 0.9 * W) | (height >= 0.9 * H))


def _frames(boxes: np.ndarray) -> np.ndarray:
    """Return which boxes surround another one that is more than the dot in a zero: a circle, the box of a form."""
    height = boxes[:, 3] - boxes[:, 1]
    left, top, right, bottom = boxes.T
    inside = (
        (left[:, None] < left) & (top[:, None] < top) & (right[:, None] > right) & (bottom[:, None] > bottom)
    )  # [i, j]: j is inside of i
    return (inside & (height >= INSIDE * height[:, None])).any(axis=1)


def _side_by_side(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two pieces that nearly touch are two digits."""
    (left, top, right, bottom), narrower = around(np.stack([one, other])), min(one[2] - one[0], other[2] - other[0])
    heights = one[3] - one[1], other[3] - other[1]
    shared = min(one[2], other[2]) - max(one[0], other[0])
    both_full = min(heights) >= FULL * max(heights)
    if shared > (OVER if both_full else SLANTED) * narrower:
        return False
    return both_full or right - left > WIDE * (bottom - top)


def around(boxes: np.ndarray) -> np.ndarray:
    """Return the box (4,) around some boxes (count, 4)."""
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far apart two boxes are, 0 where they overlap."""
    gaps = np.maximum(np.maximum(one[:2] - other[2:], other[:2] - one[2:]), 0)
    return float(np.hypot(*gaps))
