"""The compiled operations compute what the textbook ones do, on random shapes, and touch nothing else.

Sizes are drawn from short lists: each tile, which follows from the numbers of filters and pixels, is a kernel of its
own that has to be compiled. The lists hold what is special: one, less than a vector, no multiple of a vector, more than
a tile.
"""

from __future__ import annotations

import importlib
import inspect
from typing import NamedTuple

import numpy as np
import pytest
from choices import output_tile
from conftest import without_numba
from hypothesis import example, given
from hypothesis import strategies as st
from implementations import Changing, Numbers, Output, agree, before_forbidden_memory, few_examples

from scratchcnn.layers.windows import output_size_and_padding
from scratchcnn.ops import reference

pytestmark = without_numba

seeds = st.integers(0, 2**64 - 1)
dtypes = st.sampled_from(["float32", "float64"])
shifts = st.sampled_from([0, 1])
paddings = st.sampled_from(["valid", "same"])
sizes = st.sampled_from([1, 15, 16, 17, 1000, 4096 * 3 + 5])  # of flat arrays


sources = st.builds(Numbers, seeds, dtypes, whole=st.booleans())


class Sliding(NamedTuple):
    """Images (N, H, W, C) and a window that slides over them; ``padding`` is what lies before the image."""

    images: tuple[int, int, int, int]
    size: tuple[int, int]
    strides: tuple[int, int]
    padding: tuple[int, int]
    stops: tuple[int, int]


def sliding(images, size, strides=(1, 1), padding="valid"):
    """Return how a window slides; one that does not fit gets the padding that it needs."""
    if any(window > extent for window, extent in zip(size, images[1:3], strict=True)):
        padding = "same"
    stops, before = output_size_and_padding("test", images[1:3], size, strides, padding)
    return Sliding(images, size, strides, before, stops)


@st.composite
def slidings(draw, channels, window_sizes):
    N = draw(st.sampled_from([1, 2, 9]))  # 9: more than the slices of a sum over the batch
    H, W = draw(st.sampled_from([1, 2, 5, 8, 11])), draw(st.sampled_from([3, 8]))
    strides = draw(st.just((1, 1)) | st.tuples(st.integers(1, 3), st.sampled_from([1, 3])))
    return sliding((N, H, W, draw(channels)), draw(window_sizes), strides, draw(paddings))


@st.composite
def convolutions(draw):
    """Draw how a kernel slides, and the number of filters.

    One channel, three; even windows; filters that are no multiple of a vector, or need several vectors.
    """
    kinds = [(1, (3, 3), 5), (3, (1, 4), 16), (16, (3, 3), 16), (16, (3, 3), 33), (1, (1, 1), 1), (2, (4, 5), 3)]
    C, size, F = draw(st.sampled_from(kinds))
    return draw(slidings(st.just(C), st.just(size))), F


def is_exact(numbers, images, stops, kernel, strides=(1, 1)):
    """Return whether a convolution must give the same numbers: whole ones, except in windows of 4 x 4 outputs.

    Their transforms multiply by fractions, which are not exact in binary. (For dx, only with 16 filters or more, or
    fewer than 8: between, it is a convolution of its own.)
    """
    return numbers.whole and output_tile(*stops, kernel, strides) != 4


def test_both_implementations_have_the_same_operations_with_the_same_arguments():
    jit = importlib.import_module("scratchcnn.ops.jit")
    assert sorted(jit.__all__) == sorted(reference.__all__)
    for operation in reference.__all__:
        assert inspect.signature(getattr(jit, operation)) == inspect.signature(getattr(reference, operation))


@few_examples
@given(sources, convolutions(), st.booleans(), shifts)
def test_convolution(numbers, convolution, with_bias, shift):
    (images, size, strides, padding, stops), F = convolution
    x, kernel, bias = numbers(*images), numbers(*size, images[3], F), numbers(F) if with_bias else None
    y, exact = numbers.output(images[0], *stops, F), is_exact(numbers, images, stops, kernel, strides)
    agree("conv_forward", x, kernel, bias, strides, padding, y, shift=shift, exact=exact)
    x = numbers.signed(*images)
    agree("conv_relu_forward", x, kernel, bias, strides, padding, y, shift=shift, exact=exact)


