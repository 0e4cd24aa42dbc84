"""The kernels that ``bench_kernels.py`` measures: an operation, its arguments, and what it has to do at the least.

To measure another kernel, write a function that returns its ``Case`` and add it to ``cases``. An operation that the
library does not have (yet) is left out.

Letters: N batch, H W height and width, C input channels, F filters, K kernel size, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import harness  # noqa: F401  puts the library beside this folder on the path
import numpy as np

from scratchcnn import ops
from scratchcnn.layers.windows import sliding_window
from scratchcnn.memory import aligned_empty
from scratchcnn.ops.jit.convolution.choice import (
    Choice,
    Convolution,
    choose_forward,
    choose_input_gradient,
    choose_kernel_gradient,
)

Call = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """One operation on arguments of one shape.

    Attributes
    ----------
    flops : float
        Additions and multiplications that the result needs; zeros that may be skipped do not count.
    dense_flops : float
        The same with nothing skipped.
    bytes : float
        What has to be read and written once at the least.
    where : str
        The layer of which network it is.
    algorithm : str
        What the library chose, "" where there is no choice.
    saving : float
        How many of the multiplications that count Winograd's algorithm does as one, else 1. The limit is for those that
        are done, ``flops / saving``.
    """

    operation: str
    shape: str
    call: Call
    flops: float
    dense_flops: float
    bytes: float
    where: str = ""
    algorithm: str = ""
    saving: float = 1.0


@dataclass(frozen=True)
class ConvLayer:
    """A convolution of stride 1, the size of its square input, and whether a 2x2 max-pool follows."""

    where: str
    H: int
    C: int
    F: int
    K: int
    same: bool = False
    pool: bool = True


LAYERS = (
    ConvLayer("keras, first", 28, 1, 32, 3),
    ConvLayer("keras, second", 13, 32, 64, 3),
    ConvLayer("lenet5, first", 28, 1, 6, 5, same=True),
    ConvLayer("lenet5, second", 14, 6, 16, 5),
    ConvLayer("pytorch, second", 26, 32, 64, 3),
    ConvLayer("small, second", 14, 8, 16, 3, same=True),
)
DENSE = (("keras", 1600, 10), ("pytorch", 9216, 128), ("lenet5", 400, 120))


def cases(N: int, quick: bool = False) -> Iterator[Case]:
    """Yield all cases for batches of N images."""
    for layer in LAYERS[:2] if quick else LAYERS:
        yield from _convolutions(layer, N)
    for where, D, F in DENSE[:1] if quick else DENSE:
        yield from _dense(where, N, D, F)
    yield from _elementwise(N)


def _random(rng: np.random.Generator, shape: tuple[int, ...], scale: float = 1.0) -> np.ndarray:
    array = aligned_empty(shape, np.float32)
    array[...] = rng.standard_normal(shape, np.float32) * np.float32(scale)
    return array


def _saving(chosen: Choice, kernel: int) -> float:
    """Return for how many multiplications of the sum an algorithm does one: m^2 k^2 / (m + k - 1)^2 of F(m x m, k x k).

    Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), section 4.
    """
    m = chosen.output_tile
    return (m * kernel / (m + kernel - 1)) ** 2 if m else 1.0


def _convolutions(layer: ConvLayer, N: int) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    H, C, F, K = layer.H, layer.C, layer.F, layer.K
    window = sliding_window("Conv2D", (H, H), (K, K), (1, 1), "same" if layer.same else "valid")
    OH, _ = window.output
    x = np.maximum(_random(rng, (N, H, H, C)), 0, out=aligned_empty((N, H, H, C), np.float32))  # as after a ReLU
    kernel, bias = _random(rng, (K, K, C, F), (2 / (K * K * C)) ** 0.5), _random(rng, (F,), 0.1)
    y, dy = aligned_empty((N, OH, OH, F), np.float32), _random(rng, (N, OH, OH, F))
    dkernel, dbias = np.empty_like(kernel), np.empty_like(bias)
    dx = None if C == 1 else aligned_empty(x.shape, np.float32)  # nobody wants the gradient of the images
    gradients = 1 if dx is None else 2  # each is as much work as the forward pass
    each = 2.0 * K * K * C  # operations for one element of the output
    shape = f"{C} to {F} channels, {K}x{K}, on {H}x{H} ({layer.where})"
    forward_bytes, backward_bytes = x.nbytes + kernel.nbytes, gradients * (x.nbytes + kernel.nbytes)

    def case(
        name: str, arguments: tuple[Any, ...], out: Any, flops: float, dense_flops: float, size: float
    ) -> Iterator[Case]:
        operation = getattr(ops, name, None)
        if operation is None:
            return
        followed_by = pool if "pool" in name else None
        convolution = Convolution.of(kernel.shape, window, x.dtype, followed_by)
        if "forward" in name:
            chosen = [choose_forward(convolution)]
        else:
            chosen = [choose_kernel_gradient(convolution)]
            chosen += [] if dx is None else [choose_input_gradient(convolution)]
        algorithm = ", ".join(dict.fromkeys(str(choice) for choice in chosen))
        saving = len(chosen) / sum(1 / _saving(choice, K) for choice in chosen)  # each is as many multiplications
        call = lambda: operation(*arguments, out=out)  # noqa: E731
        yield Case(name, shape, call, flops, dense_flops, size, layer.where, algorithm, saving)

    pool = sliding_window("MaxPool2D", window.output, (2, 2), (2, 2), "valid")
    full, written = each * y.size, (dx, dkernel, dbias)
    yield from case("conv_forward", (x, kernel, bias, window), y, full, full, forward_bytes + y.nbytes)
    backward = (x, kernel, dy, window)
    yield from case("conv_backward", backward, written, gradients * full, gradients * full, backward_bytes + dy.nbytes)
    if not (layer.pool and hasattr(ops, "conv_relu_pool_forward")):
        return

    pooled, index = (
        aligned_empty((N, OH // 2, OH // 2, F), np.float32),
        aligned_empty((N, OH // 2, OH // 2, F), np.uint8),
    )
    fused, both = (x, kernel, bias, window, pool), (pooled, index)
    ops.conv_relu_pool_forward(*fused, out=both)
    bias -= np.median(pooled).astype(np.float32)  # now half of the pooled outputs are zero, as in a trained network
    ops.conv_relu_pool_forward(*fused, out=both)
    needed = each * pooled.size * 4  # convolution outputs that a pooling window looks at
    yield from case("conv_relu_pool_forward", fused, both, needed, needed, forward_bytes + pooled.nbytes + index.nbytes)
    gradient = _random(rng, pooled.shape)
    passed = gradients * each * float(np.count_nonzero(pooled))
    sparse = (x, kernel, gradient, index, window, pool)
    size = backward_bytes + gradient.nbytes + index.nbytes
    yield from case("conv_relu_pool_backward", sparse, written, passed, gradients * needed, size)


def _dense(where: str, N: int, D: int, F: int) -> Iterator[Case]:
    rng = np.random.default_rng(0)
    x, kernel, bias, dy = _random(rng, (N, D)), _random(rng, (D, F), 0.02), _random(rng, (F,)), _random(rng, (N, F))
    y, dx, dkernel, dbias = (aligned_empty(like.shape, np.float32) for like in (dy, x, kernel, bias))
    shape, flops, size = f"{D} to {F} ({where})", 2.0 * N * D * F, x.nbytes + kernel.nbytes + y.nbytes
    forward = lambda: ops.dense_forward(x, kernel, bias, out=y)  # noqa: E731
    yield Case("dense_forward", shape, forward, flops, flops, size, f"{where}, dense")
    out = dx, dkernel, dbias
    backward = lambda: ops.dense_backward(x, kernel, dy, out=out)  # noqa: E731
    yield Case("dense_backward", shape, backward, 2 * flops, 2 * flops, 2.0 * size, f"{where}, dense")


def _elementwise(N: int) -> Iterator[Case]:
    """Yield kernels that move numbers and hardly compute: their limit is the memory, they are given in bytes."""
    rng = np.random.default_rng(0)
    x = _random(rng, (N, 26, 26, 32))
    y, dx = aligned_empty(x.shape, np.float32), aligned_empty(x.shape, np.float32)
    pooled, index = aligned_empty((N, 13, 13, 32), np.float32), aligned_empty((N, 13, 13, 32), np.uint8)
    parameters, gradients, mean, variance = (_random(rng, (1_200_000,)) for _ in range(4))
    np.abs(variance, out=variance)
    activations, settings = "26x26x32 activations", ops.AdamSettings(1e-3, 0.9, 0.999, 1e-7)
    pool = sliding_window("MaxPool2D", (26, 26), (2, 2), (2, 2), "valid")

    def case(name: str, shape: str, call: Call, size: float) -> Case:
        return Case(name, shape, call, 0.0, 0.0, size)

    yield case("relu_forward", activations, lambda: ops.relu_forward(x, out=y), 2.0 * x.nbytes)
    yield case("relu_backward", activations, lambda: ops.relu_backward(y, x, out=dx), 3.0 * x.nbytes)
    pooling, size = (lambda: ops.max_pool_forward(x, pool, out=(pooled, index))), x.nbytes + pooled.nbytes * 1.25
    yield case("max_pool_forward", activations, pooling, size)
    yield case("dropout_forward", activations, lambda: ops.dropout_forward(x, 0.5, 1, out=y), 2.0 * x.nbytes)
    step = (parameters, gradients, mean, variance, 1, settings)
    yield case("adam_step", "1.2 million parameters", lambda: ops.adam_step(*step), 7.0 * parameters.nbytes)
