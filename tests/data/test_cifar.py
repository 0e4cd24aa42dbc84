"""CIFAR-10, on look-alikes: its binary files, colour all the way, mirror images."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.data import cifar
from scratchcnn.data.sources import SOURCES

pytestmark = pytest.mark.usefixtures("surroundings")


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.fixture
def cifar_files(monkeypatch):
    """Return the files of a small CIFAR-10, 20 images each, and their arrays."""
    monkeypatch.setattr(cifar, "BATCH", 20)
    rng = np.random.default_rng(0)
    files, arrays = {}, []
    for name in cifar.NAMES:
        x, y = rng.integers(0, 256, (20, 32, 32, 3), np.uint8), rng.permutation(20).astype(np.uint8) % 10
        files[name] = np.column_stack([y, x.transpose(0, 3, 1, 2).reshape(20, -1)]).tobytes()
        arrays.append((x, y))
    return files, arrays


def tar_of(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("folder", ["", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"])
def test_cifar_10s_binary_files_are_read_in_colour(folder, cifar_files, tmp_path):
    files, arrays = cifar_files
    write(tmp_path / folder, files)
    (x_train, y_train), (x_test, y_test) = sc.data.load_data("cifar10", data_dir=tmp_path)
    np.testing.assert_array_equal(x_train, np.concatenate([x for x, _ in arrays[:-1]]))
    np.testing.assert_array_equal(y_train, np.concatenate([y for _, y in arrays[:-1]]))
    np.testing.assert_array_equal(x_test, arrays[-1][0])
    np.testing.assert_array_equal(y_test, arrays[-1][1])
    assert x_train.shape == (100, 32, 32, 3) and x_train.dtype == np.uint8


def test_the_archive_is_read_without_unpacking_and_checked(cifar_files, tmp_path, monkeypatch):
    content = tar_of(cifar_files[0])
    real = SOURCES["cifar10"]
    archive = dataclasses.replace(real.archive, sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(SOURCES, "cifar10", dataclasses.replace(real, archive=archive))
    (tmp_path / archive.name).write_bytes(content)
    (x_train, _), _ = sc.data.load_data("cifar10", data_dir=tmp_path)
    assert x_train.shape == (100, 32, 32, 3)
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == [archive.name]
    (tmp_path / archive.name).write_bytes(content[:-100])
    with pytest.raises(sc.data.DataUnavailableError, match="SHA-256"):
        sc.data.load_data("cifar10", data_dir=tmp_path)


BAD_CIFAR = {
    "one is missing": (lambda files: files.pop("data_batch_3.bin"), "has only some of the files, data_batch_3.bin"),
    "one is short": (lambda files: files.update({"test_batch.bin": files["test_batch.bin"][:-1]}), "holds 61459 bytes"),
    "one is long": (lambda files: files.update({"test_batch.bin": files["test_batch.bin"] + b"x"}), "more than 61460"),
    "a label": (
        lambda files: files.update({"test_batch.bin": b"\x63" + files["test_batch.bin"][1:]}),
        "there is a label 99",
    ),
}


@pytest.mark.parametrize("case", BAD_CIFAR)
def test_files_that_are_none_of_cifar_10_are_refused(case, cifar_files, tmp_path):
    change, message = BAD_CIFAR[case]
    files = cifar_files[0]
    change(files)
    write(tmp_path, files)
    with pytest.raises(sc.data.DataUnavailableError, match=message):
        sc.data.load_data("cifar10", data_dir=tmp_path)


def test_half_of_the_images_are_mirrored_and_nothing_else_changes(backend):
    x = np.random.default_rng(0).integers(0, 256, (200, 5, 6, 3), np.uint8)
    flipped = sc.data.Augmentation(horizontal_flip=True)(x, seed=3)
    mirrored = (flipped == x[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (flipped == x).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all() and 70 < mirrored.sum() < 130
    turned, both = (sc.data.Augmentation(rotation=20, horizontal_flip=flip)(x, seed=3) for flip in (False, True))
    np.testing.assert_array_equal(both[mirrored], turned[mirrored][:, :, ::-1])
    np.testing.assert_array_equal(both[same], turned[same])
    with pytest.raises(ValueError, match="horizontal_flip must be True or False"):
        sc.data.Augmentation(horizontal_flip=1)


def test_colour_goes_all_the_way(cifar_files, tmp_path):
    files, _ = cifar_files
    write(tmp_path, files)
    (x, y), (x_test, y_test) = sc.data.load_data("cifar10", data_dir=tmp_path)
    layers = [sc.Rescaling(1 / 255), sc.Conv2D(8, 3, activation="relu"), sc.MaxPool2D(2), sc.Flatten(), sc.Dense(10)]
    model = sc.Sequential(layers, input_shape=(32, 32, 3))
    model.compile(sc.Adam(1e-2))
    augmentation = sc.data.Augmentation(shift=4, horizontal_flip=True)
    history = model.fit(x, y, epochs=2, augmentation=augmentation, validation_data=(x_test, y_test), verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert sc.plots.predictions(x[:4], model.predict(x[:4]), y[:4])._repr_png_().startswith(b"\x89PNG")
