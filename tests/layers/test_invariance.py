"""Faults of the kind: an answer depends on what it does not belong to, on the other images of its batch."""

import numpy as np
import pytest

import scratchcnn as sc
from support.cases import convolution
from support.marks import without_numba
from support.small_networks import compiled_network, random_images

pytestmark = without_numba


def lenet():
    """Return layers whose convolutions run plane by plane, and on tiles; images of 28 x 28."""
    convolutions = [sc.Conv2D(6, 5, padding="same"), sc.ReLU(), sc.MaxPool2D(2), sc.Conv2D(16, 5), sc.ReLU()]
    return [sc.Rescaling(1 / 255), *convolutions, sc.MaxPool2D(2), sc.Flatten(), sc.Dense(30), sc.ReLU(), sc.Dense(10)]


def windows():
    """Return layers whose convolutions run in output tiles of 2 x 2 and 4 x 4; images of 13 x 13."""
    first = [sc.Conv2D(8, 3), sc.ReLU(), sc.Conv2D(16, 3), sc.ReLU(), sc.MaxPool2D(2)]
    return [*first, sc.Conv2D(64, 3, padding="same"), sc.BatchNorm(), sc.GlobalAveragePool2D(), sc.Dense(10)]


def odd():
    """Return layers of every other kind; images of 7 x 9."""
    first = [sc.Conv2D(8, (3, 2), strides=2), sc.BatchNorm(), sc.LeakyReLU(), sc.AveragePool2D(2, padding="same")]
    return [
        *first,
        sc.Conv2D(32, 3, padding="same"),
        sc.MaxPool2D(3, 1, "same"),
        sc.Flatten(),
        sc.Dropout(0.5),
        sc.Dense(3),
    ]


NETWORKS = {"lenet": (lenet, (28, 28, 1)), "windows": (windows, (13, 13, 1)), "odd": (odd, (7, 9, 2))}


def losses_of_each(model, x, y):
    model.loss.forward(model.forward(x), y)
    return model.loss.per_sample().copy()


def require_the_same_bits(model, x, y):
    """Ask a model for the same images in batches of other sizes, in other places, and in slices of the data."""
    together, losses = model.predict(x, batch_size=len(x)), losses_of_each(model, x, y)
    for batch_size in (1, 2, 3, 7, 32, 128, 129):
        np.testing.assert_array_equal(model.predict(x, batch_size), together)
    for count in (1, 2, 5, 31, 33):
        np.testing.assert_array_equal(model.predict(x[-count:]), together[-count:])
        np.testing.assert_array_equal(losses_of_each(model, x[-count:], y[-count:]), losses[-count:])
    np.testing.assert_array_equal(model.predict(x[::-1]), together[::-1])


def test_the_answer_to_an_image_has_the_same_bits_in_any_batch():
    x = random_images(131)
    require_the_same_bits(compiled_network(), x, np.arange(131) % 10)


@pytest.mark.slow
def test_winograds_algorithm_gives_an_image_the_same_bits_alone_and_among_others():
    from scratchcnn.ops.jit import conv_relu_pool_forward

    rng, case = np.random.default_rng(0), convolution((8, 13, 13, 32), (3, 3), 64, pool=((2, 2), (2, 2)))
    x, kernel, bias = (rng.normal(size=shape).astype(np.float32) for shape in (case.images, case.kernel, (case.F,)))
    answers = []
    for images in (x, x[5:6]):
        y = np.empty((len(images), 5, 5, 64), np.float32)
        conv_relu_pool_forward(images, kernel, bias, *case.windows, out=(y, np.empty(y.shape, np.uint8)))
        answers.append(y[5 % len(images)])
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("shape", [(40, 1600, 10), (40, 1025, 3), (40, 8192, 16), (40, 1023, 10), (40, 1600, 17)])
def test_a_long_sum_of_few_units_has_the_same_bits_alone_and_among_others(shape):
    from scratchcnn.ops.jit import dense_forward, dense_relu_forward

    N, D, F = shape
    rng = np.random.default_rng(0)
    x, kernel, bias = (rng.normal(size=s).astype(np.float32) for s in ((N, D), (D, F), (F,)))
    for forward in (dense_forward, dense_relu_forward):
        answers = []
        for rows in (N, 1, 2, 7):
            y = np.empty((rows, F), np.float32)
            forward(x[:rows], kernel, bias, out=y)
            answers.append(y[0])
        for answer in answers[1:]:
            np.testing.assert_array_equal(answer, answers[0])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_any_network_answers_with_the_same_bits_in_any_batch(name, dtype):
    layers, shape = NETWORKS[name]
    model = sc.Sequential(layers(), input_shape=shape, dtype=dtype)
    model.compile()
    x = random_images(131, shape)
    x = x if name == "lenet" else (x / 255).astype(dtype)
    y = np.arange(131) % model.output_shape[0]
    model.fit(x[:32], y[:32], verbose=0)  # moving averages that are not 0 and 1
    require_the_same_bits(model, x, y)
