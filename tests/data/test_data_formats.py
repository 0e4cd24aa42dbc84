"""The data that people have: MNIST in every form it comes in, CIFAR-10, pictures in folders, tables, mirror images."""

from __future__ import annotations

import gzip
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from support.small_data_sets import arrays_of

pytestmark = pytest.mark.usefixtures("surroundings")


def write(folder, files, rename=lambda name: name, unpack=False):
    for name, content in files.items():
        path = folder / rename(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.decompress(content) if unpack else content)


def assert_found(folder, name="mnist"):
    (x_train, y_train), (x_test, y_test) = sc.data.load_data(name, data_dir=folder)
    for array, expected in zip((x_train, y_train, x_test, y_test), arrays_of(name), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.uint8


def dotted(name):
    return name.removesuffix(".gz").replace("-idx", ".idx")


LAYOUTS = {
    "torchvision": (lambda name: f"MNIST/raw/{name}", False),
    "torchvision, unpacked": (lambda name: f"MNIST/raw/{name.removesuffix('.gz')}", True),
    "dots": (dotted, True),
    "dots, packed": (lambda name: dotted(name) + ".gz", False),
    "each in a folder of its own": (lambda name: f"{name.removesuffix('.gz')}/{name.removesuffix('.gz')}", True),
    "each in a folder of its own, dots": (lambda name: f"{dotted(name)}/{dotted(name)}", True),
    "somewhere below": (lambda name: f"archive/files/{name}", False),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_mnist_is_found_as_it_was_unpacked(layout, small, tmp_path):
    rename, unpack = LAYOUTS[layout]
    write(tmp_path, small["mnist"], rename, unpack)
    assert_found(tmp_path)


def test_mnist_is_found_from_below_and_from_one_of_its_files(small, tmp_path):
    write(tmp_path / "MNIST" / "raw", small["mnist"])
    (tmp_path / "MNIST" / "raw" / "deep").mkdir()
    assert_found(tmp_path / "MNIST" / "raw" / "deep")
    assert_found(tmp_path / "MNIST")
    assert_found(tmp_path / "MNIST" / "raw" / next(iter(small["mnist"])))


def test_of_several_data_sets_with_the_same_names_the_right_one_is_taken(small, tmp_path):
    write(tmp_path / "FashionMNIST" / "raw", small["fashion_mnist"])
    write(tmp_path / "MNIST" / "raw", small["mnist"])
    assert_found(tmp_path, "mnist")
    assert_found(tmp_path, "fashion_mnist")


def test_keras_mnist_npz_is_read_and_checked(small, tmp_path):
    arrays = dict(zip(("x_train", "y_train", "x_test", "y_test"), arrays_of("mnist"), strict=True))
    np.savez(tmp_path / "mnist.npz", **arrays)
    assert_found(tmp_path)
    np.savez(tmp_path / "mnist.npz", **{**arrays, "x_test": arrays["x_test"] // 2})
    with pytest.raises(sc.data.DataUnavailableError, match="damaged or altered: its content has SHA-256"):
        sc.data.load_data("mnist", data_dir=tmp_path)
    (tmp_path / "mnist.npz").write_bytes(b"nonsense")
    with pytest.raises(sc.data.DataUnavailableError, match=r"is not such a file as Keras's mnist.npz"):
        sc.data.load_data("mnist", data_dir=tmp_path)


def test_a_pickle_is_not_opened_and_the_way_to_convert_it_works(small, tmp_path, monkeypatch):
    x_train, y_train, x_test, y_test = arrays_of("mnist")
    parts = [
        (x / 256, y.astype(np.int64))
        for x, y in ((x_train[:30], y_train[:30]), (x_train[30:], y_train[30:]), (x_test, y_test))
    ]
    parts = [((x.reshape(len(x), -1)).astype(np.float32), y) for x, y in parts]
    with gzip.open(tmp_path / "mnist.pkl.gz", "wb") as file:
        pickle.dump(parts, file)
    with pytest.raises(sc.data.DataUnavailableError, match="is a pickle, which can run code") as error:
        sc.data.load_data("mnist", data_dir=tmp_path)
    advice = str(error.value).partition("make mnist.npz of it: ")[2].partition("\n")[0]
    monkeypatch.chdir(tmp_path)
    exec(advice, {})
    (tmp_path / "mnist.pkl.gz").unlink()
    assert_found(tmp_path)


@pytest.mark.parametrize("names", [True, False])
def test_kaggles_tables_are_read(names, small, tmp_path):
    x_train, y_train, x_test, y_test = arrays_of("mnist")
    head = ",".join(["label", *(f"pixel{i}" for i in range(784))]) if names else ""
    for part, x, y in (("train", x_train, y_train), ("test", x_test, y_test)):
        rows = np.column_stack([y, x.reshape(len(x), -1)])
        np.savetxt(tmp_path / f"mnist_{part}.csv", rows, "%d", ",", header=head, comments="")
    assert_found(tmp_path)
    x, y = sc.data.load_csv(tmp_path / "mnist_test.csv")
    np.testing.assert_array_equal(x, x_test)
    np.testing.assert_array_equal(y, y_test)


def test_a_folder_that_does_not_exist_is_said_to_not_exist(tmp_path):
    with pytest.raises(sc.data.DataUnavailableError, match=f"there is no folder {tmp_path / 'nowhere'}"):
        sc.data.load_data("mnist", data_dir=tmp_path / "nowhere")
