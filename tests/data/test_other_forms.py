"""Forms that are not read: the message says what is there, and its lines work."""

from __future__ import annotations

import gzip
import pickle
import re
import tarfile
import zipfile

import numpy as np
import pytest

from scratchcnn.data import cifar, load_data
from support.data_sets import assert_is, failure, put
from support.small_data_sets import arrays_of

pytestmark = pytest.mark.usefixtures("surroundings", "small")


def advice(name, folder, before):
    line = re.search(f"{before}(.*?)(, then call load_data again)?\n", failure(name, data_dir=folder))[1]
    exec(line, {})


def nielsen():
    x_train, y_train, x_test, y_test = arrays_of("mnist")
    parts = ((x_train[:30], y_train[:30]), (x_train[30:], y_train[30:]), (x_test, y_test))
    return [((x / 256).astype(np.float32).reshape(len(x), -1), y.astype(np.int64)) for x, y in parts]


def by_names(*names):
    return dict(zip(names, (a if a.ndim == 1 else a.reshape(len(a), -1) for a in arrays_of("mnist")), strict=True))


PICKLES = {
    "pairs": nielsen(),
    "names": by_names("training_images", "training_labels", "test_images", "test_labels"),
    "other names": by_names("train_img", "train_label", "test_img", "test_label"),
}


@pytest.mark.parametrize("content", PICKLES)
@pytest.mark.parametrize(
    "name, pack", [("mnist.pkl", bytes), ("mnist.pkl.gz", gzip.compress), ("mnist.pkl", gzip.compress)]
)
def test_a_pickle_becomes_an_npz_by_the_lines_of_the_message(content, name, pack, tmp_path):
    (tmp_path / name).write_bytes(pack(pickle.dumps(PICKLES[content])))
    advice("mnist", tmp_path, "make mnist.npz of it: ")
    assert_is(load_data("mnist", tmp_path), "mnist")


def test_an_archive_is_unpacked_by_the_line_of_the_message(small, tmp_path):
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        for name, content in small["kmnist"].items():
            archive.writestr(name.removesuffix(".gz"), gzip.decompress(content))
    advice("kmnist", tmp_path, "unpack it with: ")
    assert_is(load_data("kmnist", tmp_path), "kmnist")


def test_cifar_10_as_pickles_becomes_the_binary_form_by_the_lines_of_the_messages(monkeypatch, tmp_path):
    monkeypatch.setattr(cifar, "BATCH", 20)
    x = np.random.default_rng(0).integers(0, 256, (20, 3072), np.uint8)
    batch = pickle.dumps({"labels": [number % 10 for number in range(20)], "data": x}, protocol=2)
    put(tmp_path / "made" / "cifar-10-batches-py", {name.removesuffix(".bin"): batch for name in cifar.NAMES})
    (tmp_path / "here").mkdir()
    with tarfile.open(tmp_path / "here" / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "made" / "cifar-10-batches-py", "cifar-10-batches-py")
    advice("cifar10", tmp_path / "here", "unpack it with: ")
    advice("cifar10", tmp_path / "here", "write the binary form with: ")
    _, (x_test, y_test) = load_data("cifar10", tmp_path / "here")
    np.testing.assert_array_equal(x_test, x.reshape(20, 3, 32, 32).transpose(0, 2, 3, 1))
    assert y_test.tolist() == [number % 10 for number in range(20)]


READ = {
    "train.csv": "perhaps of Kaggle's Digit Recognizer.*x, y = sc.data.load_csv(PATH)",
    "test.csv": "28,000 without in test.csv.*x, y = sc.data.load_csv(PATH)",
    "mnist_train.csv": "one table of two.*x, y = sc.data.load_csv(PATH)",
    "train-00000-of-00001.parquet": "a table of pictures, as Hugging Face has them.*pd.read_parquet(PATH)",
    "processed/training.pt": "of an earlier torchvision.*torch.load(PATH)",
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("named", [False, True])
def test_what_is_there_is_said_with_the_line_that_reads_it(name, named, tmp_path):
    path = tmp_path / "MNIST" / name
    put(path.parent, {path.name: b""})
    message = failure("mnist", data_dir=path if named and name != "mnist_train.csv" else tmp_path)
    expected = READ[name].replace("(PATH)", re.escape(f"({str(path)!r})"))
    assert re.search(f"{re.escape(str(path))} is .*{expected}", message)
