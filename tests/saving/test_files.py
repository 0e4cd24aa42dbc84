"""Files that are not what they seem: nothing but a regular file is replaced or waited for, and its mode stays."""

import errno
import os
import socket
import stat
import threading
import time

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.data import DataUnavailableError, load_data, read_idx, write_idx
from scratchcnn.files import open_regular, replacing
from support.file_kinds import ARRAY, make_fifo, writers

pytestmark = pytest.mark.skipif(os.name != "posix", reason="FIFOs, devices, modes and links of POSIX systems")


READERS = {"load_model": sc.load_model, "read_idx": read_idx}


readers = pytest.mark.parametrize("read", READERS.values(), ids=READERS)


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices and gives files away")


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        folder = os.open(path.parent, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{folder}/{path.name}" if os.path.isdir("/proc/self/fd") else str(path))
        os.close(folder)
    return "a socket"


def make_device(path):
    os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))  # another /dev/null
    return "a character device"


def make_folder(path):
    path.mkdir()
    return "a folder"


KINDS = [make_fifo, make_socket, make_folder, pytest.param(make_device, marks=root_only)]


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("linked", [False, True], ids=["itself", "a link to it"])
@writers
def test_what_is_not_a_regular_file_is_never_replaced(tmp_path, write, make, linked):
    path, link = tmp_path / "special.gz", tmp_path / "link.gz"
    kind = make(path)
    link.symlink_to(path)
    before = path.lstat()
    with pytest.raises(OSError, match=rf"{kind}.*, where a .*file is expected.*{'link' if linked else 'special'}\.gz"):
        write(link if linked else path)
    after = path.lstat()
    assert (before.st_ino, before.st_mode) == (after.st_ino, after.st_mode)
    assert link.is_symlink() and sorted(os.listdir(tmp_path)) == ["link.gz", "special.gz"]


@pytest.mark.parametrize("make", KINDS)
@readers
def test_reading_what_is_not_a_regular_file_ends_at_once_and_says_what_it_is(tmp_path, read, make):
    path = tmp_path / "special"
    kind = make(path)
    started = time.monotonic()
    with pytest.raises(OSError, match=rf"{kind}.*, where a .*file is expected.*special"):
        read(path)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("place", ["data_dir", "environment", "cache"])
def test_a_fifo_among_the_files_of_a_data_set_does_not_block(tmp_path, monkeypatch, place):
    folder = tmp_path / "mnist"
    folder.mkdir()
    os.mkfifo(folder / "train-images-idx3-ubyte.gz")
    monkeypatch.setenv("SCRATCHCNN_CACHE", str(tmp_path if place == "cache" else tmp_path / "none"))
    monkeypatch.setenv("SCRATCHCNN_DATA", str(tmp_path) if place == "environment" else "")
    monkeypatch.setattr("scratchcnn.data.cache._Mirrors.fetch", lambda self, what: None)
    with pytest.warns(RuntimeWarning) if place == "environment" else threading.Lock():
        with pytest.raises(DataUnavailableError, match=r"a FIFO \(named pipe\), where a regular file is expected"):
            load_data("mnist", data_dir=tmp_path if place == "data_dir" else None)


def test_the_file_opened_is_looked_at_again_after_opening(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "fifo")
    regular = os.stat(tmp_path / "file")
    monkeypatch.setattr(os, "stat", lambda path: regular)  # it was a file when it was looked at first
    with pytest.raises(OSError, match="a FIFO"):
        open_regular(tmp_path / "fifo")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o666, 0o755])
@writers
def test_an_old_file_keeps_its_mode(tmp_path, write, mode):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(mode)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.stat().st_size > 3


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
@writers
def test_a_new_file_has_the_mode_that_the_umask_gives(tmp_path, write, umask):
    old = os.umask(umask)
    try:
        write(tmp_path / "file")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~umask


def test_an_unfinished_file_is_never_more_open_than_the_old_one(tmp_path):
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o600)
    with replacing(path) as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600


@root_only
def test_the_owner_and_the_group_stay(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    os.chown(path, 1234, 4321)
    write_idx(path, ARRAY)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


def test_where_the_group_cannot_stay_another_gets_no_more_than_anybody(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise PermissionError

    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o664)
    monkeypatch.setattr(os, "chown", refuse)
    write_idx(path, ARRAY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@writers
def test_a_read_only_file_is_refused_and_making_it_writable_helps(tmp_path, write):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match=r"read-only; make it writable, or choose another name: .*file"):
        write(path)
    assert path.read_text() == "old" and stat.S_IMODE(path.stat().st_mode) == 0o444
    path.chmod(0o644)
    write(path)
    assert path.stat().st_size > 3


@writers
def test_links_stay_links(tmp_path, write):
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "target"
    (tmp_path / "second").symlink_to("folder/target")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    write(tmp_path / "first")  # leads nowhere yet
    assert target.is_file()
    target.chmod(0o600)
    write(tmp_path / "first")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert (tmp_path / "first").is_symlink() and (tmp_path / "second").is_symlink()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop") as caught:
        write(tmp_path / "loop")
    assert caught.value.errno == errno.ELOOP


def test_another_hard_link_keeps_the_old_content(tmp_path):
    (tmp_path / "one").write_text("old")
    os.link(tmp_path / "one", tmp_path / "two")
    write_idx(tmp_path / "one", ARRAY)
    assert (tmp_path / "two").read_text() == "old"
    np.testing.assert_array_equal(read_idx(tmp_path / "one"), ARRAY)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="Linux")
@writers
def test_an_open_file_of_a_process_is_not_replaced_behind_its_back(tmp_path, write):
    with open(tmp_path / "out", "w") as file:  # what /dev/stdout is after "> out"
        for path in (f"/proc/self/fd/{file.fileno()}", f"/dev/fd/{file.fileno()}"):
            with pytest.raises(OSError, match="an open file of a process"):
                write(path)
        assert os.fstat(file.fileno()).st_nlink == 1
