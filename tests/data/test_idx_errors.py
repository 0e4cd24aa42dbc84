"""IDX files that are damaged or promise too much: refused, at no cost of memory."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tracemalloc

import numpy as np
import pytest

from scratchcnn.data import read_idx, write_idx
from scratchcnn.data.idx import read_stream, replacing
from support.idx_files import ARRAY, BYTES, read_bytes


def idx_bytes(code: int, shape: tuple[int, ...], content: bytes = b"") -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape) + content


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
