"""Augmentation: the sampling against scipy, the random moves against their limits, and both implementations."""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchcnn import ops
from scratchcnn.data import Augmentation
from scratchcnn.ops.reference.augment import bumps, moved, sample
from support.augmentations import EVERYTHING, IMAGES
from support.implementations import Numbers, Output, agree, few_examples
from support.marks import without_numba

ndimage = pytest.importorskip("scipy.ndimage")


def sources_of(augmentation, N=300, H=28, W=28, seed=0):
    """Return the rows and columns (N, 2, H, W) that pixels come from: what is drawn of pictures of these numbers.

    Only in pictures of the numbers 0 to 1 from edge to edge; where a pixel comes from outside, NaN.
    """
    ramps = np.ones((3, H, W, 1))
    ramps[0, :, :, 0] *= np.arange(H)[:, np.newaxis]
    ramps[1, :, :, 0] *= np.arange(W)
    drawn = np.empty((3, N, H, W, 1))
    for ramp in range(3):
        augmentation.gather(ramps, np.full(N, ramp), seed, drawn[ramp])
    inside = drawn[2] > 1 - 1e-9  # all four neighbours are pixels of the image
    return np.where(inside, drawn[:2], np.nan)[..., 0].transpose(1, 0, 2, 3)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_nothing_asked_for_is_nothing_changed(backend, dtype):
    images = IMAGES.astype(dtype)
    np.testing.assert_array_equal(Augmentation()(images, seed=3), images)
    np.testing.assert_array_equal(Augmentation(elastic=(0, 2))(images, seed=3), images)


def test_bilinear_sampling_is_that_of_scipy():
    rng = np.random.default_rng(0)
    images, places = rng.random((4, 9, 7, 3)), rng.uniform(-3, 12, (4, 2, 9, 7))
    expected = [
        [ndimage.map_coordinates(image[..., c], place, order=1, mode="grid-constant") for c in range(3)]
        for image, place in zip(images, places, strict=True)
    ]
    np.testing.assert_allclose(sample(images, places), np.moveaxis(expected, 1, -1), atol=1e-12)


def test_an_elastic_distortion_samples_where_scipy_would(backend):
    images = IMAGES.astype(np.float64)[..., np.newaxis]
    drawn = np.empty_like(images)
    EVERYTHING.gather(images, np.arange(40), 5, drawn)
    places = sources_of(EVERYTHING, 40, seed=5)
    for image, result, place in zip(images[..., 0], drawn[..., 0], places, strict=True):
        inside = np.isfinite(place).all(axis=0)
        expected = ndimage.map_coordinates(image, place[:, inside], order=1)
        assert inside.mean() > 0.5
        np.testing.assert_allclose(result[inside], expected, atol=1e-9)


def test_a_move_of_the_whole_image_is_an_affine_transformation_of_scipy():
    t, z, s, down, right = 0.3, 0.2, -0.25, 1.5, -0.75
    turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])  # (row, column): counterclockwise as one sees it
    slant = np.array([[1, 0], [-np.tan(s), 1]])  # what is above the middle, at negative rows, goes right
    back = np.linalg.inv((1 + z) * turn @ slant)
    middle = np.array([(28 - 1) / 2, (20 - 1) / 2])
    image = np.random.default_rng(0).random((28, 20))
    expected = ndimage.affine_transform(
        image, back, middle - back @ (middle + np.array([down, right])), order=1, mode="grid-constant"
    )
    places = moved(np.array([[t, z, s, down, right]]), 28, 20)
    np.testing.assert_allclose(sample(image[np.newaxis, ..., np.newaxis], places)[0, ..., 0], expected, atol=1e-12)


def test_a_quarter_turn_is_counterclockwise():
    image = np.random.default_rng(0).random((1, 6, 6, 1))
    np.testing.assert_allclose(
        sample(image, moved(np.array([[np.pi / 2, 0, 0, 0, 0]]), 6, 6))[0], np.rot90(image[0]), atol=1e-12
    )


def derivatives(places):
    """Return the derivatives [[dy/dr, dy/dc], [dx/dr, dx/dc]] of affine places by row and column: (N, 2, 2)."""
    steps = [np.nanmean(np.diff(places, axis=axis), axis=(2, 3)) for axis in (2, 3)]
    return np.stack(steps, axis=-1)


def test_rotations_are_rigid_and_fill_the_range_of_angles(backend):
    matrices = derivatives(sources_of(Augmentation(rotation=30)))
    np.testing.assert_allclose(matrices @ matrices.swapaxes(1, 2), np.broadcast_to(np.eye(2), (300, 2, 2)), atol=1e-9)
    angles = np.degrees(np.arctan2(matrices[:, 0, 1], matrices[:, 0, 0]))
    assert 29 < angles.max() <= 30 and -30 <= angles.min() < -29 and abs(angles.mean()) < 3


