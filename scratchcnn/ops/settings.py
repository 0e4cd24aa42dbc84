"""The settings of operations: small named tuples, so that a call is ``conv_forward(x, kernel, bias, window)``.

Letters: H W height and width of an image, KH KW of a window, OH OW of the output.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..types import Pair

# What the gradients of a convolution or a dense layer are written into, (dx, dkernel, dbias); None is not wanted.
Gradients = tuple["np.ndarray | None", np.ndarray, "np.ndarray | None"]


class Window(NamedTuple):
    """A window that slides over an image: the kernel of a convolution, or what a pool makes one number of.

    Where a window sticks out of the image, a convolution sees zeros and a pool nothing.
    """

    size: Pair  # (KH, KW)
    strides: Pair  # pixels from one position to the next, down and across
    padding: Pair  # (top, left): how far the first window sticks out of the image
    image: Pair  # (H, W)
    output: Pair  # (OH, OW): positions of the window, one for each pixel of the output
    dilation: Pair = (1, 1)  # pixels from one pixel of the window to the next: of convolutions alone

    @property
    def extent(self) -> Pair:
        """The extents of what one window stands on, the gaps of a dilated one included."""
        return (self.size[0] - 1) * self.dilation[0] + 1, (self.size[1] - 1) * self.dilation[1] + 1

    @property
    def seen(self) -> Pair:
        """The extents of what all windows together stand on."""
        (height, width), (down, across), (OH, OW) = self.extent, self.strides, self.output
        return (OH - 1) * down + height, (OW - 1) * across + width


class SGDSettings(NamedTuple):
    """What a step of stochastic gradient descent depends on."""

    learning_rate: float
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0  # of the gradient's penalty (L2)


class AdamSettings(NamedTuple):
    """What a step of Adam depends on."""

    learning_rate: float
    beta_1: float
    beta_2: float
    epsilon: float
    weight_decay: float = 0.0
    decoupled: bool = False  # whether the weight decay is AdamW's


class RMSpropSettings(NamedTuple):
    """What a step of RMSprop depends on."""

    learning_rate: float
    rho: float
    momentum: float
    epsilon: float


class Distortion(NamedTuple):
    """The limits of what an augmentation does to an image at random."""

    rotation: float = 0.0  # the largest angle, either way, in degrees
    shift: float = 0.0  # the farthest that an image moves along each axis, either way, in pixels
    zoom: float = 0.0  # sizes are multiplied by something between 1 - zoom and 1 + zoom
    shear: float = 0.0  # the largest slant, either way, in degrees
    elastic: tuple[float, float] = (0.0, 0.0)  # (alpha, sigma): strength and smoothness, in pixels; (0, 0) is none
    flip: bool = False  # whether half of the images are mirrored, left to right