@pytest.mark.slow
@few_examples
@given(sources, convolutions(), st.booleans(), st.booleans(), shifts)
def test_gradients_of_convolution(numbers, convolution, with_dx, with_bias, shift):
    (images, size, strides, padding, stops), F = convolution
    x, kernel, dy = numbers(*images), numbers(*size, images[3], F), numbers(images[0], *stops, F)
    y = numbers.signed(*dy.shape)
    gradients = numbers.output(*images) if with_dx else None, numbers.output(*kernel.shape)
    rest = strides, padding, *gradients, numbers.output(F) if with_bias else None
    exact = is_exact(numbers, images, stops, kernel, strides)
    agree("conv_backward", x, kernel, dy, *rest, shift=shift, exact=exact)
    agree("conv_relu_backward", x, kernel, y, dy, *rest, shift=shift, exact=exact)


@st.composite
def windowed_convolutions(draw):
    """Draw convolutions whose outputs are computed in windows of 2 x 2 or 4 x 4, in groups from several images."""
    N, H, W = draw(st.sampled_from([2, 9])), draw(st.sampled_from([7, 8, 11])), draw(st.sampled_from([7, 8]))
    C, F = draw(st.sampled_from([(16, 16), (16, 64), (32, 33)]))
    return sliding((N, H, W, C), (3, 3), padding=draw(paddings)), F


@pytest.mark.slow
@few_examples
@given(sources, windowed_convolutions(), st.booleans(), st.booleans(), shifts)
@example(Numbers(0, "float32"), (sliding((2, 28, 27, 16), (3, 3), padding="same"), 64), True, True, 0)  # part of one
@example(Numbers(0, "float32"), (sliding((1, 18, 18, 64), (3, 3), padding="same"), 64), True, True, 0)  # of 2 x 2
@example(Numbers(0, "float32"), (sliding((33, 6, 6, 32), (3, 3)), 64), False, False, 0)  # groups of many images
@example(Numbers(0, "float32", whole=True), (sliding((19, 4, 4, 32), (3, 3)), 64), False, True, 0)  # of 2 x 2
@example(Numbers(0, "float64"), (sliding((5, 14, 10, 8), (3, 3), padding="same"), 8), True, True, 0)  # few filters
def test_convolution_in_windows(numbers, convolution, with_bias, with_dx, shift):
    (images, size, strides, padding, stops), F = convolution
    x, kernel, bias = numbers(*images), numbers(*size, images[3], F), numbers(F) if with_bias else None
    assert output_tile(*stops, kernel, strides) in (2, 4)
    y, exact = numbers.output(images[0], *stops, F), is_exact(numbers, images, stops, kernel)
    agree("conv_forward", x, kernel, bias, strides, padding, y, shift=shift, exact=exact)
    x = numbers.signed(*images)
    agree("conv_relu_forward", x, kernel, bias, strides, padding, y, shift=shift, exact=exact)
    dy, dx = numbers(*y.shape), numbers.output(*images) if with_dx else None
    gradients = dx, numbers.output(*kernel.shape)
    rest = strides, padding, *gradients, numbers.output(F) if with_bias else None
    agree("conv_backward", x, kernel, dy, *rest, shift=shift, exact=exact)
    agree("conv_relu_backward", x, kernel, numbers.signed(*y.shape), dy, *rest, shift=shift, exact=exact)


POOLS = [((2, 2), (2, 2)), ((2, 2), (2, 2)), ((3, 2), (3, 2)), ((3, 3), (2, 1)), ((1, 1), (1, 1)), ((1, 2), (2, 3))]


@st.composite
def pooled_convolutions(draw):
    """Draw how a kernel slides, the number of filters, and a pool that fits into the output, with its strides."""
    size, strides = draw(st.sampled_from(POOLS))
    fits = convolutions().filter(lambda drawn: all(np.greater_equal(drawn[0].stops, size)))
    return *draw(fits), size, strides


