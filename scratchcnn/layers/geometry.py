"""Arguments and shapes that layers have in common: pairs such as ``kernel_size``, images, and how far a window slides.

Letters: H W height and width of an image, C its channels.
"""

from __future__ import annotations

import operator
from typing import Any

from ..checks.messages import shown
from ..types import Shape

Pair = tuple[int, int]


def positive_int(what: str, value: Any) -> int:
    """Return ``value`` as an int of at least 1; ``what`` names it in the error, "Dense: units"."""
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if isinstance(value, bool) or number < 1:
        raise ValueError(f"{what} must be a whole number of at least 1, got {shown(value)}")
    return number


def positive_pair(what: str, value: Any) -> Pair:
    """Return ``value`` as (height, width), whole numbers of at least 1; one number stands for both."""
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


def slide(layer: str, image: Pair, window: Pair, strides: Pair, padding: str) -> tuple[Pair, Pair]:
    """Return how often a window stops while it slides over an image, and the (top, left) padding before the image.

    Along each axis, for an image of H pixels, a window of KH and a stride of S:

        "valid"   the window stays inside: it stops (H - KH) // S + 1 times; pixels that remain at the end are not seen
        "same"    it stops ceil(H / S) times, once a pixel for S = 1; so that it can, zeros are put around the image,
                  max((stops - 1) S + KH - H, 0) of them, half before and half after, an odd one after (as in Keras)
    """
    if padding == "valid" and (window[0] > image[0] or window[1] > image[1]):
        raise ValueError(
            f"{layer}: a window of {window} does not fit into an image of {image} (height, width); take a smaller "
            'window, fewer layers that shrink the image, or padding="same" (images are channels-last: (N, H, W, C))'
        )
    stops, before = [], []
    for extent, size, stride in zip(image, window, strides, strict=True):
        if padding == "valid":
            stops.append((extent - size) // stride + 1)
            before.append(0)
        else:
            stops.append(-(-extent // stride))
            before.append(max((stops[-1] - 1) * stride + size - extent, 0) // 2)
    return (stops[0], stops[1]), (before[0], before[1])
