"""Sliding windows: how many outputs a convolution or a pool has, and how far its first window sticks out."""

from __future__ import annotations

from ..ops import Window
from ..types import Pair


def sliding_window(layer: str, image: Pair, size: Pair, strides: Pair, padding: str) -> Window:
    """Return how a window slides over an image: at how many positions, from how far before the image on.

    Along each axis, for an image of H pixels, a window of KH and a stride of S:

        "valid"   the window stays inside: (H - KH) // S + 1 positions; pixels that remain at the end are not seen
        "same"    ceil(H / S) positions, one a pixel for S = 1; for that, zeros are put around the image,
                  max((positions - 1) S + KH - H, 0), half before and half after, an odd one after (as in Keras)
    """
    if padding == "valid" and (size[0] > image[0] or size[1] > image[1]):
        raise ValueError(
            f"{layer}: a window of {size} does not fit into an image of {image} (height, width); take a smaller "
            'window, fewer layers that shrink the image, or padding="same" (images are channels-last: (N, H, W, C))'
        )
    positions, before = [], []
    for extent, length, stride in zip(image, size, strides, strict=True):
        if padding == "valid":
            positions.append((extent - length) // stride + 1)
            before.append(0)
        else:
            positions.append(-(-extent // stride))
            before.append(max((positions[-1] - 1) * stride + length - extent, 0) // 2)
    return Window(size, strides, (before[0], before[1]), image, (positions[0], positions[1]))