def pooled_shape(convolution, F, pool_size, pool_strides):
    stops = zip(convolution.stops, pool_size, pool_strides, strict=True)
    return convolution.images[0], *((stop - size) // stride + 1 for stop, size, stride in stops), F


@few_examples
@given(sources, pooled_convolutions(), st.booleans(), shifts)
def test_convolution_with_relu_and_pool(numbers, case, with_bias, shift):
    convolution, F, pool_size, pool_strides = case
    images, size, strides, padding, _ = convolution
    x, kernel = numbers.signed(*images), numbers.signed(*size, images[3], F)
    bias = numbers.signed(F) if with_bias else None
    y_shape = pooled_shape(*case)
    seen = [(y_shape[i + 1] - 1) * pool_strides[i] + pool_size[i] for i in (0, 1)]  # of the convolution, by the pool
    exact = is_exact(numbers, images, seen, kernel, strides)
    # Of numbers that are nearly equal, rounding decides which is the maximum.
    y, index = numbers.output(*y_shape), Output(y_shape, "uint8", is_compared=exact)
    geometry = strides, padding, pool_size, pool_strides
    agree("conv_relu_pool_forward", x, kernel, bias, *geometry, y, index, shift=shift, exact=exact)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("images", "F", "padding"),
    [
        ((9, 10, 10, 16), 32, "valid"),
        ((5, 12, 14, 8), 16, "same"),  # windows that stick out of the image
        ((33, 8, 6, 16), 40, "valid"),  # filters that do not fill a tile
    ],
)
def test_convolution_with_relu_and_pool_in_windows_of_4_x_4(images, F, padding, dtype):
    convolution, numbers = sliding(images, (3, 3), padding=padding), Numbers(0, dtype)
    x, kernel, bias = numbers.signed(*images), numbers.signed(3, 3, images[3], F), numbers.signed(F)
    shape = pooled_shape(convolution, F, (2, 2), (2, 2))
    assert output_tile(2 * shape[1], 2 * shape[2], kernel, (1, 1)) == 4
    outputs = numbers.output(*shape), Output(shape, "uint8", is_compared=dtype == "float64")  # else rounding decides
    agree("conv_relu_pool_forward", x, kernel, bias, (1, 1), convolution.padding, (2, 2), (2, 2), *outputs)


@few_examples
@given(sources, pooled_convolutions(), st.booleans(), st.booleans(), shifts)
def test_gradients_of_convolution_with_relu_and_pool(numbers, case, with_dx, with_bias, shift):
    convolution, F, pool_size, pool_strides = case
    images, size, strides, padding, _ = convolution
    x, kernel, dy = numbers(*images), numbers(*size, images[3], F), numbers(*pooled_shape(*case))
    index = numbers.rng.integers(0, pool_size[0] * pool_size[1], dy.shape, dtype=np.uint8)
    index[numbers.rng.random(dy.shape) < 0.5] = 255  # stopped by ReLU
    gradients = numbers.output(*images) if with_dx else None, numbers.output(*kernel.shape)
    rest = strides, padding, pool_size, pool_strides, *gradients, numbers.output(F) if with_bias else None
    agree("conv_relu_pool_backward", x, kernel, dy, index, *rest, shift=shift, exact=numbers.whole)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("images", "size", "F", "padding"),
    [
        ((9, 9, 10, 16), (3, 3), 32, "valid"),
        ((2, 23, 21, 4), (3, 3), 48, "same"),  # more windows than a mask has bits: in bands of lines
        ((1, 4, 135, 3), (2, 2), 16, "same"),  # more than that in a line
        ((2, 12, 7, 20), (5, 3), 80, "valid"),  # more filters than a mask has bits
        ((2, 5, 5, 16), (3, 3), 96, "valid"),
        ((2, 6, 8, 8), (3, 4), 70, "valid"),
        ((3, 9, 8, 1), (3, 3), 32, "valid"),  # first layers
        ((3, 9, 8, 1), (5, 5), 6, "same"),
        ((3, 9, 8, 1), (5, 5), 16, "valid"),
    ],
)
def test_gradients_of_convolution_behind_a_pool(images, size, F, padding, dtype):
    convolution = sliding(images, size, padding=padding)
    numbers = Numbers(0, dtype)
    dy = numbers(*pooled_shape(convolution, F, (2, 2), (2, 2)))
    index = numbers.rng.choice(np.array([0, 1, 2, 3, 255], np.uint8), dy.shape)
    dy[numbers.rng.random(dy.shape) < 0.1] = 0  # dropped
    rest = (1, 1), convolution.padding, (2, 2), (2, 2)
    x, kernel = numbers(*images), numbers(*size, images[3], F)
    for dx in (numbers.output(*images), None):
        gradients = dx, numbers.output(*kernel.shape), numbers.output(F)
        agree("conv_relu_pool_backward", x, kernel, dy, index, *rest, *gradients)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("filters", "windows"), [(1, 64), (6, 33), (15, 1), (16, 64), (40, 30), (64, 64), (100, 5)])
