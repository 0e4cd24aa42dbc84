"""The compiled losses, smooth activations and RMSprop compute what the textbook ones do, and touch nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scratchcnn.ops import RMSpropSettings
from support.cases import seeds, shifts, sizes, sources
from support.implementations import Changing, agree, few_examples
from support.marks import without_numba

pytestmark = without_numba


@few_examples
@given(sources, sizes, st.sampled_from([0.0, 0.7, 1.3]), shifts)
def test_smooth_activations(numbers, size, alpha, shift):
    x, dy, result = numbers(size), numbers(size), numbers.output(size)
    agree("add", x, dy, out=result, shift=shift, exact=True)
    for name in ("sigmoid", "tanh"):
        (y,) = agree(f"{name}_forward", x, out=result, shift=shift)
        agree(f"{name}_backward", y, dy, out=result, shift=shift)
    (y,) = agree("elu_forward", x, alpha, out=result, shift=shift)
    agree("elu_backward", y, alpha, dy, out=result, shift=shift)


@few_examples
@given(
    sources,
    st.sampled_from([1, 5, 300]),
    st.sampled_from([1, 2, 10, 37]),
    st.sampled_from([0.0, 0.1]),
    st.integers(-2, 3),
    seeds,
    shifts,
)
def test_soft_targets(numbers, N, K, smoothing, ignored, seed, shift):
    rng = np.random.default_rng(seed)
    classes, class_weights = rng.integers(-2, K + 1, N), numbers(K) ** 2
    out = numbers.output(N, K), numbers.output(N)
    targets, weights = agree("class_targets", classes, class_weights, ignored, out=out, shift=shift)
    logits = numbers(N, K)
    for rows in (targets, numbers(N, K) ** 2):
        weighted = logits, rows, class_weights, smoothing
        probabilities, _ = agree("soft_cross_entropy_forward", *weighted, out=out, shift=shift)
        arguments = probabilities, rows, class_weights, weights, smoothing
        agree("soft_cross_entropy_backward", *arguments, out=numbers.output(N, K), shift=shift)


@few_examples
@given(sources, st.sampled_from([1, 5, 3000]), st.sampled_from([1, 2, 37]), shifts)
def test_losses_of_numbers(numbers, N, D, shift):
    outputs, targets = numbers(N, D), numbers(N, D)
    agree("mean_squared_error_forward", outputs, targets, out=numbers.output(N), shift=shift)
    agree("mean_squared_error_backward", outputs, targets, out=numbers.output(N, D), shift=shift)
    yes = (targets > 0).astype(targets.dtype)
    agree("binary_cross_entropy_forward", outputs, yes, out=numbers.output(N), shift=shift)
    agree("binary_cross_entropy_backward", outputs, yes, out=numbers.output(N, D), shift=shift)
    agree("scale_rows", numbers(N), Changing(numbers(N, D)), shift=shift)


@few_examples
@given(sources, sizes, st.booleans(), st.sampled_from([0.0, 0.9]), shifts)
def test_rmsprop(numbers, size, centered, momentum, shift):
    parameters, gradients = numbers(size), numbers(size)
    mean = Changing(numbers(size) / 10) if centered else None
    velocity = Changing(numbers(size)) if momentum else None
    settings = RMSpropSettings(0.01, 0.9, momentum, 1e-3)
    square = Changing(numbers(size) ** 2)
    agree("rmsprop_step", Changing(parameters), gradients, square, mean, velocity, settings, shift=shift)
