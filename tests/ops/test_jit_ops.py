"""The compiled operations compute what the textbook ones do, on random shapes, and touch nothing else.

Convolutions are in ``test_jit_convolution.py``, which says how sizes are drawn.
"""

from __future__ import annotations

import importlib
import inspect

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from scratchcnn.ops import OPERATIONS, AdamSettings, SGDSettings, reference
from scratchcnn.ops.operands import ARRAYS, operands_of
from support.cases import pools, seeds, shifts, sizes, sources
from support.implementations import Changing, Numbers, Output, agree, few_examples
from support.marks import without_numba

pytestmark = without_numba


def test_both_implementations_have_the_same_operations_with_the_same_arguments():
    jit = importlib.import_module("scratchcnn.ops.jit")
    for operation in OPERATIONS:
        compiled, plain = (inspect.signature(getattr(module, operation)).parameters for module in (jit, reference))
        assert [name for name in compiled if name != "out"] == list(plain)
        writes = operation in ARRAYS and operands_of(operation, list(plain)).results > 0
        assert ("out" in compiled) == writes, operation


@few_examples
@given(
    numbers=sources,
    N=st.sampled_from([1, 3, 29, 530]),
    D=st.sampled_from([1, 7, 600]),
    F=st.sampled_from([1, 10, 33]),
    with_bias=st.booleans(),
    with_dx=st.booleans(),
    shift=shifts,
)
@example(
    numbers=Numbers(0, "float32"), N=13, D=1100, F=33, with_bias=True, with_dx=True, shift=0
)  # three blocks of the sum
@example(numbers=Numbers(0, "float32"), N=1, D=1600, F=10, with_bias=True, with_dx=True, shift=1)  # four side by side
@example(numbers=Numbers(0, "float64"), N=29, D=1025, F=16, with_bias=True, with_dx=False, shift=0)
@example(numbers=Numbers(0, "float32", whole=True), N=3, D=1026, F=1, with_bias=False, with_dx=False, shift=0)
def test_dense(numbers, N, D, F, with_bias, with_dx, shift):
    x, kernel = numbers(N, D), numbers(D, F)
    bias, dbias = (numbers(F), numbers.output(F)) if with_bias else (None, None)
    y, gradients = numbers.output(N, F), (numbers.output(N, D) if with_dx else None, numbers.output(D, F), dbias)
    options = {"shift": shift, "exact": numbers.whole}
    agree("dense_forward", x, kernel, bias, out=y, **options)
    agree("dense_backward", x, kernel, numbers(N, F), out=gradients, **options)
    (y,) = agree("dense_relu_forward", x - x.mean(), kernel, bias, out=y, shift=shift)
    agree("dense_relu_backward", x, kernel, y, numbers(N, F), out=gradients, **options)


@few_examples
@given(sources, pools(), shifts)
def test_pooling(numbers, case, shift):
    x, dy, vectors = numbers(*case.images), numbers(*case.outputs), numbers(case.N, case.C)
    y, dx, window = numbers.output(*dy.shape), numbers.output(*x.shape), case.window
    both = y, Output(dy.shape, "uint8")
    _, index = agree("max_pool_forward", x, window, out=both, shift=shift, exact=True)
    agree("max_pool_backward", dy, index, window, out=dx, shift=shift, exact=numbers.whole)
    agree("average_pool_forward", x, window, out=y, shift=shift)
    agree("average_pool_backward", dy, window, out=dx, shift=shift)
    agree("global_average_pool_forward", x, out=numbers.output(*vectors.shape), shift=shift)
    agree("global_average_pool_backward", vectors, window.image, out=dx, shift=shift)


@few_examples
@given(sources, sizes, st.sampled_from([0.0, 0.01, 0.3, 1.0]), shifts)
def test_activations(numbers, size, slope, shift):
    x, dy, result = numbers.signed(size), numbers(size), numbers.output(size)
    agree("relu_forward", x, out=result, shift=shift, exact=True)
    agree("relu_backward", x, dy, out=result, shift=shift, exact=True)
    agree("leaky_relu_forward", x, slope, out=result, shift=shift)
    agree("leaky_relu_backward", x, slope, dy, out=result, shift=shift)


@few_examples
@given(sources, sizes, st.sampled_from([1 / 255, 2.0]), st.sampled_from([0.0, 3.0]), shifts)
def test_rescaling(numbers, size, scale, offset, shift):
    pixels = numbers.rng.integers(0, 256, size, dtype=np.uint8)
    for x in (pixels, pixels.astype(numbers.dtype)):
        agree("rescale_forward", x, scale, offset, numbers.dtype, out=numbers.output(size), shift=shift)
    agree("rescale_backward", numbers(size), scale, out=numbers.output(size), shift=shift)