def test_masks_tell_which_gradients_count(filters, windows, dtype):
    from numba import njit

    from scratchcnn.ops.jit.convolution.masks import BITS, mask_shape, masks_by_filter
    from scratchcnn.ops.jit.machine.tile import tile_shape

    vectors, lanes = mask_shape(filters, np.dtype(dtype))
    rng = np.random.default_rng(0)
    dy = before_forbidden_memory(rng.choice(np.array([0, 1, np.nan], dtype), (windows, filters)))
    index = before_forbidden_memory(rng.choice(np.array([0, 3, 255], np.uint8), dy.shape))
    counts = (dy != 0) & (index != 255)

    @njit
    def find(dy, index, first, masks):
        shape, here = tile_shape(1, 1, vectors, lanes), min(BITS, filters - first)
        masks_by_filter(shape, vectors * lanes, dy, index, first, filters, here, windows, masks)

    for first in range(0, filters, BITS):  # a mask has room for 64 filters
        masks = np.full(BITS, -1)
        find(dy.reshape(-1), index.reshape(-1), first, masks)
        found = np.unpackbits(masks.view(np.uint8).reshape(BITS, 8), axis=1, bitorder="little")
        expected = np.zeros((BITS, BITS), np.uint8)
        block = counts[:, first : first + BITS].T
        expected[: len(block), :windows] = block
        np.testing.assert_array_equal(found, expected)


def test_a_square_of_bits_is_transposed():
    from numba import njit

    from scratchcnn.ops.jit.machine.tile_bits import transpose_bits

    bits = np.random.default_rng(0).integers(0, 2, (64, 64), dtype=np.uint8)
    masks = np.packbits(bits, axis=1, bitorder="little").view(np.int64).reshape(64)
    njit(lambda masks: transpose_bits(masks))(masks)
    transposed = np.unpackbits(masks.view(np.uint8).reshape(64, 8), axis=1, bitorder="little")
    np.testing.assert_array_equal(transposed, bits.T)


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
def test_dense(numbers, N, D, F, with_bias, with_dx, shift):
    x, kernel = numbers(N, D), numbers(D, F)
    bias, dbias = (numbers(F), numbers.output(F)) if with_bias else (None, None)
    dx = numbers.output(N, D) if with_dx else None
    options = {"shift": shift, "exact": numbers.whole}
    agree("dense_forward", x, kernel, bias, numbers.output(N, F), **options)
    agree("dense_backward", x, kernel, numbers(N, F), dx, numbers.output(D, F), dbias, **options)
    (y,) = agree("dense_relu_forward", x - x.mean(), kernel, bias, numbers.output(N, F), shift=shift)
    agree("dense_relu_backward", x, kernel, y, numbers(N, F), dx, numbers.output(D, F), dbias, **options)


@few_examples
@given(
    sources,
    slidings(st.sampled_from([1, 3, 16, 21]), st.sampled_from([(1, 1), (2, 2), (3, 2), (1, 4), (5, 3)])),
    shifts,
)
def test_pooling(numbers, pool, shift):
    (N, H, W, C), *geometry, stops = pool
    x, dy, vectors = numbers(N, H, W, C), numbers(N, *stops, C), numbers(N, C)
    y, dx = numbers.output(*dy.shape), numbers.output(*x.shape)
    _, index = agree("max_pool_forward", x, *geometry, y, Output(dy.shape, "uint8"), shift=shift, exact=True)
    agree("max_pool_backward", dy, index, *geometry, dx, shift=shift, exact=numbers.whole)
    agree("average_pool_forward", x, *geometry, y, shift=shift)
    agree("average_pool_backward", dy, *geometry, dx, shift=shift)
    agree("global_average_pool_forward", x, numbers.output(N, C), shift=shift)
    agree("global_average_pool_backward", vectors, dx, shift=shift)


