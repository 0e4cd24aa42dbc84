"""The page answers nothing to another origin, another host name or without its token."""

import re

import pytest

from scratchcnn.draw.answers import SIDE
from support.pages import request, running, sent, status


@pytest.fixture(scope="module")
def server():
    with running() as server:
        yield server


OWN = ("", "model", "page.js", "page.css", "digit?class=3")


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_page_and_what_belongs_to_it_are_answered(server, name, host):
    answer = sent(server, request(server, "GET", name, Host=f"{host}:{server.port}", Sec_Fetch_Site="same-origin"))
    assert status(answer) == 200


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": None},
        {"Host": "example.org"},
        {"Host": "example.org:{port}"},  # a name that was made to point here
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:{other}"},
        {"Host": "127.0.0.1.example.org:{port}"},
        {"Host": "[::1]:{port}"},
        {"Host": "0.0.0.0:{port}"},
        {"Host": "localhost.:{port}"},
        {"Host": "127.0.0.1:{port}\r\nHost: example.org"},
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:{other}"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://localhost:{port}"},  # another origin than 127.0.0.1, if on the same machine
        {"Origin": "http://127.0.0.1:{port}\r\nOrigin: https://example.org"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"token": ""},
        {"token": "x"},
        {"token": "{token}x"},
        {"token": "{shorter}"},
        {"token": "%2e"},
        {"token": "{token}/.."},
    ],
)
def test_others_get_nothing(server, name, headers):
    words = {"port": server.port, "other": server.port + 1, "token": server.token, "shorter": server.token[:-1]}
    filled = {key: value if value is None else value.format(**words) for key, value in headers.items()}
    answer = sent(server, request(server, "GET", name, **filled))
    assert status(answer) in (403, 404)
    body = answer.partition(b"\r\n\r\n")[2]
    assert len(body) < 100 and server.token.encode() not in answer and b"layers" not in body and b"<" not in body


def test_another_page_cannot_post_a_form(server):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None):
        answer = sent(server, request(server, "POST", "drawing", bytes(SIDE * SIDE), Content_Type=kind))
        assert status(answer) in (400, 415)


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "TRACE", "CONNECT", "PATCH", "get"])
def test_other_methods_are_refused(server, method):
    assert status(sent(server, request(server, method, ""))) in (400, 501)


def test_every_answer_says_what_a_browser_may_do_with_it(server):
    for data in (request(server, "GET", ""), request(server, token="x"), b"nonsense\r\n\r\n"):
        head = sent(server, data).partition(b"\r\n\r\n")[0].decode()
        assert "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self';" in head
        assert "unsafe" not in head and "Access-Control" not in head and "Server:" not in head
        for line in ("X-Content-Type-Options: nosniff", "Referrer-Policy: no-referrer", "Cache-Control: no-store"):
            assert line in head


def test_the_page_asks_nobody_else_and_has_no_code_in_its_markup(server):
    page = sent(server, request(server, "GET", "")).decode()
    files = set(re.findall(r'(?:src|href)="([^"]+)"', page))
    assert files == {"page.css", "theme.js", "page.js", "icon.svg"}
    assert not re.search(r"<style|style=|\son[a-z]+=|<script(?! (type=\"module\" )?src=)", page)
    for name in {*files, "board.js", "layers.js", "maps.js", "part.js"}:
        text = sent(server, request(server, "GET", name)).partition(b"\r\n\r\n")[2].decode()
        assert set(re.findall(r"https?://[^\s\"']+", text)) <= {"http://www.w3.org/2000/svg"}
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", text)


def test_an_address_without_its_last_character_leads_to_the_page(server):
    answer = sent(server, request(server, "GET", "").replace(b"/ HTTP", b" HTTP", 1))
    assert status(answer) == 308 and f"Location: /{server.token}/\r\n".encode() in answer
    assert b"Location" not in sent(server, request(server, "GET", "", token="x").replace(b"/ HTTP", b" HTTP", 1))


def test_two_servers_have_two_tokens(server):
    with running() as other:
        assert other.token != server.token and len(server.token) >= 32
        assert status(sent(other, request(other, token=server.token))) == 403


def test_it_listens_on_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1" and server.address.startswith("http://127.0.0.1:")
