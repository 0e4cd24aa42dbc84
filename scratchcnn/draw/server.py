"""The server of the page: on this machine alone, and for as long as the terminal wants it."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import Any

import numpy as np

from .. import ops
from ..checks.inputs import as_integer
from ..checks.messages import reason, say
from ..checks.settings import yes_or_no
from ..concurrency.interrupts import heeded
from ..network.network import Network
from .admission import new_token
from .answers import Answers
from .canvas import SIDE
from .connections import SECONDS, ConnectionServer
from .handler import Handler


class DrawServer(ConnectionServer):
    """The page of one model, at an address that only those know who were told.

    Parameters
    ----------
    model : Sequential
    port : int, default 0
        0 for any free port.
    seconds : float
        How long a connection may wait, and a request may take to come.

    Attributes
    ----------
    token : str
        The secret part of the address.
    address : str
        What to open in a browser.

    Raises
    ------
    ValueError
        If the page cannot show the model.
    OSError
        If the port is in use, or not to be had by everyone.
    """

    def __init__(self, model: Network, port: int = 0, seconds: float = SECONDS) -> None:
        self.answers = Answers(model)
        self.token = new_token()
        try:
            super().__init__(Handler, _as_port(port), seconds)
        except OSError as error:
            raise type(error)(
                f"cannot listen on port {port}: {reason(error)}; port 0, the default, takes one that is free"
            ) from None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.token}/"


def serve(model: Any = None, port: int = 0, open_browser: bool = True) -> None:
    """Open a page to draw on, and show what a network makes of the drawing until Ctrl-C.

    Parameters
    ----------
    model : Sequential, optional
        One that takes images (H, W, 1) and answers with probabilities of classes; without it, the digit reader that
        comes with the package.
    port : int, default 0
        Where to listen on 127.0.0.1; 0 for any free port.
    open_browser : bool, default True
        Whether to open the page in the browser of this machine, if it has one. The address is printed either way.

    Raises
    ------
    ValueError
        If the page cannot show the model.
    OSError
        If the port cannot be had.

    Notes
    -----
    The page and its server are on this machine alone: nothing comes from or goes to another one, nothing is stored.
    The address holds a secret, which other users of the machine may read in the list of processes while the browser
    opens it; with it they could ask the model, and see nothing of what is drawn.

    Over SSH, forward the port under the same number: ``ssh -L 8000:127.0.0.1:8000``, and ``port=8000`` here.

    Examples
    --------
    ::

        import scratchcnn as sc

        sc.draw.serve(sc.load_model("digits.npz"))
    """
    yes_or_no("open_browser", open_browser)
    if model is None:
        from ..pictures import packaged_model

        model = packaged_model()
    with DrawServer(model, port) as server:
        try:
            if ops.backend() == "jit":
                say("Preparing the network; the first time, its kernels are compiled ...")
            with heeded():
                warm_up(server.answers)
            say(f"Draw on {server.address}\nCtrl-C ends it.")
            if open_browser:
                open_page(server.address)
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            say("\nThe page is closed.")


def warm_up(answers: Answers) -> None:
    """Let everything be computed once: the first time, kernels are compiled or loaded."""
    ops.compile_ahead(answers.view.see, np.zeros(answers.shape, np.uint8))
    answers.question("POST", "drawing").answer("", (np.eye(SIDE, dtype=np.uint8) * 255).tobytes())


def open_page(address: str) -> None:
    """Open a page in a graphical browser; without one, nothing happens: a text browser would take the terminal."""
    if sys.platform.startswith("linux") and not {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"} & set(os.environ):
        return
    try:
        webbrowser.open(address)
    except webbrowser.Error:
        pass  # the address was printed


def _as_port(port: Any) -> int:
    number = as_integer("port", port, 0)
    if number > 65535:
        raise ValueError(f"port must be at most 65535, got {number}")
    return number
