"""A figure to draw on, made when the first one is drawn: matplotlib takes longer to import than all the rest."""

from __future__ import annotations

from typing import Any


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure, its size in inches, that a notebook shows and that needs no display."""
    from ..figure import NotebookFigure

    return NotebookFigure(figsize=(width, height), layout="constrained")
