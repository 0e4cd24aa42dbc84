"""From the drawing board of the page to the input of a network."""

from __future__ import annotations

import numpy as np

from .network_view import NetworkView

SIDE = 280  # pixels of the drawing that the page sends, down and across


class Canvas:
    """Makes of a drawing what a network was trained to see.

    Parameters
    ----------
    view : NetworkView
    """

    def __init__(self, view: NetworkView) -> None:
        self.shape = view.model.input_shape[:2]

    def image(self, drawing: np.ndarray) -> np.ndarray | None:
        """Return the input (H, W) for a drawing (SIDE, SIDE), bytes from 0, paper, to 255, ink; None without ink."""
        rows, columns = np.flatnonzero(drawing.any(axis=1)), np.flatnonzero(drawing.any(axis=0))
        if not len(rows):
            return None
        from PIL import Image
        crop = drawing[rows[0]:rows[-1]+1, columns[0]:columns[-1]+1]
        h, w = crop.shape
        s = 20 / max(h, w)
        small = np.asarray(Image.fromarray(crop).resize((max(1, round(w*s)), max(1, round(h*s))), Image.Resampling.BOX))
        out = np.zeros((28, 28), np.uint8)
        ys, xs = np.mgrid[:small.shape[0], :small.shape[1]]
        total = small.sum(dtype=float)
        cy, cx = (ys*small).sum()/total, (xs*small).sum()/total
        top = int(np.clip(round(13.5-cy), 0, 28-small.shape[0])); left = int(np.clip(round(13.5-cx), 0, 28-small.shape[1]))
        out[top:top+small.shape[0], left:left+small.shape[1]] = small
        return out