@few_examples
@given(sources, sizes, st.sampled_from([0.0, 0.01, 0.3, 1.0]), shifts)
def test_activations(numbers, size, slope, shift):
    x, dy, result = numbers.signed(size), numbers(size), numbers.output(size)
    agree("relu_forward", x, result, shift=shift, exact=True)
    agree("relu_backward", x, dy, result, shift=shift, exact=True)
    agree("leaky_relu_forward", x, slope, result, shift=shift)
    agree("leaky_relu_backward", x, slope, dy, result, shift=shift)


@few_examples
@given(sources, sizes, st.sampled_from([1 / 255, 2.0]), st.sampled_from([0.0, 3.0]), shifts)
def test_rescaling(numbers, size, scale, offset, shift):
    pixels = numbers.rng.integers(0, 256, size, dtype=np.uint8)
    for x in (pixels, pixels.astype(numbers.dtype)):
        agree("rescale_forward", x, scale, offset, numbers.output(size), shift=shift)
    agree("rescale_backward", numbers(size), scale, numbers.output(size), shift=shift)


@few_examples
@given(sources, sizes, st.sampled_from([0.0, 0.25, 0.5, 0.99]), seeds, shifts)
@example(Numbers(0, "float32"), 17, 0.5, 2**64 - 1, 0)
@example(Numbers(0, "float64"), 1000, 1 - 1e-12, 7, 0)
def test_dropout_drops_the_same_elements_bit_for_bit(numbers, size, rate, seed, shift):
    for operation in ("dropout_forward", "dropout_backward"):
        operands = numbers(size), rate, np.array([seed], np.uint64), numbers.output(size)
        agree(operation, *operands, shift=shift, exact=True)


@few_examples
@given(
    sources, st.sampled_from([(6,), (5, 7, 8), (1100,)]), st.sampled_from([1, 3, 16, 33]), shifts, st.floats(1e-5, 1)
)
def test_batch_norm(numbers, rows, C, shift, epsilon):
    x = numbers.signed(*rows, C)
    dy = numbers(*rows, C) + x / 2  # a sum of products with x, of mean 0, would cancel
    gamma, beta, to_write = numbers(C), numbers(C), [numbers.output(C) for _ in range(3)]
    y, dx = numbers.output(*x.shape), numbers.output(*x.shape)
    agree("batch_norm_inference", x, gamma, beta, numbers(C), numbers(C) ** 2, epsilon, y, shift=shift)
    _, *statistics, _ = agree("batch_norm_forward", x, gamma, beta, epsilon, y, *to_write, shift=shift)
    outputs = dx, numbers.output(C), numbers.output(C)
    agree("batch_norm_backward", x, gamma, *statistics, dy, *outputs, shift=shift)
    y, *_ = agree("batch_norm_relu_forward", x, gamma, beta, epsilon, y, *to_write, shift=shift)
    agree("batch_norm_relu_backward", x, gamma, *statistics, y, dy, *outputs, shift=shift)


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
    agree("softmax_forward", logits, result, shift=shift)
    probabilities, losses = agree(
        "softmax_cross_entropy_forward", logits, labels, smoothing, result, numbers.output(N), shift=shift
    )
    assert np.isfinite(probabilities).all() and np.isfinite(losses).all()
    agree("softmax_cross_entropy_backward", probabilities, labels, smoothing, result, shift=shift)


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
    constants = 0.1, momentum or 0.0, nesterov and bool(momentum), weight_decay
    agree("sgd_step", Changing(numbers(size)), numbers(size), velocity, *constants, shift=shift)


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
    constants = step, 0.1, 0.9, 0.999, 1e-7, weight_decay, decoupled
    agree("adam_step", Changing(numbers(size)), numbers(size), *averages, *constants, shift=shift)


@few_examples
@given(sources, sizes, st.sampled_from([0.1, 1.0, 1e6]), shifts)
def test_clipping_by_norm(numbers, size, max_norm, shift):
    agree("clip_by_norm", Changing(numbers(size)), max_norm, shift=shift)
