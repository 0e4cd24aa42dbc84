"""Whether the activations of a Keras model are those of a network here, as far as that can be told.

What is compared are the activations from one layer with weights to the next. In Keras they are arguments of layers, or
layers; the latter are compared where the Keras model is a ``Sequential``: elsewhere nobody knows what follows what.
"""

from __future__ import annotations

from typing import Any

from ..layers import ELU, Layer, LeakyReLU, ReLU, Sigmoid, Tanh

KNOWN = (  # functions of keras.activations; what another one computes cannot be told
    *("relu", "relu6", "elu", "selu", "celu", "gelu", "silu", "swish", "mish", "leaky_relu", "sigmoid", "hard_sigmoid"),
    *("log_sigmoid", "tanh", "hard_tanh", "softplus", "softsign", "softmax", "log_softmax", "exponential", "linear"),
)
UNKNOWN = "?"
ANSWERS = ("softmax", "sigmoid")  # at the end: networks here end in logits


def require_same_activations(own: list[Layer], keras_layers: list[Any], in_a_row: bool) -> None:
    """Raise a ValueError that names the layers whose activations differ.

    ``own`` are the layers here, ``keras_layers`` those of Keras; both have as many layers with weights.
    ``in_a_row`` tells whether each layer of Keras follows the one before it.
    """
    here = _runs([(layer.name, bool(layer.params), _of_own(layer)) for layer in own])
    there = _runs(
        [
            (layer.name, has_weights, _of_keras(layer))
            for layer, has_weights in ((layer, bool(layer.get_weights())) for layer in keras_layers)
            if has_weights or in_a_row
        ]
    )
    for place, ((name, mine), (its_name, its)) in enumerate(zip(here, there, strict=True)):
        if place == len(there) - 1 and len(its) > len(mine) and its[-1] in ANSWERS:
            its = its[:-1]
        if not in_a_row:
            mine = mine[: len(its)]
        if mine != its and UNKNOWN not in (*mine, *its):
            raise ValueError(
                f"{name} and the Keras model's {its_name} are followed by {_listed(mine)} and {_listed(its)}; make one "
                "as the other is"
            )


def _runs(layers: list[tuple[str, bool, list[str]]]) -> list[tuple[str, list[str]]]:
    """Return each layer with weights, and the activations from it to the next one."""
    runs: list[tuple[str, list[str]]] = []
    for name, has_weights, activations in layers:
        if has_weights:
            runs.append((name, []))
        if runs:
            runs[-1][1].extend(activations)
    return runs


def _of_own(layer: Layer) -> list[str]:
    if isinstance(layer, LeakyReLU):
        return [f"leaky_relu({layer.negative_slope:g})"]
    if isinstance(layer, ELU):
        return [f"elu({layer.alpha:g})"]
    if isinstance(layer, ReLU | Sigmoid | Tanh):
        return [type(layer).__name__.lower()]
    from_here = type(layer).__module__.partition(".")[0] == __name__.partition(".")[0]
    return [] if from_here else [UNKNOWN]  # a user's own layer may be an activation


def _of_keras(layer: Any) -> list[str]:
    """Return what a layer of Keras, or a function, does as an activation."""
    kind = type(layer).__name__
    if kind == "ReLU":
        bends = {name: getattr(layer, name, None) for name in ("max_value", "negative_slope", "threshold")}
        bends = {name: float(value) for name, value in bends.items() if value}
        return [f"relu({', '.join(f'{name}={value:g}' for name, value in bends.items())})" if bends else "relu"]
    if kind in ("LeakyReLU", "ELU"):
        slope = getattr(layer, "negative_slope", getattr(layer, "alpha", None))
        return [UNKNOWN if slope is None else f"{'elu' if kind == 'ELU' else 'leaky_relu'}({float(slope):g})"]
    if kind == "Softmax":
        return ["softmax"]
    if kind == "Lambda":
        return [UNKNOWN]
    if hasattr(layer, "activation"):
        return _of_keras(layer.activation)
    if not callable(layer) or hasattr(layer, "get_weights"):
        return []
    name = getattr(layer, "__name__", UNKNOWN)
    defaults = {"linear": [], "leaky_relu": ["leaky_relu(0.2)"], "elu": ["elu(1)"]}
    return defaults.get(name, [name if name in KNOWN else UNKNOWN])


def _listed(activations: list[str]) -> str:
    return ", ".join(activations) or "no activation"
