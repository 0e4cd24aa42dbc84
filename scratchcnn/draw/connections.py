"""Connections and their threads: few enough, none for longer than it should take, and none left at the end.

A thread serves each connection, which a browser keeps for several requests. One that is slow, by accident or on
purpose, holds only its own thread, and is closed when its time is over: a timeout of the socket alone would let a
client go on that sends a byte now and then (slowloris).
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

MOST = 48  # connections at a time; a browser opens six
SECONDS = 20.0  # for a request to come, and for its answer to be taken
SECONDS_FOR_THE_REST, BYTES_OF_THE_REST = 1.0, 1 << 20


class ConnectionServer(ThreadingMixIn, TCPServer):
    """A server on 127.0.0.1 that keeps its connections in hand.

    Parameters
    ----------
    handler : class
        What serves a connection.
    port : int
        Where to listen; 0 for any free port.
    seconds : float
        How long a connection may wait for a request, or take for it; see ``expect``.

    Raises
    ------
    OSError
        If the port cannot be had.
    """

    daemon_threads = True
    block_on_close = False  # server_close below waits, and not for ever
    request_queue_size = 128
    allow_reuse_address = os.name != "nt"  # on Windows, others could listen on the same port

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._deadlines: dict[Any, float] = {}
        self._serving: dict[Any, threading.Thread] = {}
        super().__init__(("127.0.0.1", port), handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server_address[1]

    def expect(self, connection: Any) -> None:
        """Give a connection its time anew: for the next request, or for the answer to be taken."""
        with self._lock:
            if connection in self._deadlines:
                self._deadlines[connection] = time.monotonic() + self.seconds

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own; where there are too many, the one that has waited longest goes."""
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._lock:
            if len(self._deadlines) >= MOST:
                oldest = min(self._deadlines, key=self._deadlines.__getitem__)
                self._deadlines[oldest] = float("inf")  # its thread is ending
                _end(oldest)
            self._deadlines[request] = time.monotonic() + self.seconds
            self._serving[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, in its own thread."""
        _take_the_rest(request)
        with self._lock:
            self._deadlines.pop(request, None)
            self._serving.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End the connections whose time is over; ``serve_forever`` calls this several times a second."""
        now = time.monotonic()
        with self._lock:
            for connection in [one for one, deadline in self._deadlines.items() if deadline < now]:
                self._deadlines[connection] = float("inf")
                _end(connection)

    def server_close(self) -> None:
        """Stop listening, end all connections, and wait a moment for their threads."""
        super().server_close()
        with self._lock:
            threads = list(self._serving.values())
            for connection in self._deadlines:
                _end(connection)
        for thread in threads:
            thread.join(2)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that broke: browsers break them whenever they like."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _take_the_rest(connection: socket.socket) -> None:
    """Read what a refused client is still sending, within bounds: closed at once, it might not see the answer."""
    ending, left = time.monotonic() + SECONDS_FOR_THE_REST, BYTES_OF_THE_REST
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(SECONDS_FOR_THE_REST)
        while left > 0 and time.monotonic() < ending and (part := connection.recv(1 << 16)):
            left -= len(part)


def _end(connection: socket.socket) -> None:
    """Make a thread that reads from a connection, or writes to it, come to its end."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
