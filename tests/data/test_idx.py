"""The IDX format: what is written is read back, and no damaged file is mistaken for a good one."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchcnn.data import read_idx, write_idx
from scratchcnn.data.idx import content_sha256
from support.idx_files import ARRAY, BYTES, read_bytes

ELEMENT_TYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]


def arrays() -> st.SearchStrategy[np.ndarray]:
    shapes = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
    return st.sampled_from(ELEMENT_TYPES).flatmap(lambda dtype: hnp.arrays(dtype, shapes))


def test_a_file_written_by_hand_is_read():
    array = read_bytes(BYTES)
    np.testing.assert_array_equal(array, ARRAY)
    assert array.dtype == np.int16


def test_a_file_is_written_as_by_hand(tmp_path):
    write_idx(tmp_path / "a", ARRAY)
    assert (tmp_path / "a").read_bytes() == BYTES


@given(array=arrays(), big_endian=st.booleans(), packed=st.booleans())
def test_every_array_comes_back_as_it_was(tmp_path_factory, array, big_endian, packed):
    path = tmp_path_factory.getbasetemp() / ("array.idx.gz" if packed else "array.idx")
    write_idx(path, array.astype(array.dtype.newbyteorder(">")) if big_endian else array)
    back = read_idx(path)
    assert back.shape == array.shape
    assert back.dtype == array.dtype
    assert back.dtype.isnative
    assert back.flags.writeable and back.flags.c_contiguous
    assert back.tobytes() == array.tobytes()  # NaN payloads and negative zeros included


@pytest.mark.parametrize("dtype", ELEMENT_TYPES)
def test_the_layout_of_the_array_does_not_matter(tmp_path, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    write_idx(tmp_path / "a", array)
    for other in (np.asfortranarray(array), np.repeat(array, 2, axis=2)[:, :, ::2], array[::-1][::-1]):
        before = other.copy()
        write_idx(tmp_path / "b", other)
        assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
        np.testing.assert_array_equal(other, before)


def test_gzip_is_recognised_by_content_and_not_by_name(tmp_path):
    (tmp_path / "raw.gz").write_bytes(BYTES)
    (tmp_path / "packed").write_bytes(gzip.compress(BYTES))
    for name in ("raw.gz", "packed"):
        np.testing.assert_array_equal(read_idx(tmp_path / name), ARRAY)
        np.testing.assert_array_equal(read_idx(str(tmp_path / name)), ARRAY)


def test_a_gzip_file_of_several_members_is_one_file():
    np.testing.assert_array_equal(read_bytes(gzip.compress(BYTES[:7]) + gzip.compress(BYTES[7:])), ARRAY)


def test_the_same_array_gives_the_same_packed_bytes(tmp_path):
    write_idx(tmp_path / "one.gz", ARRAY)
    write_idx(tmp_path / "two.GZ", ARRAY)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.GZ").read_bytes()
    assert (tmp_path / "one.gz").read_bytes()[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"  # no name, no time


def test_the_sum_of_the_content_is_that_of_the_raw_file():
    assert content_sha256(ARRAY) == hashlib.sha256(BYTES).hexdigest()


@pytest.mark.parametrize("length", range(len(BYTES)))
def test_a_raw_file_cut_anywhere_is_refused(length):
    with pytest.raises(ValueError, match=r"^here\.idx: "):
        read_bytes(BYTES[:length])


def test_a_gzip_file_cut_anywhere_is_refused():
    packed = gzip.compress(BYTES, mtime=0)
    for length in range(len(packed)):
        with pytest.raises(ValueError, match=r"^here\.idx: "):
            read_bytes(packed[:length])


def test_a_gzip_file_with_any_byte_changed_is_refused_or_harmless():
    packed = gzip.compress(BYTES, mtime=0)
    refused = 0
    for position in range(len(packed)):
        damaged = bytearray(packed)
        damaged[position] ^= 0x55
        try:
            array = read_bytes(bytes(damaged))
        except ValueError as error:
            assert str(error).startswith("here.idx: ")
            refused += 1
        else:
            assert position in {4, 5, 6, 7, 8, 9}, "only gzip's time stamp, flags and system may change unnoticed"
            np.testing.assert_array_equal(array, ARRAY)
    assert refused >= len(packed) - 6


@given(content=st.binary(max_size=200))
def test_arbitrary_bytes_are_an_array_or_a_ValueError(content):
    for candidate in (content, b"\0\0\x08" + content, gzip.compress(content)):
        try:
            array = read_bytes(candidate)
        except ValueError as error:
            assert str(error).startswith("here.idx: ")
        else:
            assert isinstance(array, np.ndarray)
