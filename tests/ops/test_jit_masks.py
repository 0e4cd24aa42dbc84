"""Bit masks of the gradients that count."""

from __future__ import annotations

import numpy as np
import pytest

from support.implementations import before_forbidden_memory
from support.marks import without_numba

pytestmark = without_numba


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("filters", "windows"), [(1, 64), (6, 33), (15, 1), (16, 64), (40, 30), (64, 64), (100, 5)])
def test_masks_tell_which_gradients_count(filters, windows, dtype):
    from numba import njit

    from scratchcnn.ops.jit.convolution.masks import BITS, mask_shape, masks_by_filter
    from scratchcnn.ops.jit.machine.tile import tile_shape

    vectors, lanes = mask_shape(filters, np.dtype(dtype))
    rng = np.random.default_rng(0)
    dy = before_forbidden_memory(rng.choice(np.array([0, 1, np.nan], dtype), (windows, filters)))
    index = before_forbidden_memory(rng.choice(np.array([0, 3, 255], np.uint8), dy.shape))
    counts = (dy != 0) & (index != 255)

    @njit
    def find(dy, index, first, masks):
        shape, here = tile_shape(1, 1, vectors, lanes), min(BITS, filters - first)
        masks_by_filter(shape, vectors * lanes, dy, index, first, filters, here, windows, masks)

    for first in range(0, filters, BITS):  # a mask has room for 64 filters
        masks = np.full(BITS, -1)
        find(dy.reshape(-1), index.reshape(-1), first, masks)
        found = np.unpackbits(masks.view(np.uint8).reshape(BITS, 8), axis=1, bitorder="little")
        expected = np.zeros((BITS, BITS), np.uint8)
        block = counts[:, first : first + BITS].T
        expected[: len(block), :windows] = block
        np.testing.assert_array_equal(found, expected)


def test_a_square_of_bits_is_transposed():
    from numba import njit

    from scratchcnn.ops.jit.machine.tile_bits import transpose_bits

    bits = np.random.default_rng(0).integers(0, 2, (64, 64), dtype=np.uint8)
    masks = np.packbits(bits, axis=1, bitorder="little").view(np.int64).reshape(64)
    njit(lambda masks: transpose_bits(masks))(masks)
    transposed = np.unpackbits(masks.view(np.uint8).reshape(64, 8), axis=1, bitorder="little")
    np.testing.assert_array_equal(transposed, bits.T)
