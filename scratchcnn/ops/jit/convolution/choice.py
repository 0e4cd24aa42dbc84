"""Which algorithm computes a convolution: one ``choose`` each way.

    forward           convolution                                            algorithm      why
    ----------------- ------------------------------------------------------ -------------- ---------------------------
    all three         groups, a dilation, or padding as wide as the kernel   plain          the others cannot
                      one channel, F at most half a vector (or 3/4 of it     few filters    pixels in the lanes of a
                      with 5 x 5 and larger), KW at most 8, stride 1, a                     vector instead of filters
                      ReLU and a max-pool of 2 x 2 after it
                      3 x 3, stride 1, C and F at least 8, C in whole        Winograd       2.25 or 4 times fewer
                      vectors, enough outputs                                               multiplications
                      any other                                              direct         register tiles
    kernel gradient   no pool: as Winograd above, and F at least 16          Winograd
                      no pool: any other                                     dense          an outer product a pixel
                      max-pool: KH KW C at most 9                            masked         dense, to find a gradient
                                                                                            takes longer than to use it
                      max-pool: any other                                    sparse         non-zero gradients alone
    input gradient    no pool: as Winograd above, and F at least 16          Winograd
                      no pool: any other                                     convolution    of dy, the kernel flipped
                      max-pool of 2 x 2, stride 1, C in fours, F in          by window      a patch, or lines of it,
                      sixteens, two lines of a patch fit the registers;                     in registers
                      and F at least 32, or C in eights and the whole
                      patch fits
                      max-pool: any other                                    by line        lines of a patch, all
                                                                                            filters that count

The convolution of an input gradient is chosen as one forward, its channels and filters exchanged. A pool that is not of
2 x 2 windows side by side runs by itself after a forward convolution. Winograd's algorithm is not chosen inside of
``ops.exact_convolutions()``. The choice depends on shapes and dtype, never on the number of images: so the prediction
for an image has the same bits alone and in any batch.

Letters: C channels, F filters, KH KW kernel, OH OW output of the convolution (before a pool).
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from ....types import Pair
from ...settings import Window
from ..machine.registers import lanes_for, registers
from .input_gradient_by_window import holds_patch, most_vectors
from .winograd.tiles import output_tile_size

PLAIN, FEW_FILTERS, WINOGRAD, DIRECT = "plain", "few filters", "Winograd", "direct"
DENSE, MASKED, SPARSE = "dense", "masked", "sparse"
CONVOLUTION, BY_WINDOW, BY_LINE = "convolution", "by window", "by line"

WINOGRAD_CHANNELS = 8  # channels and filters from which the transforms pay
WINOGRAD_GRADIENT_FILTERS = 16  # and filters for the gradients
FEW_FILTERS_POSITIONS = 25  # of a kernel from which idle lanes cost more than the transposition of the results
FEW_FILTERS_WIDTH = 8  # the widest kernel whose shifted lines a register tile has room for
MASKED_POSITIONS = 9  # of a 3 x 3 kernel: as quick as the sparse way (8 filters, Zen 4); 5 x 5 takes twice as long
BY_WINDOW_FILTERS = 32  # with fewer, a part of a patch is loaded and stored for too little


class Convolution(NamedTuple):
    """What a choice depends on."""

    kernel: tuple[int, ...]  # (KH, KW, C, F)
    output: Pair  # (OH, OW), before a pool
    strides: Pair
    dtype: np.dtype
    pool: tuple[Pair, Pair] | None = None  # size and strides of a max-pool after it, with a ReLU
    exact: bool = False  # whether Winograd's algorithm is not wanted

    @classmethod
    def of(
        cls, kernel: tuple[int, ...], window: Window, dtype: np.dtype, pool: Window | None = None, exact: bool = False
    ) -> "Convolution":
        """Return what the choice for a window depends on; of a pool, the part of the output that it sees."""
        if pool is None:
            return cls(kernel, window.output, window.strides, dtype, None, exact)
        return cls(kernel, pool.seen, window.strides, dtype, (pool.size, pool.strides), exact)


class Choice(NamedTuple):
    """An algorithm, and for Winograd's the size of its output tiles."""

    algorithm: str
    output_tile: int = 0

    def __str__(self) -> str:
        size = self.output_tile
        return f"{self.algorithm} F({size}x{size}, 3x3)" if size else self.algorithm


def algorithms_of(convolution: Convolution, wants_input_gradient: bool) -> tuple[str, str, str]:
    """Return what is chosen for a convolution, for a reader; an input gradient that is not wanted is ""."""
    kernel_gradient = choose_kernel_gradient(convolution)
    input_gradient = choose_input_gradient(convolution) if wants_input_gradient else ""
    return str(choose_forward(convolution)), str(kernel_gradient), str(input_gradient)


def needs_plain_loops(window: Window, channels: int, channels_of_kernel: int) -> bool:
    """Return whether a convolution is one that only plain loops compute; it is never fused."""
    wide = window.padding[0] >= window.size[0] or window.padding[1] >= window.size[1]
    return wide or window.dilation != (1, 1) or channels != channels_of_kernel


@cache
def choose_forward(convolution: Convolution) -> Choice:
    """Choose how to compute the outputs; a pool after them is part of it if it is one of 2 x 2."""
    KH, KW, C, F = convolution.kernel
    if _pools_by_two(convolution) and convolution.strides == (1, 1) and C == 1 and KW <= FEW_FILTERS_WIDTH:
        lanes = registers().width // convolution.dtype.itemsize
        if F <= lanes // 2 or (F <= lanes * 3 // 4 and KH * KW >= FEW_FILTERS_POSITIONS):
            return Choice(FEW_FILTERS)
    return _winograd(convolution) or Choice(DIRECT)


@cache
def choose_input_gradient(convolution: Convolution) -> Choice:
    """Choose how to compute the gradient of the input."""
    KH, KW, C, F = convolution.kernel
    if convolution.pool is None:
        return _winograd(convolution, WINOGRAD_GRADIENT_FILTERS) or Choice(CONVOLUTION)
    pays = F >= BY_WINDOW_FILTERS or (C % 8 == 0 and holds_patch(KH, KW))
    fits = C % 4 == 0 and F % 16 == 0 and 2 * (KW + 1) <= most_vectors()
    by_window = pays and fits and _pools_by_two(convolution) and convolution.strides == (1, 1)
    return Choice(BY_WINDOW if by_window else BY_LINE)


@cache
def choose_kernel_gradient(convolution: Convolution) -> Choice:
    """Choose how to compute the gradients of kernel and bias."""
    KH, KW, C, _ = convolution.kernel
    if convolution.pool is None:
        return _winograd(convolution, WINOGRAD_GRADIENT_FILTERS) or Choice(DENSE)
    return Choice(MASKED if KH * KW * C <= MASKED_POSITIONS else SPARSE)


def _pools_by_two(convolution: Convolution) -> bool:
    return convolution.pool == ((2, 2), (2, 2))


def _winograd(convolution: Convolution, filters: int = WINOGRAD_CHANNELS) -> Choice | None:
    """Return the choice of Winograd's algorithm, or None where another one is better."""
    KH, KW, C, F = convolution.kernel
    fits = (KH, KW) == (3, 3) and convolution.strides == (1, 1) and C >= WINOGRAD_CHANNELS and F >= filters
    if convolution.exact or not fits or C % lanes_for(C, convolution.dtype):
        return None
    size = output_tile_size(*convolution.output)
    return Choice(WINOGRAD, size) if size else None
