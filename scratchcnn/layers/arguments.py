"""Checks of the arguments that layers have in common: integers, pairs such as ``kernel_size``, images.

Letters: H W height and width of an image, C its channels.
"""

from __future__ import annotations

from typing import Any

from ..checks.inputs import as_integer
from ..checks.messages import shown
from ..types import Pair, Shape


def positive_int(what: str, value: Any) -> int:
    """Return ``value`` as an int of at least 1; ``what`` names it in the error, "Dense: units"."""
    return as_integer(what, value, 1)


def positive_pair(what: str, value: Any) -> Pair:
    """Return ``value`` as (height, width), integers of at least 1; one integer stands for both."""
    if not isinstance(value, (tuple, list)):
        value = (value, value)
    if len(value) != 2:
        raise ValueError(f"{what} must be one number or (height, width), got {shown(value)}")
    return positive_int(what, value[0]), positive_int(what, value[1])


def check_padding(what: str, padding: Any) -> str:
    """Return ``padding`` if it is "valid" or "same"; a ValueError otherwise."""
    if padding not in ("valid", "same"):
        raise ValueError(f'{what} must be "valid" (windows stay inside the image) or "same", got {shown(padding)}')
    return padding


def check_explicit_padding(what: str, padding: Any) -> str | tuple[Pair, Pair]:
    """Return ``padding`` as "valid", "same", or ((top, bottom), (left, right)); 1 and (1, 2) are such, too."""
    if isinstance(padding, str):
        return check_padding(what, padding)
    pair = padding if isinstance(padding, tuple | list) else (padding, padding)
    if len(pair) != 2:
        raise ValueError(
            f'{what} must be "valid", "same", a number of zeros around the image, (height, width), or '
            f"((top, bottom), (left, right)), got {shown(padding)}"
        )
    sides = [side if isinstance(side, tuple | list) and len(side) == 2 else (side, side) for side in pair]
    top, bottom, left, right = (as_integer(what, zeros, 0) for side in sides for zeros in side)
    return (top, bottom), (left, right)


def image_shape(layer: str, input_shape: Shape) -> tuple[int, int, int]:
    """Return (H, W, C); a ValueError if the layer's input is not an image."""
    if len(input_shape) != 3:
        got = ", ".join(map(str, ("N", *input_shape)))
        raise ValueError(
            f"{layer} expects (N, H, W, C) images, got ({got}); put it before Flatten, and let the model's input_shape "
            "be (height, width, channels), such as (28, 28, 1)"
        )
    height, width, channels = input_shape
    return height, width, channels
