"""An image and what a network makes of it, as characters.

Letters: H W height and width, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .checks.drawn import as_drawn
from .checks.messages import can_show

SHADES = " .:-=+*#%@"  # from no ink to much


def ascii_digit(image: np.ndarray, probabilities: Sequence[float] | np.ndarray) -> str:
    """Return an image as lines of characters, and beside it a bar for the probability of each class.

    The bars are of blocks, or of ``#`` where standard output cannot encode a block.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, 1)
        Pixels; the highest value is drawn darkest.
    probabilities : sequence of float, length K
        What ``model.predict`` says of it.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> print(sc.plots.ascii_digit(np.eye(4), [0.25, 0.0]).replace("#", "█"))
    @      0  █████                 25.00% <
      @    1                         0.00%
    """
    image = as_drawn("image", image, (2, 3), "an image (H, W) or (H, W, 1)").astype(np.float64)
    if image.size == 0 or image.shape[2:] not in ((), (1,)):
        raise ValueError(f"image must be an image (H, W) or (H, W, 1), got the shape {image.shape}")
    probabilities = as_drawn("probabilities", probabilities, (1,), "a row of model.predict(images)")
    image = image.reshape(image.shape[:2])[::2]  # a character is twice as high as wide: every other row will do
    level = (image / (image.max() or 1.0)).clip(0, 1) * (len(SHADES) - 1)  # 0 to 9
    drawing = ["".join(SHADES[round(pixel)] for pixel in row) for row in level]
    best = int(np.argmax(probabilities))
    block = "█" if can_show("█") else "#"
    bars = [
        f"{number}  {block * round(20 * probability):<20} {probability:7.2%}{' <' if number == best else ''}"
        for number, probability in enumerate(probabilities)
    ]
    missing = len(drawing) - len(bars)
    drawing += [" " * len(drawing[0])] * -missing
    bars = [""] * (missing // 2) + bars + [""] * (missing - missing // 2)
    return "\n".join(f"{left}   {right}".rstrip() for left, right in zip(drawing, bars, strict=True))
