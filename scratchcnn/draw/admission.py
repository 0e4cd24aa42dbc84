"""Who is answered: a browser on this machine that was given the address, and the page that it came for.

Any page in a browser can send requests to 127.0.0.1, and any program on the machine can connect. Three things keep
them out. The address holds a random token, which neither can guess. The header Host has to name this machine: with a
name of somebody else's that was made to point here (DNS rebinding), it does not. And the headers in which a browser
says which page sent a request, Origin and Sec-Fetch-Site, have to name no other page.
"""

from __future__ import annotations

import hmac
import secrets
from email.message import Message

NAMES = ("127.0.0.1", "localhost")
TOKEN_BYTES = 24  # 192 random bits
OWN = ("same-origin", "none")  # "none": typed, or opened from the terminal


def new_token() -> str:
    """Return a token that goes into an address.

    Examples
    --------
    >>> len(new_token()), new_token() == new_token()
    (32, False)
    """
    return secrets.token_urlsafe(TOKEN_BYTES)


def is_the_token(given: str, token: str) -> bool:
    """Return whether two tokens are equal, in a time that does not tell how far they are.

    Examples
    --------
    >>> is_the_token("abc", "abc"), is_the_token("abd", "abc"), is_the_token("café", "abc")
    (True, False, False)
    """
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def comes_from_here(headers: Message, port: int) -> bool:
    """Return whether the headers of a request say that it was sent to this server, and by its own page or by a person.

    Parameters
    ----------
    headers : Message
        Of the request.
    port : int
        Of the server.

    Examples
    --------
    >>> headers = Message()
    >>> headers["Host"] = "127.0.0.1:8000"
    >>> comes_from_here(headers, 8000)
    True
    >>> headers["Origin"] = "https://example.org"
    >>> comes_from_here(headers, 8000)
    False
    """
    hosts = {f"{name}:{port}" for name in NAMES} | (set(NAMES) if port == 80 else set())
    host = headers.get_all("Host", [])
    origin = headers.get_all("Origin", [])
    site = headers.get_all("Sec-Fetch-Site", [])
    return (
        len(host) == 1
        and host[0] in hosts
        and all(value == f"http://{host[0]}" for value in origin)
        and all(value in OWN for value in site)
    )
