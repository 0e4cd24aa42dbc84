"""Which neighbouring layers run as one step.

What a layer computes is written down in the layer. But a ReLU alone reads and writes the whole output of a convolution
for one comparison a number, and a max-pool behind it throws three quarters away. ``fuse`` finds such neighbours and
puts a *step* in their place (``fused.py``, ``fused_norm.py``), which has the forward and backward of a layer and one
operation behind it. The layers stay as they are: they own the parameters and gradients, and a model made with
``fuse=False`` runs them one by one. Both give the same result, up to the order of the additions.

A ReLU keeps the order of numbers, so it may stand before or behind a max-pool: the function is the same.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from ..layers import BatchNorm, Conv2D, Dense, MaxPool2D, ReLU
from ..layers.base import Layer
from .fused import ConvReLU, ConvReLUPool, DenseReLU, Step
from .fused_norm import FoldedNorm, NormReLU, NormReLUPool

STEPS: dict[tuple[type[Layer], ...], type[Step]] = {
    (Conv2D, ReLU): ConvReLU,
    (Conv2D, ReLU, MaxPool2D): ConvReLUPool,
    (Conv2D, MaxPool2D, ReLU): ConvReLUPool,
    (Dense, ReLU): DenseReLU,
    (BatchNorm, ReLU): NormReLU,
    (BatchNorm, ReLU, MaxPool2D): NormReLUPool,
    (BatchNorm, MaxPool2D, ReLU): NormReLUPool,
}
LONGEST = 4  # layers in a step: a convolution or dense layer before one of those with a BatchNorm is a FoldedNorm


def fuse(layers: Sequence[Layer]) -> list[Layer]:
    """Return the steps that compute the same as the built ``layers``, one after the other."""
    steps: list[Layer] = []
    start = 0
    while start < len(layers):
        step = _longest_step(layers[start : start + LONGEST])
        steps.append(step)
        start += len(step.fused) if isinstance(step, Step) else 1
    return steps


def _longest_step(layers: Sequence[Layer]) -> Layer:
    """Return the step that takes most of the layers at the head of the list."""
    for count in range(len(layers), 1, -1):
        step = _as_one(layers[:count])
        if step is not None:
            return step
    return layers[0]


def _as_one(layers: Sequence[Layer]) -> Layer | None:
    """Return the step that runs all of these layers, or None where there is none."""
    kinds = tuple(type(layer) for layer in layers)
    if len(layers) == 1:
        return layers[0]
    if kinds[0] in (Conv2D, Dense) and kinds[1] is BatchNorm:
        stand_in = copy.copy(layers[0])  # has its own buffers, and gets its own parameters
        vars(stand_in).update(params={}, grads={})  # plain ones: the FoldedNorm puts in what it has folded
        normalize, folded = _as_one(layers[1:]), _as_one([stand_in, *layers[2:]])
        return FoldedNorm(layers, normalize, folded) if normalize and folded else None
    if kinds in STEPS and all(_windows_stay_inside(layer) for layer in layers if isinstance(layer, MaxPool2D)):
        return STEPS[kinds](layers)
    return None


def _windows_stay_inside(pool: MaxPool2D) -> bool:
    """Return whether no window of a pool sticks out of the image."""
    assert pool.input_shape is not None and pool.output_shape is not None
    return pool.padding_before == (0, 0) and all(
        (stops - 1) * stride + size <= extent
        for stops, stride, size, extent in zip(
            pool.output_shape, pool.strides, pool.pool_size, pool.input_shape, strict=False
        )
    )


def layers_of(step: Layer) -> list[Layer]:
    """Return the layers that a step consists of: those it fuses, or the one that it is."""
    return step.fused if isinstance(step, Step) else [step]
