"""The layers of a network: which may be in one, and what they are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..checks.messages import shown
from ..layers.base import Layer


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


def as_layers(layers: Any, input_shape: Any) -> list[Layer]:
    """Return the layers of a network that is to be made, or raise a ValueError that says what to write."""
    if input_shape is None:
        raise ValueError(
            "a model is made of all its layers and the shape of one sample at once: "
            "sc.Sequential([sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))"
        )
    given = list(layers) if isinstance(layers, Iterable) else [layers]
    if not given:
        raise ValueError("a model needs at least one layer")
    earlier: set[int] = set()
    for place, layer in enumerate(given):
        if isinstance(layer, type):
            raise ValueError(f"layers[{place}] is the class {layer.__name__}; write {layer.__name__}(...)")
        if not isinstance(layer, Layer):
            raise ValueError(f"layers[{place}] must be a Layer, got {shown(layer)}")
        activation = [] if layer.activation is None else [layer.activation]
        for each in (layer, *activation):
            if each.input_shape is not None or id(each) in earlier:
                raise ValueError(f"layers[{place}], {shown(each)}, is part of a model already; make a new one")
            earlier.add(id(each))
    return given
