"""A network as a table: what comes out of each layer, what it learns, what it costs.

The bytes are those of one image that forward keeps until backward needs them; training takes that many for each image
of a batch, about as many again for the gradients that backward hands down, and the parameters several times over.
"""

from __future__ import annotations

import math

from ..fusion.fused import FusedLayer
from ..fusion.patterns import layers_of
from ..layers import Flatten, MaxPool2D
from ..layers.base import Layer
from .network import Network

HEAD = ("layer", "output shape", "parameters", "multiply-adds", "bytes kept")


def summary(model: Network) -> str:
    """Return the table of a model's layers, and the totals."""
    rows = []
    for step in model.plan:
        layers = layers_of(step)
        for layer in layers:
            rows.append(
                (
                    _name(layer) if layer is layers[0] else f"+ {_name(layer)}",
                    f"({', '.join(['N', *map(str, layer.output_shape or ())])})",
                    f"{sum(parameter.size for parameter in layer.params.values()):,}",
                    f"{layer.multiply_adds():,}",
                    f"{bytes_kept(step):,}" if layer is layers[-1] else "",
                )
            )
    total = (
        "total",
        "",
        f"{model.count_params():,}",
        f"{sum(layer.multiply_adds() for layer in model.layers):,}",
        f"{sum(bytes_kept(step) for step in model.plan):,}",
    )
    columns = zip(HEAD, *rows, total, strict=True)
    widths = [max(map(len, column)) for column in columns]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [_line(HEAD, widths), rule, *(_line(row, widths) for row in rows), rule, _line(total, widths)]
    lines.append(f"multiply-adds of a forward pass and bytes kept for backward are for one image, in {model.dtype}")
    if model.parameters.size < model.count_params():
        trainable = model.parameters.size
        lines.append(f"trainable parameters: {trainable:,}; frozen: {model.count_params() - trainable:,}")
    if len(model.plan) < len(model.layers):
        lines.append("+ runs as one step with the layer above; the bytes are those of the whole step")
    return "\n".join(lines)


def _name(layer: Layer) -> str:
    return layer.name if layer.trainable else f"{layer.name} (frozen)"


def bytes_kept(step: Layer) -> int:
    """Return the bytes that a step's forward keeps for one sample: outputs, and of each maximum where it was."""
    if isinstance(step, Flatten):
        return 0  # the output is the input, seen differently
    kept = step.kept if isinstance(step, FusedLayer) else [step]
    outputs = sum(math.prod(layer.output_shape or ()) for layer in kept)
    has_maxima = any(isinstance(layer, MaxPool2D) for layer in layers_of(step))
    return outputs * step.dtype.itemsize + (math.prod(step.output_shape or ()) if has_maxima else 0)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    """Return a row of the table: text to the left, numbers to the right."""
    words = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join(words + numbers).rstrip()
