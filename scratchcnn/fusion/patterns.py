"""Fusion: which neighbouring layers run as one.

What a layer computes is in the layer. But a ReLU alone reads and writes the whole output of a convolution for one
comparison a number, and a max-pool after it throws three quarters away. ``fuse`` finds such neighbours and puts a fused
layer in their place (``fused.py``, ``fused_norm.py``), which has the forward and backward of a layer and calls one
operation. The layers stay as they are: they own the parameters and gradients, and a model made with ``fuse=False`` runs
them one by one. Both give the same result, up to the order of the additions.

A ReLU keeps the order of numbers, so it may be before or after a max-pool: the function is the same.

    fused                                                   not fused
    ------------------------------------------------------- ---------------------------------------------------------
    Conv2D, ReLU; Conv2D, ReLU, MaxPool2D in any order      a Conv2D with groups, a dilation, or wide padding
    Dense, ReLU                                             LeakyReLU, ELU, Sigmoid, Tanh: each by itself
    BatchNorm, ReLU                                         pools whose windows stick out of the image
    at inference: Conv2D or Dense with a BatchNorm, and     AveragePool2D, GlobalAveragePool2D, Dropout
    what follows them above
    the same inside of a Residual, on both of its ways      the addition of a Residual
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from ..layers import BatchNorm, Conv2D, Dense, MaxPool2D, ReLU, Residual
from ..layers.base import Layer
from .fused import FusedConvReLU, FusedConvReLUPool, FusedDenseReLU, FusedLayer
from .fused_norm import FoldedNorm, FusedNormReLU

PATTERNS: dict[tuple[type[Layer], ...], type[FusedLayer]] = {
    (Conv2D, ReLU): FusedConvReLU,
    (Conv2D, ReLU, MaxPool2D): FusedConvReLUPool,
    (Conv2D, MaxPool2D, ReLU): FusedConvReLUPool,
    (Dense, ReLU): FusedDenseReLU,
    (BatchNorm, ReLU): FusedNormReLU,
}
FUSED = (*dict.fromkeys(PATTERNS.values()), FoldedNorm)
MAX_LAYERS = 4  # that are fused: a convolution, a BatchNorm, a ReLU and a max-pool, as a FoldedNorm


def fuse(layers: Sequence[Layer]) -> list[Layer]:
    """Return the plan: layers, fused where they can be, that compute the same as the built ``layers``."""
    plan: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Residual):
            layer.run_as((fuse(layer.layers), fuse(layer.shortcut)))
    start = 0
    while start < len(layers):
        layer = _fuse_first(layers[start : start + MAX_LAYERS])
        plan.append(layer)
        start += len(layers_of(layer))
    return plan


def _fuse_first(layers: Sequence[Layer]) -> Layer:
    """Return the fused layer that takes most of the first layers of the list, or the first layer itself."""
    for count in range(len(layers), 1, -1):
        fused = _as_one(layers[:count])
        if fused is not None:
            return fused
    return layers[0]


def _as_one(layers: Sequence[Layer]) -> Layer | None:
    """Return what runs all of these layers at once, or None where nothing does."""
    kinds = tuple(type(layer) for layer in layers)
    if len(layers) == 1:
        return layers[0]
    if kinds[0] in (Conv2D, Dense) and kinds[1] is BatchNorm:
        stand_in = copy.copy(layers[0])  # has its own buffers, and gets its own parameters
        vars(stand_in).update(params={}, grads={})  # plain ones: the FoldedNorm puts in what it has folded
        folded = _as_one([stand_in, *layers[2:]])
        return FoldedNorm(layers, fuse(layers[1:]), folded) if folded else None
    if isinstance(layers[0], Conv2D) and not layers[0].is_fusible:
        return None
    if kinds in PATTERNS and all(_windows_stay_inside(layer) for layer in layers if isinstance(layer, MaxPool2D)):
        return PATTERNS[kinds](layers)
    return None


def _windows_stay_inside(pool: MaxPool2D) -> bool:
    """Return whether no window of a pool sticks out of the image."""
    (height, width), seen = pool.window.image, pool.window.seen
    return pool.window.padding == (0, 0) and seen[0] <= height and seen[1] <= width


def layers_of(layer: Layer) -> list[Layer]:
    """Return the layers of the model that an element of its plan runs: those that are fused, or the one that it is."""
    return layer.fused if isinstance(layer, FusedLayer) else [layer]
