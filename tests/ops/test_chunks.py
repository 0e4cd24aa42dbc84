"""How an operation is divided among the threads changes the time that it takes, and not one bit of its result."""

from unittest import mock

import numpy as np
import pytest

from support.cases import convolution
from support.implementations import Numbers, Output, agree
from support.marks import without_numba

pytestmark = without_numba

TWO_BY_TWO = ((2, 2), (2, 2))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("N", "C", "F"), [(1, 32, 64), (1, 32, 40), (3, 16, 40), (5, 16, 40)])
@pytest.mark.parametrize("pooled", [True, False])
def test_a_convolution_has_the_same_bits_however_its_windows_and_filters_are_divided(N, C, F, dtype, pooled):
    from scratchcnn.ops.jit import conv_relu_forward, conv_relu_pool_forward
    from scratchcnn.ops.jit.convolution.winograd import forward as winograd_conv
    from scratchcnn.ops.jit.runtime import chunks

    numbers = Numbers(0, dtype)
    case = convolution((N, 13, 13, C), (3, 3), F, pool=TWO_BY_TWO if pooled else None)
    x, kernel, bias = numbers.signed(*case.images), numbers.signed(*case.kernel), numbers.signed(F)
    assert case.output_tile() == 4
    answers, divisions, divide = set(), set(), winograd_conv.divide

    def noted(*arguments):
        tile, batches, parts = divide(*arguments)
        divisions.add((batches, parts))
        return tile, batches, parts

    for threads in range(1, 8):
        y, index = np.empty(case.outputs, dtype), np.zeros(case.outputs, np.uint8)
        with (
            mock.patch.object(chunks, "most_threads", lambda threads=threads: threads),
            mock.patch.object(winograd_conv, "divide", noted),
        ):
            if pooled:
                conv_relu_pool_forward(x, kernel, bias, *case.windows, out=(y, index))
            else:
                conv_relu_forward(x, kernel, bias, case.window, out=y)
        answers.add(y.tobytes() + index.tobytes())
    assert len(answers) == 1
    assert len(divisions) > 1, divisions


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("F", [64, 130])
def test_a_pooled_convolution_divided_by_its_filters_agrees_with_the_textbook(F, dtype):
    numbers = Numbers(1, dtype)
    case = convolution((1, 10, 11, 128), (3, 3), F, pool=TWO_BY_TWO)
    x, kernel, bias = numbers.signed(*case.images), numbers.signed(*case.kernel), numbers.signed(F)
    assert case.output_tile() == 4
    out = numbers.output(*case.outputs), Output(case.outputs, "uint8", is_compared=False)
    agree("conv_relu_pool_forward", x, kernel, bias, *case.windows, out=out)


def test_one_image_is_divided_by_its_filters_and_many_by_their_windows():
    from scratchcnn.ops.jit.convolution.winograd.forward import divide

    float32 = np.dtype(np.float32)
    assert divide(25, 16, 32, 64, 2, float32)[1:] == (1, 2)
    assert divide(128 * 25, 16, 32, 64, 2, float32)[1:] == (2, 1)
    assert divide(128 * 9, 36, 32, 64, 2, float32)[1:] == (2, 1)


def test_transformed_kernels_that_would_fill_the_memory_are_not_made_for_each_thread():
    from scratchcnn.ops.jit.convolution.winograd.forward import divide
    from scratchcnn.ops.jit.runtime.chunks import REDUCTION_BYTES

    for places in (16, 36):
        _, batches, parts = divide(20_000, places, 512, 512, 64, np.dtype(np.float32))
        assert parts > 1 and batches * places * 512 * 512 * 4 <= REDUCTION_BYTES