def test_shifts_fill_their_range_and_are_independent_along_the_axes(backend):
    places = sources_of(Augmentation(shift=2.5))
    grid = np.stack(np.meshgrid(np.arange(28), np.arange(28), indexing="ij"))
    shifts = np.nanmean(places - grid, axis=(2, 3))
    assert np.nanmax(np.abs(places - grid - shifts[:, :, np.newaxis, np.newaxis])) < 1e-9
    assert (2.4 < shifts.max(axis=0)).all() and (shifts.min(axis=0) < -2.4).all() and np.abs(shifts).max() <= 2.5
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 0.2


def test_zooms_fill_their_range_and_keep_proportions(backend):
    matrices = derivatives(sources_of(Augmentation(zoom=0.25)))
    sizes = 1 / matrices[:, 0, 0]
    np.testing.assert_allclose(matrices, np.eye(2) / sizes[:, np.newaxis, np.newaxis], atol=1e-9)
    assert 1.24 < sizes.max() <= 1.25 and 0.75 <= sizes.min() < 0.76


def test_shears_slant_columns_and_leave_rows_alone(backend):
    matrices = derivatives(sources_of(Augmentation(shear=20)))
    angles = np.degrees(np.arctan(matrices[:, 1, 0]))
    assert 19 < angles.max() <= 20 and -20 <= angles.min() < -19
    matrices[:, 1, 0] = 0
    np.testing.assert_allclose(matrices, np.broadcast_to(np.eye(2), (300, 2, 2)), atol=1e-9)


@pytest.mark.parametrize("alpha, sigma", [(34, 4), (5, 1.5), (60, 6)])
def test_elastic_displacements_are_noise_smoothed_by_a_gaussian_filter(alpha, sigma):
    rng = np.random.default_rng(0)
    down = bumps(28, sigma)
    coarse = alpha * (down @ rng.uniform(-1, 1, (4000, down.shape[1], down.shape[1])) @ down.T)
    fine = alpha * ndimage.gaussian_filter(rng.uniform(-1, 1, (4000, 28, 28)), sigma, axes=(1, 2), mode="wrap")
    for field in (coarse, fine):
        np.testing.assert_allclose(field.std(), alpha / (sigma * np.sqrt(12 * np.pi)), rtol=0.05)
    for distance in (1, 3, 6):  # a Gaussian filter correlates neighbours like a Gaussian, sqrt(2) times as wide
        products = (coarse[:, :, :-distance] * coarse[:, :, distance:]).mean() / coarse.var()
        np.testing.assert_allclose(products, np.exp(-(distance**2) / (4 * sigma**2)), atol=0.03)
    np.testing.assert_allclose(coarse.std(axis=0), coarse.std(), rtol=0.1, err_msg="everywhere alike, edges included")


def test_the_same_seed_gives_the_same_images_and_another_one_others(backend):
    first = EVERYTHING(IMAGES, seed=1)
    np.testing.assert_array_equal(EVERYTHING(IMAGES, seed=1), first)
    assert (EVERYTHING(IMAGES, seed=2) != first).any(axis=(1, 2)).all()
    copies = EVERYTHING(IMAGES[[3, 3]], seed=1)
    assert (copies[0] != copies[1]).any(), "each image of a batch has random numbers of its own"


def test_an_image_does_not_depend_on_the_size_of_its_batch(backend):
    np.testing.assert_array_equal(EVERYTHING(IMAGES[:3], seed=1), EVERYTHING(IMAGES, seed=1)[:3])


@without_numba
def test_any_number_of_chunks_computes_the_same_bits(monkeypatch):
    module = importlib.import_module("scratchcnn.ops.jit.augment")  # the function of the same name hides it
    results = []
    for chunks in (1, 2, 3, 7):
        monkeypatch.setattr(module, "chunks_for_rows", lambda rows, chunks=chunks: chunks)
        with ops.using("jit"):
            results.append(EVERYTHING(IMAGES, seed=9).tobytes())
    assert len(set(results)) == 1


