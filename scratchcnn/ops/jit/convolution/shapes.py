"""The integers that the kernels of convolutions read: extents, strides, and the image in scratch memory."""

from typing import NamedTuple

from ....types import Array, Pair
from ...settings import Window

SHORT = 3, 3  # lines and KW*C of a window: 3 x 3 pixels of one channel. Loops over 5 x 5 are no slower


class ConvDims(NamedTuple):
    """The integers of a convolution, OH OW its output or, after a pool of PH PW, the pool's; 1 x 1 is no pool."""

    N: int
    H: int
    W: int
    C: int
    F: int
    KH: int
    KW: int
    OH: int
    OW: int
    PH: int
    PW: int
    stride_y: int
    stride_x: int
    pool_stride_y: int
    pool_stride_x: int
    top: int
    left: int
    height: int  # of the padded image in scratch memory
    width: int
    columns: int  # F, or KW * C in the sparse kernel, rounded up to whole tiles
    relu: int = 0  # whether a ReLU follows
    dilation_y: int = 1  # distance of the input's pixels in the padded image, going backward; plain: of the kernel's
    dilation_x: int = 1
    band: int = 0  # windows (sparse kernel gradient) or lines of the output (dense) that are worked on at a time
    groups: int = 1  # of C / groups channels and F / groups filters each (plain)

    @classmethod
    def of(cls, x: Array, F: int, columns: int, window: Window, pool: Window | None = None) -> "ConvDims":
        """Return the integers for images like x."""
        pool = pool or Window((1, 1), (1, 1), (0, 0), window.output, window.output)
        seen = window._replace(output=pool.seen).seen
        N, H, W, C = x.shape
        extents = *window.size, *pool.output, *pool.size
        return cls(N, H, W, C, F, *extents, *window.strides, *pool.strides, *window.padding, *seen, columns)


def short_window(KH: int, depth: int) -> Pair:
    """Return the extents of a window, lines and KW*C, where it is so short that its loops cost as much as their bodies.

    They then become constants of the code, and the compiler writes the loops out; (0, 0) for other windows.
    """
    return SHORT if (KH, depth) == SHORT else (0, 0)


class WinogradDims(NamedTuple):
    """The integers of a convolution with Winograd's algorithm, OH OW of the result.

    The last output tiles of a line or column may stick out of the output.
    """

    N: int
    H: int
    W: int
    C: int
    F: int
    OH: int
    OW: int
    size: int  # of an output tile, across and down
    down: int  # output tiles per column
    across: int  # output tiles per row
    top: int
    left: int
    height: int  # of the padded image in scratch memory
    width: int
    columns: int  # F rounded up to whole tiles
    group: int  # the most tiles at a time
    images: int  # gradients: images in a group, or 1 and a part of it
    parts: int = 1  # of the filters, which different chunks compute
    keeps: int = 0  # whether the transformed kernel may be there from an earlier call
    relu: int = 0  # whether a ReLU follows
    wants_dx: int = 0  # gradients: whether the input's is wanted

    @classmethod
    def of(
        cls, x: Array, y: Array, size: int, tiles: Pair, padding: Pair, columns: int, group: int, images: int = 0
    ) -> "WinogradDims":
        """Return the integers for an input x, a result y and ``tiles`` (down, across) of that size of each image."""
        N, H, W, C = x.shape
        _, OH, OW, F = y.shape
        height, width = (size * extent + 2 for extent in tiles)
        return cls(N, H, W, C, F, OH, OW, size, *tiles, *padding, height, width, columns, group, images)
