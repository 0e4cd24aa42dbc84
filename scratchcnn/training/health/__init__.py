"""What a training looks like when something is wrong with it, and what to do: the lines that ``fit`` ends with.

``watch.py`` takes notes while ``fit`` trains; each other file knows a kind of problem: the loss before the first update
(``start.py``), updates against weights (``updates.py``), ReLUs that are always 0 and classes that are never predicted
(``answers.py``). ``docs/health.md`` lists the lines.
"""
