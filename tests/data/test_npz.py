"""mnist.npz: what it promises is compared with what is expected before memory is spent on it."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from scratchcnn.data import load_data
from scratchcnn.data.npz import KEYS
from support.data_sets import assert_is, failure
from support.small_data_sets import arrays_of

pytestmark = pytest.mark.usefixtures("surroundings", "small")


def arrays(**others):
    return {**dict(zip(KEYS, arrays_of("mnist"), strict=True)), **others}


@pytest.mark.parametrize("dtype", ["int64", "float32", "float64", ">i4"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_numbers_of_any_type_and_order_are_read(dtype, save, tmp_path):
    save(tmp_path / "MNIST.npz", **{key: np.asfortranarray(array, dtype) for key, array in arrays().items()})
    assert_is(load_data("mnist", tmp_path), "mnist")


X = arrays_of("mnist")[0]
KINDS = {
    "a structure": (X.view([("pixel", "u1")]), r"x_train: holds (40, 28, 28) [('pixel', 'u1')], expected (40, 28, 28)"),
    "strings": (X.astype("U1"), "x_train: holds (40, 28, 28) <U1, expected (40, 28, 28) uint8"),
    "bytes": (X.astype("S3"), "holds (40, 28, 28) |S3"),
    "void": (X.view("V1"), "holds (40, 28, 28) |V1"),
    "times": (X.astype("m8[s]"), "holds (40, 28, 28) timedelta64[s]"),
    "complex": (X.astype("c8"), "holds (40, 28, 28) complex64"),
    "objects": (X[:1, :2].astype(object), "holds (1, 2, 28) object"),
    "NaN": (np.full(X.shape, np.nan), "holds (40, 28, 28) float64, expected (40, 28, 28) uint8"),
    "beyond bytes": (X.astype(int) + 256, "holds (40, 28, 28) int64, expected (40, 28, 28) uint8"),
    "flat": (X.reshape(40, -1), "holds (40, 784) uint8, expected (40, 28, 28) uint8"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_image_is_an_error_that_names_the_file_and_what_was_expected(kind, tmp_path):
    array, message = KINDS[kind]
    np.savez(tmp_path / "mnist.npz", **arrays(x_train=array))
    text = failure("mnist", data_dir=tmp_path)
    assert f"{tmp_path / 'mnist.npz'}" in text and message in text
    assert f"a file of your own is read with numpy.load('{tmp_path / 'mnist.npz'}')" in text


def test_other_arrays_are_named(tmp_path):
    np.savez(tmp_path / "mnist.npz", images=X)
    assert "holds the arrays ['images'], expected x_train, y_train, x_test, y_test" in failure(
        "mnist", data_dir=tmp_path
    )


def npy(shape, content=b"", version=b"\1\0"):
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY" + version + struct.pack("<H" if version == b"\1\0" else "<I", len(header)) + header + content


@pytest.mark.parametrize(
    "content, message",
    [
        (bytes(200_000_000), "has 200000000 bytes, too many: expected (40, 28, 28) uint8"),
        (npy((10**6, 28, 28)), "holds (1000000, 28, 28) uint8, expected (40, 28, 28)"),
        (npy((40, 28, 28), bytes(9)), "holds 9 bytes, its header promises 31360"),
        (npy((40, 28, 28), bytes(40_000)), "holds more than 31360 bytes, its header promises 31360"),
        (
            npy((40, 28, 28), version=b"\2\0"),
            "is no array that can be read (the version of its format is (2, 0), expected (1, 0))",
        ),
        (b"nonsense", "is no array that can be read"),
        (b"", "is no array that can be read"),
    ],
)
def test_a_promise_that_is_not_kept_is_refused_at_no_cost(content, message, tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays())
    with zipfile.ZipFile(buffer) as good, zipfile.ZipFile(tmp_path / "mnist.npz", "w", zipfile.ZIP_DEFLATED) as bad:
        for name in good.namelist():
            bad.writestr(name, content if name == "x_train.npy" else good.read(name))
    tracemalloc.start()
    assert f"{tmp_path / 'mnist.npz'}/x_train: {message}" in failure("mnist", data_dir=tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize("damage", [lambda old: old[:1000], lambda old: b"", lambda old: old[:900] + b"?" + old[901:]])
def test_a_damaged_archive_is_named(damage, tmp_path):
    np.savez(tmp_path / "mnist.npz", **arrays())
    content = (tmp_path / "mnist.npz").read_bytes()
    (tmp_path / "mnist.npz").write_bytes(damage(content))
    assert f"{tmp_path / 'mnist.npz'} is not such a file as Keras's mnist.npz" in failure("mnist", data_dir=tmp_path)
