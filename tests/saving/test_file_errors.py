"""Errors of files name what the user named, and no write leaves half a file."""

import os
import signal
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.data import read_idx, write_idx
from scratchcnn.files import replacing
from support.file_kinds import ARRAY, make_fifo, writers
from support.processes import ROOT
from support.small_networks import small_network

pytestmark = pytest.mark.skipif(os.name != "posix", reason="FIFOs, devices, modes and links of POSIX systems")


@writers
def test_errors_name_the_folder_or_the_file_and_not_a_temporary_one(tmp_path, write):
    (tmp_path / "file").write_text("")
    for path, kind, named in (
        (tmp_path / "nowhere" / "a", FileNotFoundError, "nowhere'"),
        (tmp_path / "file" / "a", NotADirectoryError, "file"),
        (f"{tmp_path}/new/", IsADirectoryError, "new/'"),
        (tmp_path / ("x" * 300), OSError, "too long: .*xxx"),
        ("", (OSError, ValueError), """''|got \"\""""),
    ):
        with pytest.raises(kind, match=named) as caught:
            write(path)
        assert "tmp'" not in str(caught.value) and ".scratchcnn" not in str(caught.value)
    assert os.listdir(tmp_path) == ["file"]


@writers
def test_a_name_as_long_as_the_system_allows_can_be_written(tmp_path, write):
    write(tmp_path / ("x" * 255))
    assert os.listdir(tmp_path) == ["x" * 255]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@writers
def test_a_read_only_folder_is_named(tmp_path, write):
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError, match="cannot write a file in this folder"):
        write(tmp_path / "a")


def run(code, path):
    """Run some code on a path in a process of its own."""
    start = f"""
import os, resource, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from scratchcnn import files
path = {str(path)!r}
"""
    return subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, timeout=60)


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    code = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with files.replacing(path) as file:
    file.write(bytes(10_000))
"""
    assert f"OSError: [Errno 27] File too large: {str(path)!r}" in run(code, path).stderr
    assert os.listdir(tmp_path) == ["file"] and path.read_text() == "old"


def test_what_a_killed_write_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path):
    code = """
with files.replacing(path) as file:
    file.write(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(code, tmp_path / "model").returncode == -signal.SIGKILL
    (left,) = os.listdir(tmp_path)
    others = [".scratchcnn-0123.tmp", ".model.12345678.tmp", ".other.tmp", f"{left}.keep"]
    for name in others:  # not of our making, or not surely
        (tmp_path / name).write_text("")
    with replacing(tmp_path / "model") as file:
        file.write(b"slow")
        (unfinished,) = set(os.listdir(tmp_path)) - set(others)
        assert unfinished != left, "the remains of the killed one are gone"
        write_idx(tmp_path / "other", ARRAY)
        assert (tmp_path / unfinished).exists()
    assert (tmp_path / "model").read_bytes() == b"slow"
    assert set(os.listdir(tmp_path)) == {"model", "other", *others}


def test_many_writers_at_once_leave_one_whole_file(tmp_path):
    def write(number):
        for _ in range(10):
            write_idx(tmp_path / "file", np.full(1000 + number, number, np.uint8))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    array = read_idx(tmp_path / "file")
    assert len(array) == 1000 + int(array[0]) and (array == array[0]).all()
    assert os.listdir(tmp_path) == ["file"]


def test_a_table_of_epochs_is_not_written_to_a_fifo_which_would_block_for_ever(tmp_path):
    make_fifo(tmp_path / "history.csv")
    model = small_network()
    model.compile(sc.SGD(1e-3))
    images, labels = np.zeros((4, 28, 28), np.uint8), np.zeros(4, int)
    with sc.ops.using("reference"), pytest.raises(OSError, match="FIFO"):
        model.fit(images, labels, callbacks=[sc.callbacks.CSVLogger(tmp_path / "history.csv")], verbose=0)
    assert stat.S_ISFIFO(os.stat(tmp_path / "history.csv").st_mode)
