"""Downloads without room, beside other processes, and out of archives."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from scratchcnn import data
from scratchcnn.data import cache, datasets, load_data, read_idx
from scratchcnn.data.sources import SOURCES
from support import small_data_sets
from support.data_sets import IMAGES, NAMES, assert_is, failure, put
from support.small_data_sets import arrays_of, sum_of

pytestmark = pytest.mark.usefixtures("surroundings")


REAL_DATA = os.environ.get("SCRATCHCNN_DATA")


def test_a_cache_that_cannot_be_created_still_gives_data_and_one_warning(tmp_path, mirrored, monkeypatch):
    mirrored("good")
    (tmp_path / "file").write_text("a file, where a folder is wanted")
    monkeypatch.setenv("SCRATCHCNN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.warns(RuntimeWarning, match=r"downloads cannot be kept in .*set SCRATCHCNN_CACHE") as caught:
        assert_is(load_data("mnist"), "mnist")
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_full_or_read_only_cache_still_gives_data_and_one_warning(tmp_path, mirrors, mirrored, monkeypatch, code):
    mirrored("good")

    def fail(source, target, length):
        target.write(source.read(100))
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(cache.shutil, "copyfileobj", fail)
    with pytest.warns(RuntimeWarning, match=os.strerror(code)) as caught:
        assert_is(load_data("mnist"), "mnist")
    assert len(caught) == 1
    assert list((tmp_path / "cache" / "mnist").iterdir()) == [], "no unfinished file stays behind"


def test_no_room_for_a_temporary_file_is_an_error_with_the_reason(mirrored, monkeypatch):
    mirrored("good", "good")
    monkeypatch.setattr(cache, "_LARGEST_IN_MEMORY", 0)

    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.tempfile, "TemporaryFile", full)
    assert failure("mnist").count("No space left on device") == 2


def test_large_downloads_wait_for_their_verification_on_disk(mirrored, monkeypatch):
    mirrored("damaged", "good")
    monkeypatch.setattr(cache, "_LARGEST_IN_MEMORY", 0)
    assert_is(load_data("mnist"), "mnist")


def process(name: str, *mirrors: str, cache_folder: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"SCRATCHCNN_CACHE": str(cache_folder), "SCRATCHCNN_BACKEND": "reference"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    return subprocess.Popen(
        [sys.executable, "-W", "error", small_data_sets.__file__, name, *mirrors],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_eight_processes_at_once_all_get_the_data(tmp_path, mirrors, mirrored):
    mirrored("html", "good")
    folder = tmp_path / "cache" / "mnist"
    put(folder, {IMAGES: mirrors.contents[IMAGES][:1000]})  # and what they find first is damaged
    urls = SOURCES["mnist"].mirrors
    processes = [process("mnist", *urls, cache_folder=tmp_path / "cache") for _ in range(8)]
    outputs = [one.communicate(timeout=60) for one in processes]
    assert [one.returncode for one in processes] == [0] * 8, outputs
    assert len({output.split()[1] for output, _ in outputs}) == 1
    assert all(errors == "" for _, errors in outputs)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == mirrors.contents
    assert outputs[0][0].split()[1] == sum_of(load_data("mnist"))


def test_a_process_killed_while_downloading_leaves_nothing_behind(tmp_path, mirrors, mirrored):
    mirrored("stalling")
    killed = process("mnist", *SOURCES["mnist"].mirrors, cache_folder=tmp_path / "cache")
    deadline = time.monotonic() + 30
    while not mirrors.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)  # most of the first file is on its way
    killed.kill()
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert mirrors.requests == [f"stalling/{IMAGES}"]
    assert not (tmp_path / "cache").exists()
    mirrored("good")
    assert_is(load_data("mnist"), "mnist")


def test_what_a_killed_process_left_unfinished_is_ignored_and_removed_in_time(tmp_path, mirrored):
    mirrored("good")
    folder = tmp_path / "cache" / "mnist"
    put(folder, {".0123456789abcdef.part": b"half of it", ".fedcba9876543210.part": b"being written"})
    os.utime(folder / ".0123456789abcdef.part", (0, 0))
    assert_is(load_data("mnist"), "mnist")
    assert sorted(path.name for path in folder.iterdir()) == sorted([*NAMES, ".fedcba9876543210.part"])


def test_the_error_travels_between_processes():
    error = data.DataUnavailableError("the data set could not be loaded")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error) and str(copy) == str(error)
    assert isinstance(error, OSError)


@pytest.mark.parametrize("place", ["mirror", "archive in a folder", "files in a folder", "files unpacked"])
def test_emnist_comes_out_of_its_archive_upright_and_counted_from_zero(tmp_path, mirrors, mirrored, place):
    mirrored("good", name="emnist-letters")
    archive = mirrors.contents["gzip.zip"]
    if place == "mirror":
        loaded = load_data("emnist-letters")
        assert mirrors.requests == ["good/gzip.zip"]
        assert (tmp_path / "cache" / "emnist" / "gzip.zip").read_bytes() == archive
        assert sum_of(load_data("emnist-letters")) == sum_of(loaded)
        assert len(mirrors.requests) == 1
    elif place == "archive in a folder":
        put(tmp_path / "emnist", {"gzip.zip": archive})
        loaded = load_data("emnist-letters", tmp_path)
    else:
        files = {name: content for name, content in mirrors.contents.items() if name != "gzip.zip"}
        put(tmp_path / "gzip", files, unpacked=place == "files unpacked")
        loaded = load_data("emnist-letters", tmp_path)
    (x_train, y_train), (x_test, y_test) = loaded
    published = arrays_of("emnist-letters", first_label=1)
    np.testing.assert_array_equal(x_train, published[0].transpose(0, 2, 1))
    np.testing.assert_array_equal(y_train, published[1] - 1)
    np.testing.assert_array_equal(x_test, published[2].transpose(0, 2, 1))
    np.testing.assert_array_equal(y_test, published[3] - 1)
    assert all(array.dtype == np.uint8 and array.flags.c_contiguous for array in (x_train, y_train, x_test, y_test))


@pytest.mark.parametrize("bad", ["html", "short", "damaged"])
def test_a_bad_archive_is_followed_by_the_next_mirror(mirrors, mirrored, bad):
    mirrored(bad, "good", name="emnist-digits")
    load_data("emnist-digits")
    assert mirrors.requests == [f"{bad}/gzip.zip", "good/gzip.zip"]


def test_a_damaged_archive_in_a_folder_is_refused(tmp_path, mirrors, mirrored):
    mirrored("good", name="emnist-digits")
    archive = mirrors.contents["gzip.zip"]
    (tmp_path / "gzip.zip").write_bytes(archive[: len(archive) // 2])
    assert "gzip.zip: damaged zip archive" in failure("emnist-digits", data_dir=tmp_path)
    changed = bytearray(archive)
    changed[5000] ^= 1
    (tmp_path / "gzip.zip").write_bytes(changed)
    assert "gzip.zip: damaged zip archive (Bad CRC-32" in failure("emnist-digits", data_dir=tmp_path)


def test_an_archive_without_the_file_is_refused(tmp_path, mirrors, mirrored):
    mirrored("good", name="emnist-digits")
    (tmp_path / "gzip.zip").write_bytes(mirrors.contents["gzip.zip"])
    assert "gzip.zip: the archive has no emnist-letters-train-images" in failure("emnist-letters", data_dir=tmp_path)


def test_of_qmnist_the_class_is_returned(mirrored):
    mirrored("good", name="qmnist")
    assert_is(load_data("qmnist"), "qmnist")


def test_a_progress_bar_is_shown_on_a_terminal_only(mirrored, capfd, tmp_path, monkeypatch):
    mirrored("good")
    load_data("mnist")
    assert capfd.readouterr() == ("", "")
    monkeypatch.setenv("SCRATCHCNN_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    load_data("mnist")
    assert IMAGES in capfd.readouterr().err


@pytest.mark.skipif(not REAL_DATA, reason="SCRATCHCNN_DATA names no folder with MNIST")
def test_the_real_mnist_is_recognised():
    (x_train, y_train), (x_test, y_test) = load_data("mnist", REAL_DATA)
    assert x_train.shape == (60_000, 28, 28) and x_test.shape == (10_000, 28, 28)
    assert y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert y_test[:5].tolist() == [7, 2, 1, 0, 4]
    known = {image.tobytes(): label for image, label in zip(x_train, y_train, strict=True)}
    for images, labels in load_data("digits"):  # the bundled ones are training images
        assert all(known[image.tobytes()] == label for image, label in zip(images, labels, strict=True))


def test_every_bundled_file_is_a_plain_idx_file():
    folder = Path(datasets.__file__).parent / "digits"
    shapes = [read_idx(folder / name).shape for name in NAMES]
    assert shapes == [(4000, 28, 28), (4000,), (1000, 28, 28), (1000,)]
