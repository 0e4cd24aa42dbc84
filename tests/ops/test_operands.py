"""Faults of the kind: a kernel believes the dtype, shape, range or memory of an array, and reads what is not there."""

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn import ops
from scratchcnn.data.augment import Augmentation
from scratchcnn.ops import Window
from scratchcnn.training.step import train_step

X, KERNEL, Y = (np.ones(shape, np.float32) for shape in ((2, 6, 6, 1), (3, 3, 1, 4), (2, 4, 4, 4)))
IMAGES = np.arange(3 * 4 * 4, dtype=np.uint8).reshape(3, 4, 4, 1)
LOGITS, LABELS, LOSSES = np.zeros((2, 3), np.float32), np.zeros(2, np.int64), np.zeros(2, np.float32)
READ_ONLY = np.zeros((2, 4, 4, 4), np.float32)
READ_ONLY.flags.writeable = False


def convolution(x=X, kernel=KERNEL, bias=None, y=Y, window=None, **changes):
    window = window or Window(size=(3, 3), strides=(1, 1), padding=(0, 0), image=(6, 6), output=(4, 4))
    ops.conv_forward(x, kernel, bias, window._replace(**changes) if changes else window, out=y)


def augment(images=IMAGES, indices=LABELS, out=None):
    out = np.zeros((2, 4, 4, 1), np.uint8) if out is None else out
    ops.augment(images, indices, 0, ops.Distortion(), out=out)


def loss(logits=LOGITS, labels=LABELS, probabilities=None, losses=LOSSES):
    probabilities = np.empty_like(LOGITS) if probabilities is None else probabilities
    ops.softmax_cross_entropy_forward(logits, labels, 0.0, out=(probabilities, losses))


def pool(x=X, index=None, output=(3, 3), **changes):
    y = np.ones((2, *output, 1), np.float32)
    index = np.zeros(y.shape, np.uint8) if index is None else index
    kernel, bias = np.ones((1, 1, 1, 1), np.float32), np.ones(1, np.float32)
    window = Window(size=(1, 1), strides=(1, 1), padding=(0, 0), image=x.shape[1:3], output=x.shape[1:3])
    pool = Window(size=(2, 2), strides=(2, 2), padding=(0, 0), image=window.output, output=output)._replace(**changes)
    ops.conv_relu_pool_forward(x, kernel, bias, window, pool, out=(y, index))


def rescaled(dtype):
    ops.rescale_forward(X, 0.5, 0.0, dtype, out=np.empty_like(X))


def adam(gradients):
    parameters = np.zeros((3, 4), np.float32)
    ops.adam_step(parameters[0], gradients, *parameters[1:], 1, ops.AdamSettings(0.1, 0.9, 0.99, 1e-7))


@pytest.mark.parametrize(
    "call", [augment, loss, *(pytest.param(call, marks=pytest.mark.slow) for call in (convolution, pool))]
)
def test_what_fits_is_computed(call, backend):
    call()
    call()


WRONG = {
    "kernel of another dtype": (convolution, {"kernel": KERNEL.astype(np.float64)}),
    "big-endian numbers": (convolution, {"x": X.astype(">f4")}),
    "half precision": (convolution, {"x": X.astype(np.float16)}),
    "every second image": (convolution, {"x": np.ones((4, 6, 6, 1), np.float32)[::2]}),
    "Fortran order": (
        convolution,
        {"kernel": np.asfortranarray(np.ones((3, 3, 2, 4), np.float32)), "x": np.ones((2, 6, 6, 2), np.float32)},
    ),
    "a list": (convolution, {"bias": [0.0] * 4}),
    "a read-only output": (convolution, {"y": READ_ONLY}),
    "more outputs than images": (convolution, {"y": np.ones((3, 4, 4, 4), np.float32)}),
    "a bias for fewer filters": (convolution, {"bias": np.ones(3, np.float32)}),
    "other channels": (convolution, {"kernel": np.ones((3, 3, 2, 4), np.float32)}),
    "no channels": (convolution, {"x": np.ones((2, 6, 6, 0), np.float32), "kernel": np.ones((3, 3, 0, 4), np.float32)}),
    "no stride": (convolution, {"strides": (0, 1)}),
    "a negative padding": (convolution, {"padding": (-1, 0)}),
    "a stride that is no pair": (convolution, {"strides": 1}),
    "a stride of three": (convolution, {"strides": (1, 1, 1)}),
    "a window that is none": (convolution, {"window": ((3, 3), (1, 1), (0, 0), (6, 6), (4, 4))}),
    "a window of another kernel": (convolution, {"size": (2, 3)}),
    "a window over larger images": (convolution, {"image": (6, 7)}),
    "more positions of a window than outputs": (convolution, {"output": (4, 5)}),
    "one output for two results": (loss, {"losses": None}),
    "indices of 32 bits": (augment, {"indices": LABELS.astype(np.int32)}),
    "indices that are floats": (augment, {"indices": LABELS.astype(float)}),
    "an output of another dtype": (augment, {"out": np.zeros((2, 4, 4, 1), np.float32)}),
    "an output of larger images": (augment, {"out": np.zeros((2, 5, 4, 1), np.uint8)}),
    "objects": (augment, {"images": IMAGES.astype(object), "out": IMAGES[:2].astype(object)}),
    "images that are the output": (augment, {"out": IMAGES[1:]}),
    "labels of 32 bits": (loss, {"labels": LABELS.astype(np.int32)}),
    "fewer labels than rows": (loss, {"labels": LABELS[:1]}),
    "no classes": (loss, {"logits": LOGITS[:, :0].copy(), "probabilities": LOGITS[:, :0].copy()}),
    "an index of four bytes": (pool, {"index": np.zeros((2, 3, 3, 1), np.int32)}),
    "a pool of 256 pixels": (pool, {"size": (16, 16), "x": np.ones((2, 40, 40, 1), np.float32), "output": (1, 1)}),
    "a pool that leaves the image": (pool, {"size": (3, 3)}),
    "a pool with padding": (pool, {"padding": (1, 0)}),
    "a pool of another image": (pool, {"image": (7, 6)}),
    "another precision than the result's": (rescaled, {"dtype": np.dtype(np.float64)}),
    "a shorter gradient": (adam, {"gradients": np.zeros(3, np.float32)}),
    "a gradient of another dtype": (adam, {"gradients": np.zeros(4)}),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_operation_refuses_what_its_kernel_would_misread(case, backend):
    call, arguments = WRONG[case]
    with pytest.raises(ValueError):
        call(**arguments)


@pytest.mark.parametrize("number", [-1, 3, 2**62])
@pytest.mark.parametrize(("call", "argument"), [(augment, "indices"), (loss, "labels")])
def test_a_number_of_no_image_or_class_is_an_index_error(call, argument, number, backend):
    with pytest.raises(IndexError, match="must lie between 0 and 2"):
        call(**{argument: np.array([0, number])})


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.uint16, np.uint64])
def test_augmentation_gathers_the_same_images_with_indices_of_any_integer_dtype(dtype, backend):
    indices, out = np.array([2, 0, 1, 2]), np.zeros((4, 4, 4, 1), np.uint8)
    Augmentation().gather(IMAGES, indices.astype(dtype), 0, out)
    np.testing.assert_array_equal(out, IMAGES[indices])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((IMAGES, np.array([0, 3]), 0), IndexError),
        ((IMAGES, np.array([0, -1]), 0), IndexError),
        ((IMAGES, np.array([0.0, 1.0]), 0), IndexError),
        ((IMAGES, np.array([0, 1]), -1), ValueError),
        ((IMAGES, np.array([0, 1]), 2**64), ValueError),
        ((IMAGES[:, ::-1], np.array([0, 1]), 0), ValueError),
        ((IMAGES.astype(np.float32), np.array([0, 1]), 0), ValueError),
        ((IMAGES.astype(np.int64), np.array([0, 1]), 0), ValueError),
    ],
)
def test_augmentation_refuses_what_it_cannot_gather(arguments, error, backend):
    with pytest.raises(error):
        Augmentation(rotation=5).gather(*arguments, np.zeros((2, 4, 4, 1), np.uint8))


