"""A network as a table: what comes out of each layer, what it learns, what it costs.

The bytes are those of one image that forward keeps until backward needs them; training takes that many for each image
of a batch, about as many again for the gradients that backward hands down, and the parameters several times over.
"""

from __future__ import annotations

import html
import math

from .. import ops
from ..checks.messages import html_table
from ..fusion.fused import FusedConvReLUPool, FusedLayer
from ..fusion.patterns import layers_of
from ..layers import Conv2D, Flatten, MaxPool2D, Residual
from ..layers.base import Layer
from ..types import Shape
from .network import Network

HEAD = ("layer", "output shape", "parameters", "multiply-adds", "bytes kept")
ALGORITHMS = ("forward", "kernel gradient", "input gradient")
NO_ALGORITHMS = ("", "", "")


def summary(model: Network, kernels: bool = False) -> str:
    """Return the table of a model's layers, and the totals; with ``kernels``, which algorithms compute them."""
    head, rows, total = _table(model, kernels)
    columns = zip(head, *rows, total, strict=True)
    widths = [max(map(len, column)) for column in columns]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [_line(head, widths), rule, *(_line(row, widths) for row in rows), rule, _line(total, widths)]
    return "\n".join([*lines, *_notes(model)])


def html_summary(model: Network) -> str:
    """Return the same table for a notebook."""
    head, rows, total = _table(model, kernels=False)
    return html_table(head, [*rows, total]) + "".join(f"<div>{html.escape(note)}</div>" for note in _notes(model))


def _table(model: Network, kernels: bool) -> tuple[tuple[str, ...], list[tuple[str, ...]], tuple[str, ...]]:
    """Return the head of the table, its rows, and the totals."""
    rows: list[tuple[str, ...]] = []
    for place, planned in enumerate(model.plan):
        layers = layers_of(planned)
        for layer in layers:
            row: tuple[str, ...] = (
                _name(layer) if layer is layers[0] else f"+ {_name(layer)}",
                _batch(layer.output_shape),
                f"{sum(parameter.size for parameter in layer.params.values()):,}",
                f"{layer.multiply_adds():,}",
                f"{bytes_kept(planned):,}" if layer is layers[-1] else "",
            )
            if kernels:
                row += _algorithms(planned, place > model.first_trained) if layer is layers[0] else NO_ALGORITHMS
            rows.append(row)
    total = (
        "total",
        "",
        f"{model.count_params():,}",
        f"{sum(layer.multiply_adds() for layer in model.layers):,}",
        f"{sum(bytes_kept(planned) for planned in model.plan):,}",
        *(NO_ALGORITHMS if kernels else ()),
    )
    return HEAD + ALGORITHMS if kernels else HEAD, rows, total


def _notes(model: Network) -> list[str]:
    """Return what is to be said of the table."""
    notes = [f"multiply-adds of a forward pass and bytes kept for backward are for one image, in {model.dtype}"]
    if model.parameters.size < model.count_params():
        trainable = model.parameters.size
        notes.append(f"trainable parameters: {trainable:,}; frozen: {model.count_params() - trainable:,}")
    if len(model.plan) < len(model.layers):
        notes.append("+ is fused with the layer above; the bytes are those of all that are fused")
    return notes


def _algorithms(planned: Layer, wants_input_gradient: bool) -> tuple[str, str, str]:
    """Return which algorithms compute a convolution in training; empty texts for other layers."""
    conv = layers_of(planned)[0]
    if not isinstance(conv, Conv2D):
        return NO_ALGORITHMS
    pool = planned.layer(MaxPool2D).window if isinstance(planned, FusedConvReLUPool) else None
    kernel, groups = conv.params["kernel"].shape, conv.groups
    return ops.convolution_algorithms(kernel, conv.window, conv.dtype, pool, wants_input_gradient, groups)


def _name(layer: Layer) -> str:
    return layer.name if layer.trainable else f"{layer.name} (frozen)"


def _batch(shape: Shape | None) -> str:
    return f"({', '.join(['N', *map(str, shape or ())])})"


def bytes_kept(planned: Layer) -> int:
    """Return the bytes that forward keeps for one sample: outputs, and of each maximum where it was."""
    if isinstance(planned, Flatten):
        return 0  # the output is the input, seen differently
    if isinstance(planned, Residual):
        inside = sum(bytes_kept(layer) for plan in planned._plans for layer in plan)
        return inside + math.prod(planned.output_shape or ()) * planned.dtype.itemsize
    kept = planned.kept if isinstance(planned, FusedLayer) else [planned]
    outputs = sum(math.prod(layer.output_shape or ()) for layer in kept)
    has_maxima = any(isinstance(layer, MaxPool2D) for layer in layers_of(planned))
    return outputs * planned.dtype.itemsize + (math.prod(planned.output_shape or ()) if has_maxima else 0)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    """Return a row of the table: text to the left, numbers to the right."""
    sided = [cell.rjust if 2 <= column < 5 else cell.ljust for column, cell in enumerate(cells)]
    return "  ".join(justify(width) for justify, width in zip(sided, widths, strict=True)).rstrip()
