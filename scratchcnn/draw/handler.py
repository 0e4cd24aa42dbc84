"""HTTP: a request is read, admitted or refused, and answered.

``http.server`` reads the first line and the headers. What it would let pass, and nothing here needs, is refused: older
versions of the protocol, bodies in pieces, bodies of a length that no page of ours sends, headers given twice.
"""

from __future__ import annotations

import re
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from ..checks.messages import reason
from .admission import comes_from_here, is_the_token
from .answers import Answer, Refused, text

LONGEST_LINE = 4096
REFUSED = "Refused. Type the address that the terminal shows into the browser."
POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
LINE = re.compile(rb"[A-Z]{1,20} /[!-~]* HTTP/1\.[01]\r?\n")  # visible ASCII, which an address is made of


class Handler(BaseHTTPRequestHandler):
    """One connection, request after request."""

    server: Any  # a DrawServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30.0  # seconds for one read or write; the server ends sooner what is slow

    def handle_one_request(self) -> None:
        """Read a request and answer it; afterwards ``close_connection`` says whether another one may follow."""
        self.close_connection, self.request_version, self.command = True, "HTTP/1.1", ""
        self.server.expect(self.connection)
        try:
            self.raw_requestline = self.rfile.readline(LONGEST_LINE + 1)
            if not self.raw_requestline:
                return
            if len(self.raw_requestline) > LONGEST_LINE:
                return self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            if not LINE.fullmatch(self.raw_requestline):
                return self.send_error(HTTPStatus.BAD_REQUEST)
            if self.parse_request():  # else it has answered
                self._answer()
        except OSError:  # also a timeout
            self.close_connection = True

    def _answer(self) -> None:
        self.close_connection = True  # until the request was read to its end
        try:
            status, answer = HTTPStatus.OK, self._admitted()
        except Refused as refused:
            status, answer = refused.status, refused.answer
        except OSError:
            raise
        except Exception as error:  # a mistake of ours, or of a layer of the user's own
            print(f"scratchcnn.draw: {reason(error)}", file=sys.stderr)
            status, answer = HTTPStatus.INTERNAL_SERVER_ERROR, text(reason(error))
        self.server.expect(self.connection)
        self._send(status, answer)

    def _admitted(self) -> Answer:
        """Return the answer to a request that has its headers in order, comes from here and has the token."""
        body_length = self._body_length()
        token, slash, target = self.path[1:].partition("/")
        if not (comes_from_here(self.headers, self.server.port) and is_the_token(token, self.server.token)):
            raise Refused(HTTPStatus.FORBIDDEN, REFUSED)
        if not slash:  # the page would look for its files in another place
            raise Refused(HTTPStatus.PERMANENT_REDIRECT)
        name, _, query = target.partition("?")
        question = self.server.answers.question(self.command, name)
        if self.command == "POST" and self.headers.get_all("Content-Type") != ["application/octet-stream"]:
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)  # no form of another page can send this
        if body_length != question.body_length:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE
                if body_length > question.body_length
                else HTTPStatus.UNPROCESSABLE_ENTITY,
                f"{name} takes a body of {question.body_length} bytes, got {body_length}",
            )
        body = self.rfile.read(body_length) if body_length else b""
        if len(body) != body_length:
            raise ConnectionError("the client has gone")
        self._keep_open()
        return question.answer(query, body)

    def _body_length(self) -> int:
        if self.headers.defects or "Transfer-Encoding" in self.headers:
            raise Refused(HTTPStatus.BAD_REQUEST)
        lengths = self.headers.get_all("Content-Length", ["0"])
        if len(lengths) != 1 or not re.fullmatch("[0-9]{1,9}", lengths[0]):
            raise Refused(HTTPStatus.BAD_REQUEST)
        return int(lengths[0])

    def _keep_open(self) -> None:
        """Let another request follow if the client wants to: this one was read to its end."""
        connection = self.headers.get("Connection", "").lower()
        self.close_connection = connection == "close" or self.request_version == "HTTP/1.0"

    def _send(self, status: HTTPStatus, answer: Answer) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": answer.kind, "Content-Length": str(len(answer.body)), **POLICY}.items():
            self.send_header(name, value)
        if status is HTTPStatus.PERMANENT_REDIRECT:
            self.send_header("Location", f"/{self.server.token}/")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request, without quoting it; nothing that follows on the connection is read."""
        self.close_connection = True
        self._send(HTTPStatus(code), text(HTTPStatus(code).phrase))

    def handle_expect_100(self) -> bool:
        self.send_error(HTTPStatus.EXPECTATION_FAILED)
        return False

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: the terminal is the user's, and a line would hold the token."""
