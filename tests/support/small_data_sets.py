"""Data sets of a few images in the form of the real ones, and a server on this machine that plays all their mirrors.

As a program it loads one of them and prints the sum of what it got: what the tests run in several processes at once.

    python small_data_sets.py NAME MIRROR...
"""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from scratchcnn.data.idx import content_sha256
from scratchcnn.data.sources import SOURCES, DataSet, IdxFile, ZipArchive

TRAIN, TEST, CLASSES = 40, 20, 10
PAGE = b"<!DOCTYPE html><html><body>This data set has moved.</body></html>"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def arrays_of(name: str, first_label: int = 0) -> list[np.ndarray]:
    """Return training images, training labels, test images and test labels, others for each name."""
    rng = np.random.default_rng(list(name.encode()))
    arrays = []
    for count in (TRAIN, TEST):
        arrays.append(rng.integers(0, 256, (count, 28, 28), np.uint8))
        arrays.append(rng.permutation(np.arange(count) % CLASSES + first_label).astype(np.uint8))
    return arrays


def packed(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 0x0C if array.dtype == np.int32 else 0x08, array.ndim])
    content = header + np.array(array.shape, ">u4").tobytes() + array.astype(array.dtype.newbyteorder(">")).tobytes()
    return gzip.compress(content, mtime=0)


def make(name: str, mirrors: list[str], known_content: bool = True) -> tuple[DataSet, dict[str, bytes]]:
    """Return a small data set and its files, by the names of the real one."""
    real = SOURCES[name]
    arrays = arrays_of(name, real.first_label)
    if real.files[1].dtype == "int32":  # QMNIST's labels: the class, and seven numbers more
        for position in (1, 3):
            rest = np.full((len(arrays[position]), 7), 123_456)
            arrays[position] = np.column_stack([arrays[position], rest]).astype(np.int32)
    contents = {file.name: packed(array) for file, array in zip(real.files, arrays, strict=True)}
    archive = None
    if real.archive is not None:
        known_content = False
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as zipped:
            for file_name, content in contents.items():
                zipped.writestr(zipfile.ZipInfo(f"gzip/{file_name}"), content)
        archive = ZipArchive(real.archive.name, sha256(buffer.getvalue()), 1_000_000)
    files = tuple(
        IdxFile(
            file.name,
            array.shape,
            "" if archive else sha256(contents[file.name]),
            content_sha256(array) if known_content else "",
            file.dtype,
        )
        for file, array in zip(real.files, arrays, strict=True)
    )
    data_set = DataSet(files, tuple(mirrors), real.folders, CLASSES, archive, real.first_label, real.transposed)
    if archive is not None:
        contents[archive.name] = buffer.getvalue()
    return data_set, contents


class Mirrors:
    """A server; ``url("html")`` is a mirror that serves web pages, and so on. ``requests`` lists what was asked for."""

    def __init__(self, contents: dict[str, bytes], wrong: dict[str, bytes]) -> None:
        self.contents = contents
        self.wrong = wrong
        self.requests: list[str] = []
        self.closing = threading.Event()
        mirrors = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _, behaviour, name = self.path.split("/")
                mirrors.requests.append(f"{behaviour}/{name}")
                try:
                    getattr(mirrors, f"_{behaviour}")(self, name)
                except OSError:
                    pass  # the client has hung up

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def url(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{behaviour}/"

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler, content: bytes, **headers: object) -> None:
        handler.send_response(200)
        for key, value in {"Content_Length": len(content), **headers}.items():
            handler.send_header(key.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(content)

    def _good(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        self._answer(handler, self.contents[name])

    def _wrong(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        self._answer(handler, self.wrong[name])

    def _html(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        self._answer(handler, PAGE, Content_Type="text/html")

    def _gone(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        handler.send_error(404)

    def _unpacked(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        self._answer(handler, self.contents[name], Content_Encoding="gzip")  # the client will unpack it

    def _short(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        self._answer(handler, self.contents[name][:-100], Content_Length=len(self.contents[name]))

    def _damaged(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        content = bytearray(self.contents[name])
        content[len(content) // 2] ^= 1
        self._answer(handler, bytes(content))

    def _endless(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not self.closing.is_set():
            handler.wfile.write(bytes(1 << 16))

    def _silent(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        self.closing.wait(60)

    def _trickle(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not self.closing.wait(0.02):
            handler.wfile.write(b"\0")
            handler.wfile.flush()

    def _stalling(self, handler: BaseHTTPRequestHandler, name: str) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(self.contents[name])))
        handler.end_headers()
        handler.wfile.write(self.contents[name][:-10])
        handler.wfile.flush()
        self.closing.wait(60)


def sum_of(loaded: object) -> str:
    (x_train, y_train), (x_test, y_test) = loaded  # type: ignore[misc]
    return sha256(b"".join(array.tobytes() for array in (x_train, y_train, x_test, y_test)))


def main() -> None:
    from scratchcnn.data import load_data

    name, *mirrors = sys.argv[1:]
    SOURCES[name], _ = make(name, mirrors)
    print("ready", flush=True)
    started = time.perf_counter()
    print(sum_of(load_data(name)), f"{time.perf_counter() - started:.2f} s", flush=True)


if __name__ == "__main__":
    main()
