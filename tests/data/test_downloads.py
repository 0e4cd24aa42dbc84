"""Downloads: bad mirrors are passed over, silence ends, and a damaged cache is fetched again."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest

from scratchcnn import data
from scratchcnn.data import cache, load_data
from scratchcnn.data.sources import SOURCES
from support import small_data_sets
from support.data_sets import IMAGES, NAMES, assert_is, failure, put
from support.small_data_sets import make

pytestmark = pytest.mark.usefixtures("surroundings")


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
    with pytest.warns(RuntimeWarning, match="there is no folder"):
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
