"""A page's server in a thread, and a client that sends what no browser would."""

import contextlib
import json
import re
import socket
import threading

import scratchcnn as sc
from scratchcnn.draw.server import DrawServer


def small_reader(**options):
    """Return an untrained network for digits with a layer of most kinds."""
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(3, 3, strides=2, padding="same"), sc.BatchNorm(), sc.ReLU()]
    layers += [sc.MaxPool2D(2), sc.Conv2D(4, 3), sc.AveragePool2D(2), sc.Flatten(), sc.Dropout(0.5), sc.Dense(10)]
    return sc.Sequential(layers, input_shape=(28, 28, 1), **options)


class ObservedServer(DrawServer):
    """A server that remembers what went wrong inside."""

    def __init__(self, *arguments, **options):
        self.errors = []
        super().__init__(*arguments, **options)

    def handle_error(self, request, client_address):
        self.errors.append(client_address)
        super().handle_error(request, client_address)


@contextlib.contextmanager
def running(model=None, **options):
    """Yield the server of a model's page while it runs."""
    with ObservedServer(small_reader() if model is None else model, **options) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def request(server, method="GET", name="model", body=b"", token=None, **headers):
    """Return a request as bytes, in order but for what is given; a header that is None is left out."""
    given = {"Host": f"127.0.0.1:{server.port}"}
    if method == "POST":
        given |= {"Content-Type": "application/octet-stream", "Content-Length": str(len(body))}
    given |= {key.replace("_", "-"): value for key, value in headers.items()}
    lines = [f"{method} /{server.token if token is None else token}/{name} HTTP/1.1"]
    lines += [f"{key}: {value}" for key, value in given.items() if value is not None]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def sent(server, data, seconds=5.0):
    """Send bytes, say that there are no more, and return what comes back; nothing if the server breaks it off."""
    with socket.create_connection(("127.0.0.1", server.port), seconds) as connection:
        answer = b""
        with contextlib.suppress(OSError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(1 << 16):
                answer += part
    return answer


def status(answer):
    """Return the status of a response, None where there is none."""
    found = re.match(rb"HTTP/1\.1 ([0-9]{3}) ", answer)
    return int(found[1]) if found else None


def asked(server, *arguments, **options):
    """Return the JSON that a request is answered with."""
    answer = sent(server, request(server, *arguments, **options))
    _, _, body = answer.partition(b"\r\n\r\n")
    assert status(answer) == 200, answer[:500]
    return json.loads(body)
