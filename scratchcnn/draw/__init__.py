"""A page to draw on, in the browser: what a network makes of a drawing while it is drawn.

``serve`` starts a server on this machine alone. What it answers is in ``answers.py``, whom in ``admission.py``; how a
number in a feature map came about is in ``parts.py``. The page itself is in ``assets``.
"""

from .server import serve

__all__ = ["serve"]
