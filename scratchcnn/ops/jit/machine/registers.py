"""What the CPU's registers allow: how many numbers a SIMD vector holds, and how many vectors a tile may have.

numba compiles for the CPU it runs on, or for the one that the environment variable ``NUMBA_CPU_NAME`` names; the tiles
must follow that choice. A tile may fill all registers but a few, which the other operands of a step need.
"""

import platform
from functools import cache
from typing import NamedTuple

import numpy as np
from llvmlite import binding
from numba.core import config


class Registers(NamedTuple):
    """A CPU's vector registers: how many there are, and how many bytes one holds."""

    count: int  # type: ignore[assignment]  # hides the tuple's method of this name
    width: int


class Tile(NamedTuple):
    """A tile's shape, the numbers that fix a kernel's instructions; see tile.py."""

    outer: int
    inner: int
    vectors: int
    lanes: int

    @property
    def columns(self) -> int:
        """How many numbers one of its rows holds."""
        return self.vectors * self.lanes


AVX512, AVX, SSE, NEON = Registers(32, 64), Registers(16, 32), Registers(16, 16), Registers(32, 16)

# LLVM's names of the x86 CPUs that NUMBA_CPU_NAME may give: what they begin with.
_AVX512_NAMES = (
    "skylake-avx512", "cascadelake", "cooperlake", "cannonlake", "icelake", "tigerlake", "rocketlake",
    "sapphirerapids", "emeraldrapids", "graniterapids", "diamondrapids", "znver4", "znver5", "x86-64-v4",
)  # fmt: skip
_AVX_NAMES = (
    "haswell", "broadwell", "skylake", "alderlake", "raptorlake", "meteorlake", "arrowlake", "lunarlake",
    "znver1", "znver2", "znver3", "x86-64-v3",
)  # fmt: skip


@cache
def registers() -> Registers:
    """Return the vector registers of the CPU that numba compiles for."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        return NEON
    if config.CPU_NAME:
        if config.CPU_NAME.startswith(_AVX512_NAMES):
            return AVX512
        return AVX if config.CPU_NAME.startswith(_AVX_NAMES) else SSE
    features = binding.get_host_cpu_features()
    if all(features.get(name, False) for name in ("avx512f", "avx512bw", "avx512vl", "avx512dq")):
        return AVX512
    return AVX if features.get("avx2", False) and features.get("fma", False) else SSE


def lanes_for(extent: int, dtype: np.dtype) -> int:
    """Return the lanes of the vectors that cover ``extent`` numbers: the full width, or less where less will do."""
    lanes = registers().width // dtype.itemsize
    while lanes > 4 and lanes // 2 >= extent:
        lanes //= 2
    return lanes


def largest_tile(operands: int = 4) -> int:
    """Return how many vectors a tile may hold: all registers but those for a step's other ``operands``, or but 4."""
    return registers().count - max(4, operands)


def widest_tile() -> int:
    """Return how many vectors a tile's row may hold; a tile is best when it is neither flat nor slim."""
    return 4 if registers().count == 32 else 2


@cache
def best_tile(rows: int | None, columns: int, dtype: np.dtype, most: int, block: int = 1) -> Tile:
    """Choose the tile that wastes least on (rows, columns) results, and of those the one with the fewest loads.

    Without ``rows``, there are as many as are needed that none is wasted. The tile has at most ``most`` rows, each of
    which stands for ``block`` rows of sums. A step is slowed down where it loads more than it multiplies, and where
    there are fewer than 8 sums: a multiplication takes 4 cycles, and two can start in each.
    """
    lanes = lanes_for(columns, dtype)
    tiles = [
        Tile(1, height, vectors, lanes)
        for vectors in range(1, min(widest_tile(), -(-columns // lanes)) + 1)
        for height in range(1, min(largest_tile(vectors + 1) // vectors // block, most) + 1)
    ]

    def cost(tile: Tile) -> tuple[float, float]:
        wanted, height, sums = rows or tile.inner, block * tile.inner, block * tile.inner * tile.vectors
        computed = -(-wanted // tile.inner) * tile.inner * -(-columns // tile.columns) * tile.columns
        loads = (height + tile.vectors) / sums
        return computed / (wanted * columns) * max(loads, 1.0) * max(1.0, 8 / sums), loads

    return min(tiles, key=cost)


@cache
def lines_tile(lines: int, depth: int, dtype: np.dtype) -> Tile:
    """Choose the tile to go over ``lines`` lines of ``depth`` numbers with, again and again: the fewest instructions.

    Each time a tile that lies in memory is multiplied and added (``tile_axpy``), which needs one register for the
    scale and two for what is loaded. To go on to the next takes about as long as 5 multiplications.
    """
    widest, most = registers().width // dtype.itemsize, registers().count - 3
    tiles = [
        Tile(rows, 1, vectors, lanes)
        for lanes in (max(2, widest // 4), max(2, widest // 2), widest)
        for rows in range(1, min(lines, most) + 1)
        for vectors in range(1, min(-(-depth // lanes), most // rows) + 1)
        if lines % rows == 0
    ]
    return min(tiles, key=lambda t: lines // t.outer * -(-depth // t.columns) * (max(8, t.outer * t.vectors) + 5))
