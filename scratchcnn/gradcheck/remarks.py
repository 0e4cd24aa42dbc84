"""What a reader of a report would stumble over, explained where it appears."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from ..layers import BatchNorm, Residual

ZERO_BIAS = (
    "its gradient is zero, as it must be: the batch normalisation after it subtracts the mean of each channel, and "
    "with it whatever a bias has added; what differs from 0 is rounding (use_bias=False leaves such a bias out)"
)


def remarks(layers: Sequence[Any], training: bool) -> dict[str, str]:
    """Return sentences about parameters, by the name of the layer and its parameter: "conv2d bias"."""
    return dict.fromkeys(_biases_without_effect(layers, " ") if training else (), ZERO_BIAS)


def _biases_without_effect(layers: Sequence[Any], between: str, prefix: str = "") -> Iterator[str]:
    """Yield the names of the biases right before a batch normalisation that uses the statistics of the batch."""
    for layer, after in pairwise(layers):
        if isinstance(after, BatchNorm) and after.trainable and "bias" in layer.params:
            yield f"{prefix}{layer.name}{between}bias"
    for layer in layers:
        if isinstance(layer, Residual):
            for branch, inner in (("", layer.layers), ("shortcut/", layer.shortcut)):
                yield from _biases_without_effect(inner, "/", f"{prefix}{layer.name} {branch}")
