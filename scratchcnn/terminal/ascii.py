"""An image and what a network makes of it in plain characters, which every output has.

Letters: H W height and width, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..checks.messages import can_show
from .arguments import as_image, as_row, beside

SHADES = " .:-=+*#%@"  # from no ink to much


def ascii_digit(image: np.ndarray, probabilities: Sequence[float] | np.ndarray) -> str:
    """Return an image as lines of plain characters, and beside it a bar for the probability of each class.

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
    image, probabilities = as_image(image), as_row(probabilities)
    drawing = shades(image)
    return beside(drawing, bars(probabilities), len(drawing[0]))


def shades(image: np.ndarray) -> list[str]:
    """Return an image (H, W) as lines of characters; one is twice as high as wide, so every other row will do.

    Examples
    --------
    >>> import numpy as np
    >>> shades(np.array([[0, 1, 2], [9, 9, 9]]))
    [' =@']
    """
    image = image[::2]
    level = (image / (image.max(initial=0) or 1.0)).clip(0, 1) * (len(SHADES) - 1)  # 0 to 9
    return ["".join(SHADES[round(pixel)] for pixel in row) for row in level]


def bars(probabilities: np.ndarray) -> list[str]:
    """Return a line for each class: its number, a bar, its probability, and a mark for the highest.

    Examples
    --------
    >>> import numpy as np
    >>> print(bars(np.array([0.75, 0.25]))[0].replace("#", "█"))
    0  ███████████████       75.00% <
    """
    best = int(np.argmax(probabilities))
    block, width = "█" if can_show("█") else "#", len(str(len(probabilities) - 1))
    return [
        f"{number:<{width}}  {block * round(20 * probability):<20} {probability:7.2%}{' <' if number == best else ''}"
        for number, probability in enumerate(probabilities)
    ]
