"""Scratch memory of the chunks of a kernel: what one thread fetches ahead must not be what another writes."""

import numpy as np
import pytest

from support.marks import without_numba

pytestmark = without_numba


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("chunks", [1, 2, 7])
def test_each_chunk_finds_as_much_as_was_asked_for_in_cache_lines_of_its_own_far_from_the_next(chunks, dtype):
    from scratchcnn.ops.jit.runtime.scratch import APART, LINE, chunk_scratch, scratch_of

    memory = chunk_scratch("lines", chunks, 1001, dtype)
    parts = [scratch_of.py_func(memory, chunk, chunks) for chunk in range(chunks)]
    assert {part.size for part in parts} == {-(-1001 * memory.itemsize // LINE) * LINE // memory.itemsize}
    addresses = [part.ctypes.data for part in parts]
    assert [address % LINE for address in addresses] == [0] * chunks
    assert set(np.diff(addresses)) <= {parts[0].nbytes + APART}
    assert addresses[-1] + parts[-1].nbytes == memory.ctypes.data + memory.nbytes
    allocated = memory
    while allocated.base is not None:
        allocated = allocated.base
    behind = allocated.ctypes.data + allocated.nbytes - (memory.ctypes.data + memory.nbytes)
    assert behind >= APART  # before another array of this process may begin
