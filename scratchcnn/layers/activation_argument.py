"""Activations by name, as the argument of the layer before them: ``Dense(10, activation="relu")``.

An activation is a layer of its own. A model puts it after the layer that names it, so the two forms are one network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..checks.messages import shown, similar_name
from .activations import ELU, LeakyReLU, ReLU, Sigmoid, Tanh
from .base import Layer

ACTIVATIONS = {
    "relu": lambda: ReLU(),
    "leaky_relu": lambda: LeakyReLU(0.2),  # the slope that Keras's name stands for
    "elu": lambda: ELU(),
    "sigmoid": lambda: Sigmoid(),
    "tanh": lambda: Tanh(),
}


def as_activation(what: str, activation: Any) -> Layer | None:
    """Return the layer that an ``activation`` argument stands for; ``what`` is the call before it, "Dense(10".

    Raises
    ------
    ValueError
        If there is no such activation.
    """
    if activation is None or activation == "linear":
        return None
    if isinstance(activation, Layer):
        return activation
    if activation in ("softmax", "log_softmax"):
        raise ValueError(
            f"{what}, activation={activation!r}): a network ends in logits, without it: write {what}). "
            "SoftmaxCrossEntropy takes softmax and logarithm together, which is exact, and predict answers with the "
            "probabilities"
        )
    if isinstance(activation, str) and activation in ACTIVATIONS:
        return ACTIVATIONS[activation]()
    if isinstance(activation, bool):
        raise ValueError(f"{what}, {activation}): the argument here is the activation; write use_bias={activation}")
    if isinstance(activation, type) and issubclass(activation, Layer):
        raise ValueError(f"activation is the class {activation.__name__}; write activation={activation.__name__}()")
    close = similar_name(activation, ACTIVATIONS)
    hint = f"did you mean {close!r}? T" if close else "t"
    raise ValueError(
        f"there is no activation {shown(activation)}; {hint}here are {', '.join(ACTIVATIONS)}, or pass a layer of your "
        "own, activation=Mine(), as README.md shows one"
    )


def forget_activation(layer: Layer) -> None:
    """Take note that the activation of a layer is a layer of a network now."""
    layer.activation, layer._is_followed = None, False


def with_activations(layers: Iterable[Layer]) -> Iterator[Layer]:
    """Yield layers, each followed by the activation that it names."""
    for layer in layers:
        yield layer
        if layer.activation is not None:
            layer._is_followed = True
            yield layer.activation