@pytest.mark.slow
def test_a_distortion_that_overflows_shows_background_and_reads_nothing_else(backend):
    with np.errstate(all="ignore"):
        drawn = Augmentation(elastic=(1e300, 1))(IMAGES.astype(np.float32), seed=1)
    assert drawn.shape == (3, 4, 4, 1)


def at_an_odd_address(array):
    """Return an equal array that begins in the middle of a number, as one may that is a part of a file's bytes."""
    return np.frombuffer(b"x" + array.tobytes(), np.uint8)[1:].view(array.dtype).reshape(array.shape)


def test_arrays_at_odd_addresses_are_as_good_as_others():
    model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(3)], input_shape=(4, 4, 1))
    model.compile(sc.SGD(0.1))
    x, y = IMAGES.astype(np.float32), np.array([0, 2, 1])
    odd_x, odd_y = at_an_odd_address(x), at_an_odd_address(y)
    assert not odd_x.flags.aligned
    with ops.using("reference"):  # which is called under the same checks
        np.testing.assert_array_equal(model.predict(odd_x), model.predict(x))
        np.testing.assert_array_equal(model.forward(odd_x).copy(), model.forward(x))
        assert model.evaluate(odd_x, odd_y) == model.evaluate(x, y)
        train_step(model, odd_x, odd_y)


def test_a_pool_hands_no_gradient_to_a_place_outside_of_the_image(backend):
    dx = np.zeros((3, 2, 2, 1), np.float32)
    index = np.full((3, 1, 1, 1), 255, np.uint8)
    window = Window(size=(2, 2), strides=(2, 2), padding=(0, 0), image=(2, 2), output=(1, 1))
    ops.max_pool_backward(np.ones((3, 1, 1, 1), np.float32), index, window, out=dx)
    assert not dx.any()


def test_a_recording_is_not_played_with_arrays_of_another_shape():
    recording = ops.record(lambda a, b: ops.relu_forward(a, out=b), *np.ones((2, 8), np.float32))
    recording.play(*np.ones((2, 8), np.float32))
    for wrong in (np.ones((2, 9), np.float32), np.ones((2, 8))):
        with pytest.raises(ValueError, match="recorded"):
            recording.play(*wrong)


def test_arguments_of_an_operation_may_be_named_and_none_is_forgotten_or_invented(backend):
    x, y = np.ones((2, 3), np.float32), np.empty((2, 3), np.float32)
    ops.leaky_relu_forward(x, negative_slope=0.5, out=y)
    np.testing.assert_array_equal(y, x)
    for arguments, named in ([(x,), {}], [(x, 0.5, 1), {}], [(x, 0.5), {"slope": 1}]):
        with pytest.raises(TypeError, match="leaky_relu_forward takes x, negative_slope"):
            ops.leaky_relu_forward(*arguments, out=y, **named)
    for out in ({}, {"out": (y, y)}):
        with pytest.raises(ValueError, match=r"pass out=\(y\)|must be a NumPy array"):
            ops.leaky_relu_forward(x, 0.5, **out)
