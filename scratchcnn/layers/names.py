"""What layers are called: as they were told, or by their class."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .base import Layer


def names_of(layers: Sequence[Layer]) -> list[str]:
    """Return the names of layers: those that they were given, or else unique ones.

    Raises
    ------
    ValueError
        If two layers were given the same name.
    """
    given = [layer._given_name for layer in layers if layer._given_name is not None]
    for name in given:
        if given.count(name) > 1:
            raise ValueError(f"two layers are called {name!r}; the names in a model must differ")
    others = iter(unique_names([layer for layer in layers if layer._given_name is None], taken=given))
    return [next(others) if layer._given_name is None else layer._given_name for layer in layers]


def unique_names(layers: Sequence[Layer], taken: Sequence[str] = ()) -> list[str]:
    """Return a name for each layer: its class in snake case, numbered from the second of a kind on, as in Keras."""
    names: dict[str, None] = {}
    seen: dict[str, int] = {}
    for layer in layers:
        base = re.sub("(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=ReLU)", "_", type(layer).__name__).lower()
        number = seen.get(base, 0)
        while (
            name := f"{base}_{number}" if number else base
        ) in names or name in taken:  # a class may be called Dense_1
            number += 1
        names[name] = None
        seen[base] = number + 1
    return list(names)
