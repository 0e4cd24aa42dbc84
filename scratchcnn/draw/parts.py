"""How one number in the output of a layer came about: the numbers it was made of, multiplied out.

Each kind of layer has its function here, named after what is shown: the products of a filter, the numbers under a
window, the largest contributions to a sum, or the steps from the number at the same place in the input.

Letters: H W height and width, C channels of the layer's input, KH KW of a kernel, D inputs of a dense layer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layers import AveragePool2D, BatchNorm, Conv2D, Dense, GlobalAveragePool2D, MaxPool2D, Rescaling, Residual
from ..layers.base import Layer
from ..ops import Window
from .network_view import NetworkView
from .packing import number, numbers

CONTRIBUTIONS = 12  # of a dense layer that are listed
MOST_PIXELS = 400  # of a window whose numbers are listed: 20 x 20
Place = tuple[int, ...]  # (row, column, channel) in an image, (unit,) in a vector


def part(
    view: NetworkView, image: np.ndarray, layer: int, where: tuple[int, int, int], source: int | None = None
) -> dict[str, Any]:
    """Return how one number came about, as JSON values.

    Parameters
    ----------
    view : NetworkView
    image : ndarray of uint8, shape (H, W)
        What the network gets.
    layer : int
        Which of the model's layers.
    where : (int, int, int)
        Row, column and channel in the layer's output; where that is a row of numbers, the channel counts them and the
        others are 0.
    source : int, optional
        For a convolution, the channel of its input whose products are wanted; without it, the one that counts most.

    Raises
    ------
    IndexError
        If there is no such place.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.MaxPool2D(2), sc.Flatten(), sc.Dense(2)], input_shape=(2, 2, 1))
    >>> part(NetworkView(model), np.array([[0, 51], [255, 0]], np.uint8), 0, (0, 0, 0))["chosen"]
    [1, 0]
    """
    layers = view.model.layers
    if layer >= len(layers):
        raise IndexError(f"the model has {len(layers)} layers, got layer={layer}")
    outputs = view.outputs(image)
    x, y = outputs[layer], outputs[layer + 1]  # input and output of the layer
    row, column, channel = where
    place: Place = where if y.ndim == 3 else (channel,)
    used = where if y.ndim == 3 else (0, 0, channel)
    if y.ndim not in (1, 3) or used != where or any(a >= b for a, b in zip(place, y.shape, strict=True)):
        raise IndexError(
            f"the output of layer {layer} has the shape {y.shape}, got row={row}, column={column}, channel={channel}"
        )
    how = _how(layers[layer], x, y, place, source)
    return {"layer": layer, "row": row, "column": column, "channel": channel, "value": number(y[place]), **how}


def _how(layer: Layer, x: np.ndarray, y: np.ndarray, place: Place, source: int | None) -> dict[str, Any]:
    if isinstance(layer, Conv2D):
        return products(layer, x, place, source)
    if source is not None:
        raise IndexError(f"{layer.name} is no convolution, got input={source}")
    if isinstance(layer, MaxPool2D | AveragePool2D):
        return window_pixels(layer, x, place)
    if isinstance(layer, GlobalAveragePool2D):
        pixels = x[..., place[-1]]
        return {"kind": "mean", "count": pixels.size, "pixels": numbers(pixels) if pixels.size <= MOST_PIXELS else None}
    if isinstance(layer, Dense):
        return contributions(layer, x, place)
    return {"kind": "steps", "steps": steps(layer, x, y, place)}


def products(layer: Conv2D, x: np.ndarray, place: Place, source: int | None) -> dict[str, Any]:
    """Return the patch (KH, KW) that a filter looked at, the filter, and the sum of the products for each channel."""
    row, column, filter_ = place
    patch = _under(layer.window, x, row, column, outside=0.0)  # (KH, KW, C)
    kernel = layer.params["kernel"][..., filter_].astype(np.float64)  # (KH, KW, C / groups)
    channels = kernel.shape[-1]
    first = filter_ // (layer.filters // layer.groups) * channels  # of the filter's group
    patch = patch[..., first : first + channels]
    sums = (patch * kernel).sum(axis=(0, 1))  # (C / groups,)
    chosen = int(np.abs(np.nan_to_num(sums)).argmax()) if source is None else source - first
    if not 0 <= chosen < channels:
        raise IndexError(f"this filter sees the channels {first} to {first + channels - 1}, got input={source}")
    bias = layer.params.get("bias")
    return {
        "kind": "products",
        "input": first + chosen,
        "first": first,
        "patch": numbers(patch[..., chosen]),
        "kernel": numbers(kernel[..., chosen]),
        "products": numbers(patch[..., chosen] * kernel[..., chosen]),
        "sums": numbers(sums),
        "bias": None if bias is None else number(bias[filter_]),
        "region": _region(layer.window, row, column, first + chosen),
    }


def window_pixels(layer: MaxPool2D | AveragePool2D, x: np.ndarray, place: Place) -> dict[str, Any]:
    """Return the numbers under the window of a pool, None outside of the image; for a maximum, the first of these."""
    row, column, channel = place
    pixels = _under(layer.window, x[..., channel : channel + 1], row, column, outside=np.nan)[..., 0]  # (PH, PW)
    shown = {"pixels": numbers(pixels), "region": _region(layer.window, row, column, channel)}
    if isinstance(layer, AveragePool2D):
        return {"kind": "mean", "count": int(np.isfinite(pixels).sum()), **shown}
    chosen = np.unravel_index(np.where(np.isnan(pixels), -np.inf, pixels).argmax(), pixels.shape)
    return {"kind": "maximum", "chosen": [int(index) for index in chosen], **shown}


def contributions(layer: Dense, x: np.ndarray, place: Place) -> dict[str, Any]:
    """Return the largest of the products that a dense layer adds up, and the sum of all others."""
    weights = layer.params["kernel"][:, place[0]].astype(np.float64)  # (D,)
    terms = x * weights  # (D,)
    largest = np.argsort(-np.abs(np.nan_to_num(terms)), kind="stable")[:CONTRIBUTIONS]
    others = np.delete(terms, largest)
    bias = layer.params.get("bias")
    return {
        "kind": "contributions",
        "largest": [
            {"from": int(i), "input": number(x[i]), "weight": number(weights[i]), "product": number(terms[i])}
            for i in largest
        ],
        "others": {"count": others.size, "sum": number(others.sum())},
        "positive": number(terms[terms > 0].sum()),
        "negative": number(terms[terms < 0].sum()),
        "bias": None if bias is None else number(bias[place[0]]),
    }


def steps(layer: Layer, x: np.ndarray, y: np.ndarray, place: Place) -> list[dict[str, Any]]:
    """Return the way from the number at the same place in the input to that in the output."""
    if x.shape != y.shape:
        return []
    value = np.float64(x[place])
    way: list[tuple[str, Any]] = [("input", value)]
    if isinstance(layer, Rescaling):
        way += [(f"× {layer.scale:.4g}", value * layer.scale), (f"+ {layer.offset:.4g}", y[place])]
    elif isinstance(layer, BatchNorm):
        mean, variance = (layer.state[name][place[-1]] for name in ("moving_mean", "moving_variance"))
        gamma, beta = layer.params["gamma"][place[-1]], layer.params["beta"][place[-1]]
        deviation = np.sqrt(np.float64(variance) + layer.epsilon)
        for word, result in (
            (f"- mean {mean:.4g}", value - mean),
            (f"÷ deviation {deviation:.4g}", (value - mean) / deviation),
            (f"× gamma {gamma:.4g}", (value - mean) / deviation * gamma),
            (f"+ beta {beta:.4g}", y[place]),
        ):
            way.append((word, result))
    elif isinstance(layer, Residual):
        way += [("+ what its layers say", y[place])] if not layer.shortcut else []
    else:
        way.append((type(layer).__name__, y[place]))
    return [{"text": word, "value": number(result)} for word, result in way]


def _under(window: Window, x: np.ndarray, row: int, column: int, outside: float) -> np.ndarray:
    """Return the pixels of x (H, W, C) under a window at an output's place, (KH, KW, C) in float64."""
    rows, columns = (
        place * stride - before + dilation * np.arange(size)
        for place, stride, before, dilation, size in zip(
            (row, column), window.strides, window.padding, window.dilation, window.size, strict=True
        )
    )
    inside = ((rows >= 0) & (rows < x.shape[0]))[:, None] & ((columns >= 0) & (columns < x.shape[1]))
    pixels = x[rows.clip(0, x.shape[0] - 1)[:, None], columns.clip(0, x.shape[1] - 1)].astype(np.float64)
    return np.where(inside[..., None], pixels, outside)


def _region(window: Window, row: int, column: int, channel: int) -> dict[str, int]:
    """Return where in the input a window stands; it may stick out."""
    (down, across), (top, left), (height, width) = window.strides, window.padding, window.extent
    region = {"row": row * down - top, "column": column * across - left, "height": height, "width": width}
    return {**region, "channel": channel}
