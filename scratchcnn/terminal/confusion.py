"""The confusion matrix as text: which class was taken for which.

Letters: K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..checks.drawn import as_drawn
from .colours import MANY, SIXTEEN, TRUE, colours, painted

# Errors from few to many: light to dark orange, which differs from the blue of the diagonal in brightness, too, and so
# for those who do not tell colours apart. Each has its own background, for terminals of any colour.
ORANGES = {
    TRUE: ("48;2;254;230;206", "48;2;253;190;133", "48;2;253;141;60", "48;2;230;85;13"),
    MANY: ("48;5;223", "48;5;215", "48;5;208", "48;5;202"),
    SIXTEEN: ("", "", "43", "43"),  # there is one orange: for the most
}
RIGHT = {TRUE: ("97", "48;2;8;81;156"), MANY: ("38;5;231", "48;5;25"), SIXTEEN: ("97", "44")}
BLACK = {TRUE: "38;2;0;0;0", MANY: "38;5;16", SIXTEEN: "30"}


def confusion_matrix(counts: np.ndarray, names: Sequence[str] | None = None) -> str:
    """Return a table of how often each class (rows) was taken for each other (columns), and the share that is right.

    The diagonal is right. Errors are shaded where standard output has colours, the darker the more there are of them; a
    dot stands for none.

    Parameters
    ----------
    counts : ndarray of int, shape (K, K)
        What ``sc.plots.confusion_counts(labels, predicted)`` returns.
    names : sequence of str, length K, optional
        Of the classes; without them their numbers.

    Raises
    ------
    ValueError
        If it is not a square table of counts, or there are not as many names as classes.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> print(sc.terminal.confusion_matrix([[9, 1], [0, 5]]))
    label   answer
             0  1    right
        0    9  1   90.00%
        1    .  5  100.00%
    """
    table = as_drawn("counts", counts, (2,), "the table (K, K) of sc.plots.confusion_counts(labels, predicted)")
    if table.shape[0] != table.shape[1] or table.dtype.kind == "f" or (table < 0).any() or not table.size:
        raise ValueError(
            f"counts must be a square table of counts, got the shape {table.shape} and the dtype {table.dtype}; "
            "sc.plots.confusion_counts(labels, predicted) makes one"
        )
    table = table.astype(np.int64)
    labels = [str(number) for number in range(len(table))] if names is None else [str(name) for name in names]
    if len(labels) != len(table):
        raise ValueError(f"names must be {len(table)}, one for each class, got {len(labels)}")
    first = max(5, *map(len, labels))
    width = 2 + max(len(str(table.max())), *map(len, labels))
    head = " " * (first + 2) + "".join(f"{label:>{width}}" for label in labels)
    lines = [f"{'label':<{first}}   answer", f"{head}    right"]
    worst = max(1, int((table - np.diag(np.diag(table))).max()))
    for row, counted in enumerate(table):
        cells = "".join(_cell(int(count), width, row == column, worst) for column, count in enumerate(counted))
        right = f"{counted[row] / counted.sum():8.2%}" if counted.sum() else f"{'none':>8}"
        lines.append(f"{labels[row]:>{first}}  {cells} {right}")
    return "\n".join(lines)


def _cell(count: int, width: int, is_right: bool, worst: int) -> str:
    """Return a count, aligned to the right, with a space in front of the shaded part."""
    text, shown = f"{count or '.':>{width}}", colours()
    if not count or not shown:
        return text
    if is_right:
        return text[0] + painted(text[1:], *RIGHT[shown])
    shades = ORANGES[shown]
    shade = shades[-(-count * len(shades) // worst) - 1]
    return text[0] + painted(text[1:], BLACK[shown], shade) if shade else text
