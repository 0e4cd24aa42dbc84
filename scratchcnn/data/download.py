"""One attempt to get one file from one address, that ends.

pooch and requests do the work, in a thread of its own, because no timeout of theirs covers the look-up of a name, the
sum over a host's many addresses, or a server that sends a byte every few seconds. The caller's thread only listens: as
long as data keeps arriving the download may take its time; when nothing has been heard for ``patience`` seconds the
thread is left behind, and whatever it still receives is dropped.
"""

from __future__ import annotations

import threading
import time
from typing import Any, BinaryIO

from tqdm import tqdm

from ..checks.messages import shorten

_CHUNK = 1 << 14  # bytes that have to arrive within the patience; also how often the progress bar moves


class DownloadError(OSError):
    """The address did not deliver; the message says why, in a few words."""


class _Sink:
    """The file a download is written to; notes when data was last heard of, and stops what must not go on."""

    def __init__(self, file: BinaryIO, most_bytes: int) -> None:
        self.file = file
        self.most_bytes = most_bytes
        self.size = 0
        self.heard = time.monotonic()
        self.abandoned = False

    def write(self, chunk: bytes) -> None:
        if self.abandoned:
            raise DownloadError("abandoned")
        self.heard = time.monotonic()
        self.size += len(chunk)
        if self.size > self.most_bytes:
            raise DownloadError(f"sends more than {self.most_bytes} bytes, too many for this file")
        self.file.write(chunk)

    def flush(self) -> None:
        """Needed by pooch; the file is read by this process only."""


def download(url: str, file: BinaryIO, most_bytes: int, patience: float) -> None:
    """Write what ``url`` serves into ``file``, with a progress bar where standard error is a terminal.

    Parameters
    ----------
    url : str
        An http or https address.
    file : binary file
        Where the bytes go. After an error it holds a part of them.
    most_bytes : int
        A longer answer is not read to its end.
    patience : float
        Seconds to wait for the next 16 KB before giving up.

    Raises
    ------
    DownloadError
        Whatever went wrong.
    """
    import pooch  # here, because it takes a tenth of a second and most programs find their data in a folder

    sink = _Sink(file, most_bytes)
    responses: list[Any] = []
    failures: list[Exception] = []
    # The total becomes the true one when the answer arrives; until then it must not be 0, where a bar counts as false.
    label = url.rsplit("/", 1)[-1]
    with tqdm(total=most_bytes, desc=label, unit="B", unit_scale=True, disable=None, leave=False) as bar:
        fetch = pooch.HTTPDownloader(
            progressbar=bar,
            chunk_size=_CHUNK,
            timeout=4 * patience,  # ends the thread that was left behind; the caller has long gone on
            headers={"Accept-Encoding": "identity"},  # the archive as it is, not packed once more for the journey
            hooks={"response": lambda response, **_: responses.append(response)},
        )
        worker = threading.Thread(target=_work, args=(fetch, url, sink, responses, failures), daemon=True)
        worker.start()
        try:
            while worker.is_alive():
                left = sink.heard + patience - time.monotonic()
                if left <= 0:
                    raise DownloadError(f"nothing heard for {patience:.3g} s ({sink.size} bytes had arrived)")
                worker.join(left)
        finally:
            sink.abandoned = True
    if failures:
        raise DownloadError(_in_short(failures[0])) from failures[0]


def _work(fetch: Any, url: str, sink: _Sink, responses: list[Any], failures: list[Exception]) -> None:
    try:
        fetch(url, sink, None)
    except Exception as error:  # all of them mean the same: try the next mirror
        failures.append(error)
    finally:
        for response in responses:
            response.close()  # pooch leaves the connection of a failed download open


def _in_short(error: BaseException) -> str:
    """Return the innermost cause: requests wraps "connection refused" in three layers of prose."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return shorten(str(error)) or type(error).__name__
