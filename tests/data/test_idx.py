"""The IDX format: what is written is read back, and no damaged file is mistaken for a good one."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scratchcnn.data import read_idx, write_idx
from scratchcnn.data.idx import content_sha256, read_stream, replacing

ELEMENT_TYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]

# The smallest interesting file, written out by hand: [[1, -2, 258]] as int16.
BYTES = bytes([0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 1, 0xFF, 0xFE, 1, 2])
ARRAY = np.array([[1, -2, 258]], np.int16)


def idx_bytes(code: int, shape: tuple[int, ...], content: bytes = b"") -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape) + content


def read_bytes(content: bytes) -> np.ndarray:
    return read_stream(io.BytesIO(content), "here.idx")


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


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes are no IDX file"),
        (b"\0\0\x08", "3 bytes are no IDX file"),
        (b"<!DOCTYPE html><html>", r"begins with b'<!DO', expected two zero bytes"),
        (b"\0\1\x08\1\0\0\0\0", r"begins with b'\\x00\\x01\\x08\\x01', expected two zero bytes"),
        (b"\0\0\x0a\1\0\0\0\0", r"element type 0x0A, expected one of 0x08 uint8, .* 0x0E float64"),
        (b"\0\0\x08\3\0\0\0\0", "expected 12 bytes for the extents of 3 dimensions, found 4"),
        (idx_bytes(0x08, (2, 3), b"12345"), r"promises 6 bytes after it, shape \(2, 3\) of uint8, but .* 5"),
        (idx_bytes(0x08, (2, 3), b"1234567"), r"promises 6 bytes after it, shape \(2, 3\) of uint8, but the file"),
        (idx_bytes(0x0E, (1,), b"1234567"), r"promises 8 bytes after it, shape \(1,\) of float64, but .* 7"),
        (idx_bytes(0x08, (0,) + (2**32 - 1,) * 3), "NumPy cannot represent"),
        (idx_bytes(0x08, (1,) * 255, b"1"), "NumPy cannot represent"),
    ],
)
def test_a_bad_file_is_refused_with_what_was_found_and_what_was_expected(content, message, pack):
    with pytest.raises(ValueError, match=f"^here\\.idx: .*{message}"):
        read_bytes(pack(content))


def test_bytes_after_a_gzip_stream_are_refused():
    with pytest.raises(ValueError, match="damaged gzip"):
        read_bytes(gzip.compress(BYTES) + b"more")


@pytest.mark.parametrize("shape", [(2**32 - 1, 2**32 - 1), (100_000, 100_000)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_promise_that_the_file_cannot_keep_costs_no_memory(shape, pack):
    content = pack(idx_bytes(0x0E, shape, b"12345678"))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"but the file has 8|more than the .* bytes of this gzip file can hold"):
        read_bytes(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_promise_within_what_gzip_can_hold_costs_what_the_file_holds():
    content = gzip.compress(idx_bytes(0x08, (50_000_000,), os.urandom(100_000)))  # 50 MB promised, 0.1 MB there
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"promises 50000000 bytes .* but the file ends after 100000"):
        read_bytes(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_a_gzip_stream_that_goes_on_is_not_read_to_its_end():
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size=-1):
            content = super().read(size)
            self.taken += len(content)
            return content

    content = gzip.compress(idx_bytes(0x08, (10,), bytes(200_000_000)), compresslevel=1)  # 200 MB behind 10 bytes
    file = Counting(content)
    with pytest.raises(ValueError, match=r"promises 10 bytes after it, .* but the file goes on after them"):
        read_stream(file, "here.idx")
    assert file.taken < len(content) / 4


def test_the_error_names_the_file(tmp_path):
    path = tmp_path / "broken.idx"
    path.write_bytes(BYTES[:-1])
    with pytest.raises(ValueError, match=r"broken\.idx"):
        read_idx(path)


def test_a_missing_file_stays_a_FileNotFoundError(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nowhere.idx")
    with pytest.raises(FileNotFoundError):
        write_idx(tmp_path / "nowhere" / "a.idx", ARRAY)


@pytest.mark.parametrize("dtype", ["int64", "uint16", "float16", "bool", "complex64", "U3", "datetime64[s]", "object"])
def test_types_that_the_format_lacks_are_refused_before_writing(tmp_path, dtype):
    with pytest.raises(ValueError, match=r"IDX has no element type .*; convert the array to one of 0x08 uint8"):
        write_idx(tmp_path / "a", np.zeros(3, dtype))
    assert list(tmp_path.iterdir()) == []


def test_a_dimension_beyond_four_bytes_is_refused(tmp_path):
    with pytest.raises(ValueError, match="IDX dimensions end at 4294967295"):
        write_idx(tmp_path / "a", np.empty((0, 2**32), np.uint8))


@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, name):
    write_idx(tmp_path / name, ARRAY)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_idx(tmp_path / name, np.zeros(1000, np.uint8))
    np.testing.assert_array_equal(read_idx(tmp_path / name), ARRAY)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_interrupted_write_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_an_honest_gzip_bomb_is_refused_unless_its_size_is_allowed(tmp_path):
    path, size = tmp_path / "bomb.gz", 3 << 20
    write_idx(path, np.zeros(size, np.uint8))
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"more than max_bytes=1000000; pass max_bytes={size} to read it all the same"):
        read_idx(path, max_bytes=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
    assert read_idx(path, max_bytes=size).nbytes == size  # the advice


def test_more_than_two_gigabytes_are_refused_by_default():
    content = gzip.compress(idx_bytes(0x08, (1 << 31, 2))) + bytes(6_000_000)  # a file that could hold so many zeros
    with pytest.raises(ValueError, match=r"promises 4294967296 bytes after it, .* more than max_bytes=2147483648"):
        read_bytes(content)


@pytest.mark.parametrize("shape", [(2**32 - 1,) * 255, (0, *(2**32 - 1,) * 254)])
def test_messages_about_absurd_headers_are_short(shape):
    for content in (idx_bytes(0x08, shape), gzip.compress(idx_bytes(0x08, shape))):
        with pytest.raises(ValueError, match="promises") as caught:
            read_bytes(content)
        assert len(str(caught.value)) < 600
