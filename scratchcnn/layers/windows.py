"""Sliding windows: how many outputs a convolution or a pool has, and how many zeros are put before the image."""

from __future__ import annotations

from ..types import Pair


def output_size_and_padding(layer: str, image: Pair, window: Pair, strides: Pair, padding: str) -> tuple[Pair, Pair]:
    """Return at how many positions a window slides over an image, and the (top, left) padding before the image.

    Along each axis, for an image of H pixels, a window of KH and a stride of S:

        "valid"   the window stays inside: (H - KH) // S + 1 positions; pixels that remain at the end are not seen
        "same"    ceil(H / S) positions, one a pixel for S = 1; for that, zeros are put around the image,
                  max((positions - 1) S + KH - H, 0), half before and half after, an odd one after (as in Keras)
    """
    if padding == "valid" and (window[0] > image[0] or window[1] > image[1]):
        raise ValueError(
            f"{layer}: a window of {window} does not fit into an image of {image} (height, width); take a smaller "
            'window, fewer layers that shrink the image, or padding="same" (images are channels-last: (N, H, W, C))'
        )
    positions, before = [], []
    for extent, size, stride in zip(image, window, strides, strict=True):
        if padding == "valid":
            positions.append((extent - size) // stride + 1)
            before.append(0)
        else:
            positions.append(-(-extent // stride))
            before.append(max((positions[-1] - 1) * stride + size - extent, 0) // 2)
    return (positions[0], positions[1]), (before[0], before[1])
