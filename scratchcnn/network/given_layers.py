"""The layers that a network is to be made of: which may be, and what to write where they are none."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from ..checks.messages import shown
from ..layers.base import Layer


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
        if not isinstance(layer, Layer) and hasattr(layer, "layers"):
            raise ValueError(
                f"layers[{place}] is a model, which is no layer; write its layers anew, "
                "[type(layer)(**layer.config()) for layer in model.layers], and give each its weights afterwards, "
                "new.layers[i].set_weights(model.layers[i].get_weights())"
            )
        if not isinstance(layer, Layer):
            raise ValueError(f"layers[{place}] must be a Layer, got {shown(layer)}")
        _require_methods(layer)
        activation = [] if layer.activation is None else [layer.activation]
        for each in (layer, *activation):
            if each.input_shape is not None or id(each) in earlier:
                raise ValueError(f"layers[{place}], {shown(each)}, is part of a model already; make a new one")
            earlier.add(id(each))
    return given


def _require_methods(layer: Layer) -> None:
    """Raise a TypeError with the line to write if a layer of the user's own is written as one for Keras is."""
    kind = type(layer)
    if kind.forward is Layer.forward and callable(getattr(kind, "call", None)):
        raise TypeError(
            f"{kind.__name__} has a method call; here it is forward(self, x, training=False), and its derivative, "
            "which nothing finds by itself, backward(self, dy): README.md shows a layer of one's own"
        )
    try:
        inspect.signature(kind.build).bind(layer, "input_shape", "rng")
    except TypeError:
        raise TypeError(f"{kind.__name__}: write def build(self, input_shape, rng):") from None
