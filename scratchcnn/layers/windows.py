"""Sliding windows: how many outputs a convolution or a pool has, and how far its first window sticks out."""

from __future__ import annotations

from ..ops import Window
from ..types import Pair

Padding = str | tuple[Pair, Pair]


def sliding_window(
    layer: str, image: Pair, size: Pair, strides: Pair, padding: Padding, dilation: Pair = (1, 1)
) -> Window:
    """Return how a window slides over an image: at how many positions, from how far before the image on.

    Along each axis, for an image of H pixels, a window of KH and a stride of S:

        "valid"   the window stays inside: (H - KH) // S + 1 positions; pixels that remain at the end are not seen
        "same"    ceil(H / S) positions, one a pixel for S = 1; for that, zeros are put around the image,
                  max((positions - 1) S + KH - H, 0), half before and half after, an odd one after (as in Keras)
        (b, a)    b zeros before and a after: (b + H + a - KH) // S + 1 positions

    KH is the extent of a dilated window, its gaps included: (KH - 1) dilation + 1.
    """
    extent = (size[0] - 1) * dilation[0] + 1, (size[1] - 1) * dilation[1] + 1
    zeros = ((0, 0), (0, 0)) if isinstance(padding, str) else padding
    padded = image[0] + sum(zeros[0]), image[1] + sum(zeros[1])
    if padding != "same" and (extent[0] > padded[0] or extent[1] > padded[1]):
        raise ValueError(
            f"{layer}: a window of {extent} does not fit into an image of {padded} (height, width); take a smaller "
            'window, fewer layers that shrink the image, or padding="same" (images are channels-last: (N, H, W, C))'
        )
    positions, before = [], []
    for pixels, length, stride, (first, last) in zip(image, extent, strides, zeros, strict=True):
        if padding == "same":
            positions.append(-(-pixels // stride))
            before.append(max((positions[-1] - 1) * stride + length - pixels, 0) // 2)
        else:
            positions.append((first + pixels + last - length) // stride + 1)
            before.append(first)
    return Window(size, strides, (before[0], before[1]), image, (positions[0], positions[1]), dilation)