@few_examples
@given(sources, sizes, st.sampled_from([0.0, 0.25, 0.5, 0.99]), seeds, shifts)
@example(Numbers(0, "float32"), 17, 0.5, 2**64 - 1, 0)
@example(Numbers(0, "float64"), 1000, 1 - 1e-12, 7, 0)
def test_dropout_drops_the_same_elements_bit_for_bit(numbers, size, rate, seed, shift):
    for operation in ("dropout_forward", "dropout_backward"):
        agree(operation, numbers(size), rate, seed, out=numbers.output(size), shift=shift, exact=True)


@few_examples
@given(
    sources, st.sampled_from([(6,), (5, 7, 8), (1100,)]), st.sampled_from([1, 3, 16, 33]), shifts, st.floats(1e-5, 1)
)
def test_batch_norm(numbers, rows, C, shift, epsilon):
    x = numbers.signed(*rows, C)
    dy = numbers(*rows, C) + x / 2  # a sum of products with x, of mean 0, would cancel
    gamma, beta, y, dx = numbers(C), numbers(C), numbers.output(*x.shape), numbers.output(*x.shape)
    out, gradients = (y, *(numbers.output(C) for _ in range(3))), (dx, numbers.output(C), numbers.output(C))
    agree("batch_norm_inference", x, gamma, beta, numbers(C), numbers(C) ** 2, epsilon, out=y, shift=shift)
    _, *statistics, _ = agree("batch_norm_forward", x, gamma, beta, epsilon, out=out, shift=shift)
    agree("batch_norm_backward", x, gamma, *statistics, dy, out=gradients, shift=shift)
    y, *_ = agree("batch_norm_relu_forward", x, gamma, beta, epsilon, out=out, shift=shift)
    agree("batch_norm_relu_backward", x, gamma, *statistics, y, dy, out=gradients, shift=shift)


@few_examples
@given(sources, st.sampled_from([(6,), (3, 3, 4)]), st.sampled_from([1, 17]), st.booleans(), st.floats(1e-5, 1))
def test_batch_norm_folding(numbers, rows, F, with_bias, epsilon):
    kernel, bias, gamma, beta = numbers(*rows, F), numbers(F) if with_bias else None, numbers(F), numbers(F)
    out = numbers.output(*rows, F), numbers.output(F)
    agree("fold_batch_norm", kernel, bias, gamma, beta, numbers(F), numbers(F) ** 2, epsilon, out=out)


@few_examples
@given(
    numbers=sources,
    N=st.sampled_from([1, 5, 40]),
    K=st.sampled_from([2, 10, 33]),
    smoothing=st.sampled_from([0.0, 0.1, 0.9]),
    size=st.sampled_from([1.0, 10.0, 1e4]),
    shift=shifts,
)
def test_softmax_and_cross_entropy(numbers, N, K, smoothing, size, shift):
    logits = (size * numbers.rng.uniform(-1, 1, (N, K))).astype(numbers.dtype)
    labels, result = numbers.rng.integers(0, K, N), numbers.output(N, K)
    agree("softmax_forward", logits, out=result, shift=shift)
    out = result, numbers.output(N)
    probabilities, losses = agree("softmax_cross_entropy_forward", logits, labels, smoothing, out=out, shift=shift)
    assert np.isfinite(probabilities).all() and np.isfinite(losses).all()
    agree("softmax_cross_entropy_backward", probabilities, labels, smoothing, out=result, shift=shift)


@few_examples
@given(
    numbers=sources,
    size=sizes,
    momentum=st.sampled_from([None, 0.0, 0.9]),
    nesterov=st.booleans(),
    weight_decay=st.sampled_from([0.0, 0.01]),
    shift=shifts,
)
def test_sgd(numbers, size, momentum, nesterov, weight_decay, shift):
    velocity = None if momentum is None else Changing(numbers(size))
    settings = SGDSettings(0.1, momentum or 0.0, nesterov and bool(momentum), weight_decay)
    agree("sgd_step", Changing(numbers(size)), numbers(size), velocity, settings, shift=shift)


@few_examples
@given(
    numbers=sources,
    size=sizes,
    step=st.sampled_from([1, 2, 1000]),
    weight_decay=st.sampled_from([0.0, 0.01]),
    decoupled=st.booleans(),
    shift=shifts,
)
def test_adam(numbers, size, step, weight_decay, decoupled, shift):
    averages = Changing(numbers(size)), Changing(numbers(size) ** 2)
    settings = AdamSettings(0.1, 0.9, 0.999, 1e-7, weight_decay, decoupled)
    agree("adam_step", Changing(numbers(size)), numbers(size), *averages, step, settings, shift=shift)


@few_examples
@given(sources, sizes, st.sampled_from([0.1, 1.0, 1e6]), shifts)
def test_clipping_by_norm(numbers, size, max_norm, shift):
    agree("clip_by_norm", Changing(numbers(size)), max_norm, shift=shift)