@without_numba
@few_examples
@given(
    numbers=st.builds(Numbers, st.integers(0, 2**64 - 1), st.sampled_from(["float32", "float64"])),
    shape=st.sampled_from([(28, 28, 1), (5, 9, 3), (1, 1, 1), (16, 3, 2)]),
    count=st.sampled_from([1, 4, 9]),
    moves=st.sampled_from(
        [(0.0, 0.0, 0.0, 0.0), (180.0, 0.0, 0.0, 0.0), (15.0, 2.5, 0.3, 20.0), (0.0, 50.0, 0.0, 0.0)]
    ),
    elastic=st.sampled_from([(0.0, 0.0), (34.0, 4.0), (3.0, 1.0), (5.0, 40.0)]),
    shift=st.sampled_from([0, 1]),
)
def test_both_implementations_draw_the_same(numbers, shape, count, moves, elastic, shift):
    images, indices = numbers(6, *shape), numbers.rng.integers(0, 6, count)
    seed = int(numbers.rng.integers(2**64, dtype=np.uint64))
    distortion = ops.Distortion(*moves, elastic)
    agree("augment", images, indices, seed, distortion, out=Output((count, *shape), numbers.dtype), shift=shift)
    pixels = numbers.rng.integers(0, 256, images.shape, dtype=np.uint8)
    drawn = [np.empty((count, *shape), np.uint8) for _ in ops.BACKENDS]
    for name, out in zip(ops.BACKENDS, drawn, strict=True):
        with ops.using(name):
            ops.augment(pixels, indices, seed, distortion, out=out)
    difference = np.abs(drawn[0].astype(int) - drawn[1])
    assert difference.max() <= 1 and (difference > 0).sum() <= 2, "rounding, where a value is half-way"


def test_images_may_lack_the_axis_of_channels_be_of_any_type_and_stay_as_they_are(backend):
    before = IMAGES.tobytes()
    flat, deep = EVERYTHING(IMAGES, seed=4), EVERYTHING(IMAGES[..., np.newaxis], seed=4)
    np.testing.assert_array_equal(flat, deep[..., 0])
    backwards = np.asfortranarray(IMAGES)
    np.testing.assert_array_equal(EVERYTHING(backwards, seed=4), flat)
    assert flat.dtype == np.uint8 and EVERYTHING(IMAGES.astype(int)).dtype == np.float32
    assert IMAGES.tobytes() == before
    assert EVERYTHING(IMAGES[:0]).shape == (0, 28, 28)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"rotation": 181}, "rotation must be one number, an angle from 0 to 180 degrees, got 181"),
        ({"shift": -1}, "shift must be one number, of pixels along each axis, at least 0, got -1"),
        ({"zoom": 1}, "zoom must be one number, a fraction, at least 0 and below 1, got 1"),
        ({"shear": 90}, "shear must be one number, an angle, at least 0 and below 90 degrees, got 90"),
        ({"shear": float("nan")}, "shear must be one number, an angle"),
        ({"rotation": "10"}, "rotation must be one number, an angle from 0 to 180 degrees, got '10'"),
        ({"rotation": True}, "rotation must be one number, .* got True"),
        ({"shift": (1, 2)}, r"shift must be one number, of pixels along each axis, at least 0, got \(1, 2\)"),
        ({"shift": np.array([1, 2])}, "shift must be one number"),
        ({"elastic": ("a", "b")}, r"elastic must be a pair \(alpha, sigma\)"),
        ({"horizontal_flip": "yes"}, "horizontal_flip must be True or False, got 'yes'"),
        ({"elastic": 34}, r"elastic must be a pair \(alpha, sigma\)"),
        ({"elastic": (34, 0.5)}, r"sigma at least 1, or None, got \(34, 0.5\)"),
    ],
)
def test_parameters_without_a_meaning_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**arguments)


def test_what_is_not_a_batch_of_images_is_refused():
    with pytest.raises(ValueError, match=r"images \(N, H, W\) or \(N, H, W, C\), got shape \(28, 28\).*newaxis"):
        EVERYTHING(IMAGES[0])
    with pytest.raises(ValueError, match=r"\(28, 28, 3\) may be one image .*pass x\[np.newaxis\]"):
        EVERYTHING(np.zeros((28, 28, 3)))
    for seed, message in [(-1, "at least 0"), (2**64, "must lie in"), (1.5, "an integer"), (None, "an integer")]:
        with pytest.raises(ValueError, match=rf"seed .*{message}"):
            EVERYTHING(IMAGES, seed=seed)


def test_numpys_numbers_are_numbers_and_images_may_lie_anywhere_in_memory():
    assert Augmentation(rotation=np.float32(10), horizontal_flip=np.True_) == Augmentation(10.0, horizontal_flip=True)
    images = IMAGES.astype(np.float32)
    odd = np.frombuffer(b"?" + images.tobytes(), np.uint8)[1:].view(np.float32).reshape(images.shape)
    assert np.array_equal(EVERYTHING(odd, seed=1), EVERYTHING(images, seed=1))
