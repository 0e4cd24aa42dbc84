"""Data sets without a known sum of their contents: only a folder that was meant is believed."""

from __future__ import annotations

import pytest

from scratchcnn.data import cifar, load_data
from support.data_sets import assert_is, failure, put

pytestmark = pytest.mark.usefixtures("surroundings")


@pytest.mark.parametrize("folder", ["notMNIST", "MNIST", "not_kmnist", "cifar100", "deep/er"])
def test_a_look_alike_in_a_folder_of_another_name_is_not_believed(folder, small, tmp_path):
    put(tmp_path / folder, small["fashion_mnist"], unpacked=True)
    message = failure("kmnist", data_dir=tmp_path)
    assert "there is no train-images-idx3-ubyte.gz" in message and f"passed over: {tmp_path / folder}" in message


@pytest.mark.parametrize("folder", ["", "KMNIST/raw", "kmnist", "x/kmnist-unpacked", "kmnist_2/files"])
def test_the_folder_itself_and_those_that_are_named_as_the_data_set_are_believed(folder, small, tmp_path):
    put(tmp_path / folder, small["kmnist"], unpacked=True)
    assert_is(load_data("kmnist", tmp_path), "kmnist")


def test_the_published_files_are_known_wherever_they_are(small, tmp_path):
    put(tmp_path / "archive", small["kmnist"])
    assert_is(load_data("kmnist", tmp_path), "kmnist")


def test_files_of_qmnist_that_were_packed_again_are_believed_by_the_name_of_their_folder(small, tmp_path):
    put(tmp_path / "archive", small["qmnist"], unpacked=True)
    assert "passed over" in failure("qmnist", data_dir=tmp_path)
    (tmp_path / "archive").rename(tmp_path / "QMNIST")
    load_data("qmnist", tmp_path)


def test_a_folder_above_is_believed_by_its_name_alone(small, tmp_path):
    for name in ("notMNIST", "kmnist"):
        put(tmp_path / name, small["kmnist"], unpacked=True)
        (tmp_path / name / "deep").mkdir()
    assert "could not be loaded" in failure("kmnist", data_dir=tmp_path / "notMNIST" / "deep")
    assert_is(load_data("kmnist", tmp_path / "kmnist" / "deep"), "kmnist")


def test_batches_of_cifar_10s_form_are_believed_by_the_name_of_their_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(cifar, "BATCH", 10)
    content = b"".join(bytes([label]) + bytes(3072) for label in range(10))
    put(tmp_path / "others", dict.fromkeys(cifar.NAMES, content))
    assert f"{tmp_path / 'others'} may hold something else" in failure("cifar10", data_dir=tmp_path)
    (tmp_path / "others").rename(tmp_path / "CIFAR-10_bin")
    load_data("cifar10", tmp_path)
