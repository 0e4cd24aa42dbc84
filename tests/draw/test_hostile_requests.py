"""No input crashes the server, holds it up, or gets out of it what it should not."""

import json
import random
import re
import socket
import threading
import time

import pytest

from scratchcnn.draw.answers import SIDE
from scratchcnn.draw.connections import MOST
from support.pages import asked, request, running, sent, small_reader, status

INK = bytes(SIDE * 100) + bytes([255]) * (SIDE * 80) + bytes(SIDE * 100)


@pytest.fixture
def server(reference):
    with running() as server:
        yield server
        assert server.errors == []


def still_answers(server):
    seen = asked(server, "POST", "drawing", INK)
    assert len(seen["probabilities"]) == 10
    return True


NUMBERS = ["0", "1", "9", "10", "999999", "-1", "1e9", "NaN", "0x1", "", "٣", "1&class=2", "%31", "1;2", "9" * 400]
HEADERS = ["Host", "Origin", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Expect", "Range"]
VALUES = ["", "0", "-1", "+1", "1, 1", "99999999999", "chunked", "gzip, chunked", "100-continue", "close", "x" * 3000]
VALUES += ["null", "localhost", "127.0.0.1", "\x00", "é", "application/json", "bytes=0-", "keep-alive, Upgrade"]
PATHS = ["../setup.cfg", "..%2f..%2fetc/passwd", "....//", "page.html", "assets/page.css", "%00", "//", "\\", "model/"]
PATHS += ["model?" + "a=1&" * 200, "digit?class[]=1", "page.css?x", "part?layer=0&layer=1", "x" * 5000, "é", "?", "#"]
BODIES = [
    b"",
    b"[" * 70_000,
    b'{"a":' * 10_000,
    b"NaN",
    b'{"x": 1e999}',
    bytes(784),
    INK,
    INK + b"0",
    b"\xff" * 200_000,
]


def malformed(server, chance):
    """Return a request that is wrong somewhere."""
    method = chance.choice(["GET", "POST", "HEAD"])
    name = chance.choice(["", "model", "digit", "drawing", "image", "part", "page.js", *PATHS])
    if chance.random() < 0.4:
        name += f"?{chance.choice(['class', 'layer', 'row', 'channel', 'input', 'x'])}={chance.choice(NUMBERS)}"
    headers = {chance.choice(HEADERS): chance.choice(VALUES) for _ in range(chance.randrange(3))}
    try:
        data = request(server, method, name, chance.choice(BODIES), **headers)
    except UnicodeEncodeError:
        data = request(server, method, "model?class=" + "\xd9\xa3")
    kind = chance.randrange(12)
    if kind == 0:
        return chance.randbytes(chance.randrange(2000))
    if kind == 1:
        return data[: chance.randrange(len(data))]
    if kind == 2:
        changed = bytearray(data)
        for _ in range(chance.randrange(1, 6)):
            changed[chance.randrange(min(len(changed), 250))] = chance.randrange(256)
        return bytes(changed)
    if kind == 3:  # other protocols, and older ones
        first = [
            f"GET /{server.token}/",
            "GET /",
            "GET / HTTP/0.9",
            "GET / HTTP/2.0",
            "PRI * HTTP/2.0",
            "GET  / HTTP/1.1",
        ]
        first += ["\x16\x03\x01\x02", f"GET http://127.0.0.1:{server.port}/{server.token}/ HTTP/1.1", "\r\n\r\nGET"]
        return chance.choice(first).encode("latin-1") + b"\r\nHost: x\r\n\r\n"
    if kind == 4:
        return data.replace(b"\r\n\r\n", b"\r\n" + b"X-Many: 1\r\n" * chance.choice([99, 150, 2000]) + b"\r\n", 1)
    if kind == 5:
        return data.replace(
            b"\r\n\r\n", b"\r\nX-Long: " + b"a" * chance.choice([4000, 65_000, 70_000]) + b"\r\n\r\n", 1
        )
    if kind == 6:
        chunks = chance.choice([b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff\r\nx", b"-1\r\n", b"zz\r\n"])
        return request(server, "POST", "image", b"", Content_Length=None, Transfer_Encoding="chunked") + chunks
    if kind == 7:  # one after the other on a connection
        return request(server, "GET", "model") * chance.randrange(2, 5) + data + request(server, token="x") + data
    if kind == 8:
        return data.replace(b"\r\n", chance.choice([b"\n", b"\r", b"\r\n ", b"\r\n\r\n", b"\x00\r\n"]))
    return data


def test_2000_malformed_requests_leave_it_answering(server, capfd):
    chance = random.Random(2000)
    before = threading.active_count()
    for _ in range(2000):
        data = malformed(server, chance)
        answer = sent(server, data)
        assert answer == b"" or status(answer) in {200, 308, *range(400, 432), 501, 505}, (data[:300], answer[:300])
        assert b"Traceback" not in answer and b"[metadata]" not in answer and b"root:" not in answer
    assert still_answers(server) and server.errors == []
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "name", ["../draw/server.py", "..%2fserver.py", "assets/page.html", "page.html", "/etc/passwd", "__init__.py", "."]
)
def test_a_path_leads_nowhere(server, name):
    assert status(sent(server, request(server, "GET", name))) in (403, 404)


@pytest.mark.parametrize(
    "headers, expected",
    [
        ({"Content_Length": "99999999"}, 413),
        ({"Content_Length": "999999999999999999999"}, 400),
        ({"Content_Length": "-1"}, 400),
        ({"Content_Length": "5\r\nContent-Length: 6"}, 400),
        ({"Content_Length": "783"}, 422),
        ({"Content_Length": None, "Transfer_Encoding": "chunked"}, 400),
        ({"Transfer_Encoding": "identity"}, 400),
        ({"Expect": "100-continue"}, 417),
    ],
)
def test_a_body_of_another_length_is_not_read(server, headers, expected):
    answer = sent(server, request(server, "POST", "image", b"", **headers))
    assert status(answer) == expected and answer.count(b"HTTP/1.1") == 1 and b"Connection: close" in answer


def test_a_body_is_never_taken_for_a_request(server):
    smuggled = request(server, "GET", "model")
    answer = sent(server, request(server, "GET", "model", smuggled, Content_Length=str(len(smuggled))))
    assert answer.count(b"HTTP/1.1") == 1 and status(answer) == 413


def test_requests_that_follow_one_another_are_answered_in_their_order(server):
    answer = sent(server, request(server, "GET", "digit?class=7") * 2 + request(server, "GET", "nothing"))
    assert re.findall(rb"HTTP/1\.1 ([0-9]{3})", answer) == [b"200", b"200", b"404"]


def test_slow_clients_are_closed_and_keep_nobody_waiting(reference):
    with running(seconds=0.6) as server:
        slow = [socket.create_connection(("127.0.0.1", server.port), 5) for _ in range(MOST + 20)]
        started = time.monotonic()
        try:
            assert still_answers(server)
            assert time.monotonic() - started < 0.6  # while all of them were open
            with pytest.raises(OSError):
                while time.monotonic() < started + 5:
                    slow[-1].sendall(b"G")  # a byte now and then
                    time.sleep(0.1)
            assert time.monotonic() - started < 3
        finally:
            for connection in slow:
                connection.close()


def test_a_client_that_does_not_take_its_answer_ends_too(reference):
    with running(seconds=0.3) as server:
        with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
            connection.sendall(request(server, "GET", "page.js") * 400)
            time.sleep(1.2)
            assert not server._serving


def test_nothing_is_left_when_it_is_closed(reference):
    before = threading.active_count()
    with running() as server:
        idle = [socket.create_connection(("127.0.0.1", server.port), 5) for _ in range(5)]
        assert still_answers(server) and threading.active_count() > before
    assert threading.active_count() == before
    for connection in idle:
        connection.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), 1)


def test_numbers_that_are_none_are_still_json(reference):
    model = small_reader()
    model.parameters[...] = float("nan")
    with running(model) as server:
        seen = asked(server, "POST", "drawing", INK)
        assert seen["probabilities"] == [None] * 10
        part = asked(server, "POST", "part?layer=1&row=3&column=3&channel=1", bytes(784))
        assert part["value"] is None
        json.dumps(part, allow_nan=False)
