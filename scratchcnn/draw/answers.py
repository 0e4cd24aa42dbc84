"""What can be asked of the server, and what it answers: the page, and what the network makes of a drawing.

    GET                                 the page, and the files that belong to it, by name
    GET   model                         the network: its layers, and what to call them
    GET   digit?class=7                 an image of the test set of that class, or without ``class`` of any
    POST  drawing?class=7               a drawing, SIDE x SIDE bytes from 0, paper, to 255, ink: what the network gets
                                        of it, and all that it makes of that; the evidence is for the class asked for,
                                        or without ``class`` for the one that wins
    POST  image?class=7                 the same for an image (H, W) that is the network's input already
    POST  part?layer=3&row=5&...        for an image (H, W): how one number in the output of one layer came about

Answers are JSON; arrays in them are bytes in base64 (``packing.py``). The server keeps nothing of what it is asked.

Letters: H W height and width of the network's input.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from importlib import resources
from typing import Any, NamedTuple

import numpy as np

from ..network.network import Network
from .canvas import SIDE, prepared
from .network_view import NetworkView
from .packing import packed_bytes
from .parts import part
from .starting_digits import StartingDigits

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
QUERY = re.compile("(?:[a-z]{1,10}=[0-9]{1,6}(?:&[a-z]{1,10}=[0-9]{1,6}){0,5})?")
Query = dict[str, int]


class Answer(NamedTuple):
    """The body of a response, and its type."""

    kind: str
    body: bytes


def text(line: str) -> Answer:
    """Return a line as an answer."""
    return Answer("text/plain; charset=utf-8", f"{line}\n".encode())


class Refused(Exception):
    """A request that is answered with another status than 200."""

    def __init__(self, status: HTTPStatus, line: str = "") -> None:
        super().__init__(line or status.phrase)
        self.status, self.answer = status, text(line or status.phrase)


class Question(NamedTuple):
    """Something that can be asked: how long its body is, and the function of query and body that answers."""

    body_length: int
    answer: Callable[[str, bytes], Answer]


class Answers:
    """All that the page of one model can ask.

    Parameters
    ----------
    model : Sequential
        It takes images (H, W, 1) and answers with probabilities of classes; see ``NetworkView``.
    """

    def __init__(self, model: Network) -> None:
        self.view = NetworkView(model)
        self.digits = StartingDigits(self.view)
        self.shape = height, width = model.input_shape[0], model.input_shape[1]
        self._questions = {
            ("GET", "model"): Question(0, self._asked(self._model)),
            ("GET", "digit"): Question(0, self._asked(self._digit, "class")),
            ("POST", "drawing"): Question(SIDE * SIDE, self._asked(self._drawing, "class")),
            ("POST", "image"): Question(height * width, self._asked(self._image, "class")),
            ("POST", "part"): Question(
                height * width, self._asked(self._part, "layer", "row", "column", "channel", "input")
            ),
            **{("GET", name): Question(0, _file(answer)) for name, answer in _assets().items()},
        }

    def question(self, method: str, name: str) -> Question:
        """Return what a method and a name ask for; names are looked up in a list, and are no paths of files."""
        if method not in ("GET", "HEAD", "POST"):
            raise Refused(HTTPStatus.NOT_IMPLEMENTED)
        method = "GET" if method == "HEAD" else method
        if (method, name) in self._questions:
            return self._questions[method, name]
        elsewhere = ({"GET", "POST"} - {method}).pop(), name
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED if elsewhere in self._questions else HTTPStatus.NOT_FOUND)

    def _asked(self, function: Callable[[Query, bytes], dict[str, Any]], *names: str) -> Callable[[str, bytes], Answer]:
        """Return a function that reads the numbers in a query, of which each has one of the names, and answers."""

        def answer(query: str, body: bytes) -> Answer:
            pairs = [pair.split("=") for pair in query.split("&")] if QUERY.fullmatch(query) and query else []
            numbers = {name: int(number) for name, number in pairs}
            if len(numbers) != len(query.split("&") if query else []) or not numbers.keys() <= set(names):
                raise Refused(HTTPStatus.BAD_REQUEST, f"expected numbers called {', '.join(names) or 'nothing'}")
            if numbers.get("class", 0) >= self.view.classes:
                raise Refused(HTTPStatus.BAD_REQUEST, f"the model has {self.view.classes} classes")
            return Answer("application/json", json.dumps(function(numbers, body), allow_nan=False).encode())

        return answer

    def _model(self, query: Query, body: bytes) -> dict[str, Any]:
        return {**self.view.description(), "side": SIDE, "digits": self.digits.available}

    def _digit(self, query: Query, body: bytes) -> dict[str, Any]:
        if not self.digits.available:
            raise Refused(HTTPStatus.NOT_FOUND, "no test digits for this model")
        number, image, label = self.digits.draw(query.get("class"))
        return {"number": number, "label": label, "image": packed_bytes(image)}

    def _drawing(self, query: Query, body: bytes) -> dict[str, Any]:
        start = time.perf_counter()
        image = prepared(np.frombuffer(body, np.uint8).reshape(SIDE, SIDE), self.shape)
        return {"image": None} if image is None else self._seen(image, query, start)

    def _image(self, query: Query, body: bytes) -> dict[str, Any]:
        return self._seen(self._as_image(body), query, time.perf_counter())

    def _seen(self, image: np.ndarray, query: Query, start: float) -> dict[str, Any]:
        seen = self.view.see(image, query.get("class"))
        return {**seen, "image": packed_bytes(image), "milliseconds": 1000 * (time.perf_counter() - start)}

    def _part(self, query: Query, body: bytes) -> dict[str, Any]:
        layer, *place = (query.get(name, 0) for name in ("layer", "row", "column", "channel"))
        try:
            return part(self.view, self._as_image(body), layer, (place[0], place[1], place[2]), query.get("input"))
        except IndexError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from None

    def _as_image(self, body: bytes) -> np.ndarray:
        return np.frombuffer(body, np.uint8).reshape(self.shape)


def _assets() -> dict[str, Answer]:
    """Return the page and its files, by the names in the address; the page itself has the name ""."""
    files = {file.name: file for file in (resources.files(__package__) / "assets").iterdir()}
    known = {name: Answer(KINDS["." + name.rpartition(".")[2]], file.read_bytes()) for name, file in files.items()}
    known[""] = known.pop("page.html")
    return known


def _file(answer: Answer) -> Callable[[str, bytes], Answer]:
    return lambda query, body: answer
