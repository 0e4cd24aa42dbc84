"""The page of the documentation that is made of the table: ``python -m health.health_page`` in ``tests`` writes it."""

from __future__ import annotations

import textwrap

from health.faults import FAULTS, TRAIN, Fault
from support.processes import ROOT

PAGE = ROOT / "docs" / "health.md"
HEAD = f"""# What `fit` says at its end

Where a training looks wrong, `fit` ends with a line for each problem: what was seen, and what to do. The lines are also
`history.problems`, a list of texts, with `verbose=0` too, which prints none of them. A training that looks right has
none.

It costs a few copies of the weights during the training, and a forward pass over at most 512 of the latest epoch's
images after it: less than a hundredth of the time, or than 30 milliseconds. It changes nothing: no weight, no random
number. Losses of your own and regression have no classes, so what is said of classes is left out. A loss or a parameter
that becomes NaN is an error, and no line.

Each fault below is run by a test, and so is what mends it, which leaves no line. In the code `x` are 1,000 images of
`sc.data.load_data("digits")`, every other row and column, `y` their labels, `shuffled` the same in another order, and

```python
{TRAIN}```
"""


def section(title: str, fault: Fault) -> str:
    """Return what the page says of a fault."""
    source = f" Source: {fault.source}." if fault.source else ""
    meaning = textwrap.fill(fault.meaning + source, 120)
    return f"""
## {title}

> Problem: {fault.line}.

{meaning}

```python
{fault.planted}
```

mended:

```python
{fault.mended}
```
"""


def page() -> str:
    """Return the page."""
    return HEAD + "".join(section(title, fault) for title, fault in FAULTS.items())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
