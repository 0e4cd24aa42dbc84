"""Random shapes of convolutions, pools and dense layers, and arrays for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from scratchcnn.layers.windows import sliding_window
from scratchcnn.ops import Window
from support.choices import output_tile
from support.implementations import Numbers, Output

seeds = st.integers(0, 2**64 - 1)
dtypes = st.sampled_from(["float32", "float64"])
shifts = st.sampled_from([0, 1])
paddings = st.sampled_from(["valid", "same"])
sizes = st.sampled_from([1, 15, 16, 17, 1000, 4096 * 3 + 5])  # of flat arrays
sources = st.builds(Numbers, seeds, dtypes, whole=st.booleans())


def window_over(image, size, strides=(1, 1), padding="valid") -> Window:
    """Return how a window slides; one that does not fit gets the padding that it needs."""
    if any(extent < length for extent, length in zip(image, size, strict=True)):
        padding = "same"
    return sliding_window("test", image, size, strides, padding)


@dataclass(frozen=True)
class PoolCase:
    """Images of N, C channels and a window that slides over them."""

    N: int
    C: int
    window: Window

    @property
    def images(self) -> tuple[int, ...]:
        return (self.N, *self.window.image, self.C)

    @property
    def outputs(self) -> tuple[int, ...]:
        return (self.N, *self.window.output, self.C)


@dataclass(frozen=True)
class ConvCase:
    """A convolution of N images with C channels by F filters, and perhaps a pool after it."""

    N: int
    C: int
    F: int
    window: Window
    pool: Window | None = None

    @property
    def images(self) -> tuple[int, ...]:
        return (self.N, *self.window.image, self.C)

    @property
    def kernel(self) -> tuple[int, ...]:
        return (*self.window.size, self.C, self.F)

    @property
    def outputs(self) -> tuple[int, ...]:
        return (self.N, *(self.pool or self.window).output, self.F)

    @property
    def windows(self) -> tuple[Window, ...]:
        return (self.window,) if self.pool is None else (self.window, self.pool)

    def output_tile(self) -> int:
        """Return the size of Winograd's output tiles, 0 where another algorithm is chosen."""
        seen = self.window.output if self.pool is None else self.pool.seen
        return output_tile(*seen, np.empty(self.kernel, np.float32), self.window.strides)

    def is_exact(self, numbers: Numbers) -> bool:
        """Return whether the numbers must be the same: integers, except in output tiles of 4 x 4.

        Their transforms multiply by fractions, which are not exact in binary. (For dx, only with 16 filters or more, or
        fewer than 8: between, it is a convolution of its own.)
        """
        return numbers.whole and self.output_tile() != 4

    def gradients(self, numbers: Numbers, with_dx: bool = True, with_bias: bool = True) -> tuple[Output | None, ...]:
        """Return what an operation writes backward: dx, dkernel and dbias."""
        outputs: list[Any] = [numbers.output(*shape) for shape in (self.images, self.kernel, (self.F,))]
        return (outputs[0] if with_dx else None, outputs[1], outputs[2] if with_bias else None)


def convolution(images, size, F, strides=(1, 1), padding="valid", pool=None) -> ConvCase:
    """Return the case of images (N, H, W, C), with ``pool`` (size, strides) after the convolution."""
    N, H, W, C = images
    window = window_over((H, W), size, strides, padding)
    return ConvCase(N, C, F, window, pool and window_over(window.output, *pool))


@st.composite
def pools(draw) -> PoolCase:
    size = draw(st.sampled_from([(1, 1), (2, 2), (3, 2), (1, 4), (5, 3)]))
    return PoolCase(draw(st.sampled_from([1, 2, 9])), draw(st.sampled_from([1, 3, 16, 21])), draw(windows(size)))


@st.composite
def windows(draw, size) -> Window:
    image = draw(st.sampled_from([1, 2, 5, 8, 11])), draw(st.sampled_from([3, 8]))
    strides = draw(st.just((1, 1)) | st.tuples(st.integers(1, 3), st.sampled_from([1, 3])))
    return window_over(image, size, strides, draw(paddings))


@st.composite
def convolutions(draw) -> ConvCase:
    """Draw a convolution: one channel, three; even windows; filters that fill no vector, or several."""
    kinds = [(1, (3, 3), 5), (3, (1, 4), 16), (16, (3, 3), 16), (16, (3, 3), 33), (1, (1, 1), 1), (2, (4, 5), 3)]
    C, size, F = draw(st.sampled_from(kinds))
    N = draw(st.sampled_from([1, 2, 9]))  # 9: more than the chunks of a sum over the batch
    return ConvCase(N, C, F, draw(windows(size)))


@st.composite
def tiled_convolutions(draw) -> ConvCase:
    """Draw convolutions whose outputs are computed in output tiles of 2 x 2 or 4 x 4, in groups from several images."""
    N, H, W = draw(st.sampled_from([2, 9])), draw(st.sampled_from([7, 8, 11])), draw(st.sampled_from([7, 8]))
    C, F = draw(st.sampled_from([(16, 16), (16, 64), (32, 33)]))
    return convolution((N, H, W, C), (3, 3), F, padding=draw(paddings))


POOLS = [((2, 2), (2, 2)), ((2, 2), (2, 2)), ((3, 2), (3, 2)), ((3, 3), (2, 1)), ((1, 1), (1, 1)), ((1, 2), (2, 3))]


@st.composite
def pooled_convolutions(draw) -> ConvCase:
    """Draw a convolution and a pool that fits into its output."""
    size, strides = draw(st.sampled_from(POOLS))
    case = draw(convolutions().filter(lambda drawn: all(np.greater_equal(drawn.window.output, size))))
    return ConvCase(case.N, case.C, case.F, case.window, window_over(case.window.output, size, strides))
