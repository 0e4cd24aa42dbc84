"""Pictures that a notebook shows by itself. Imports matplotlib, so it is imported when the first one is drawn."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A matplotlib figure that is shown where it is the last value of a notebook's cell.

    A figure that was not made with ``pyplot`` is shown there only after a line such as ``%matplotlib inline``.
    """

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", bbox_inches="tight")
        return buffer.getvalue()
