"""How many colours the output has: none in a file, in a pipe, or where the user wants none.

In the order in which they count:

    NO_COLOR                     set to anything: none (https://no-color.org)
    FORCE_COLOR=0                none
    FORCE_COLOR, CLICOLOR_FORCE  set to anything else: colours also where the output is no terminal
    TERM=dumb                    none
    no terminal                  none
    COLORTERM, TERM              say whether there are 16 million, 256 or 16
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from ..checks.messages import can_write

NONE, SIXTEEN, MANY, TRUE = 0, 16, 256, 1 << 24  # colours
RESET = "\x1b[0m"
BOLD = "\x1b[1m"


def colours() -> int:
    """Return how many colours standard output shows: 0, 16, 256 or 16,777,216.

    Examples
    --------
    >>> import os
    >>> before = os.environ.get("NO_COLOR")
    >>> os.environ["NO_COLOR"] = "1"
    >>> colours()
    0
    >>> if before is None:
    ...     del os.environ["NO_COLOR"]
    """
    environment = os.environ
    force = environment.get("FORCE_COLOR", "").lower()
    if environment.get("NO_COLOR") or force in ("0", "false") or not can_write(sys.stdout):
        return NONE
    if force or environment.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return {"2": MANY, "3": TRUE}.get(force) or max(SIXTEEN, _of_terminal(environment))
    is_terminal = hasattr(sys.stdout, "isatty") and sys.stdout.isatty()
    return _of_terminal(environment) if is_terminal else NONE


def _of_terminal(environment: Mapping[str, str]) -> int:
    """Return how many colours the terminal has, by what it says of itself."""
    term = environment.get("TERM", "")
    if term == "dumb" or (not term and os.name != "nt"):
        return NONE
    if environment.get("COLORTERM") in ("truecolor", "24bit") or "WT_SESSION" in environment or "direct" in term:
        return TRUE
    if os.name == "nt" and not term:
        return NONE  # an old console, which would show the escape sequences themselves
    return MANY if "256" in term or term.startswith(("xterm-kitty", "xterm-ghostty", "alacritty")) else SIXTEEN


def grey(share: float, count: int) -> str:
    """Return the parameters of the foreground colour between black, 0, and white, 1; of the background, see ``behind``.

    Examples
    --------
    >>> grey(1.0, TRUE), grey(0.5, MANY), grey(0.0, SIXTEEN)
    ('38;2;255;255;255', '38;5;243', '30')
    """
    if count == TRUE:
        level = round(255 * share)
        return f"38;2;{level};{level};{level}"
    if count == MANY:  # 24 greys, and black and white on either side
        step = round(25 * share)
        return f"38;5;{16 if step == 0 else 231 if step == 25 else 231 + step}"
    return ("30", "90", "37", "97")[round(3 * share)]


def behind(foreground: str) -> str:
    """Return the parameters of the background in the colour of a foreground.

    Examples
    --------
    >>> behind("38;5;244"), behind("97")
    ('48;5;244', '107')
    """
    if foreground.startswith("38;"):
        return f"48;{foreground.removeprefix('38;')}"
    return str(int(foreground) + 10)


def painted(text: str, *parameters: str) -> str:
    """Return a text in colours; without parameters as it is.

    Examples
    --------
    >>> painted("7", "30", "43")
    '\\x1b[30;43m7\\x1b[0m'
    """
    return f"\x1b[{';'.join(parameters)}m{text}{RESET}" if parameters else text
