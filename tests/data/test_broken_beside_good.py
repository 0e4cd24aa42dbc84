"""Several files of a data set in one place: the good one is used, and what was wrong with the others is said."""

from __future__ import annotations

import os

import numpy as np
import pytest

from scratchcnn.data import load_data
from scratchcnn.data.npz import KEYS
from support.data_sets import IMAGES, NAMES, assert_is, failure, put
from support.small_data_sets import arrays_of

pytestmark = pytest.mark.usefixtures("surroundings")


def keras(folder):
    np.savez(folder / "mnist.npz", **dict(zip(KEYS, arrays_of("mnist"), strict=True)))


@pytest.mark.parametrize("by", ["data_dir", "environment"])
def test_a_complete_npz_counts_beside_incomplete_files(by, small, tmp_path, monkeypatch):
    put(tmp_path, {IMAGES: small["mnist"][IMAGES]})
    keras(tmp_path)
    if by == "environment":
        monkeypatch.setenv("SCRATCHCNN_DATA", str(tmp_path))
    with pytest.warns(
        RuntimeWarning, match=f"passed over for a good one: .*only some .*{NAMES[1]} is missing"
    ) as caught:
        assert_is(load_data("mnist", tmp_path if by == "data_dir" else None), "mnist")
    assert caught[0].filename == __file__


def test_an_unpacked_file_counts_beside_a_broken_packed_one(small, tmp_path):
    put(tmp_path, small["mnist"], unpacked=True)
    put(tmp_path, {IMAGES: small["mnist"][IMAGES][:-9]})
    with pytest.warns(RuntimeWarning, match=f"passed over for a good one: .*{IMAGES}: damaged gzip"):
        assert_is(load_data("mnist", tmp_path), "mnist")


def test_files_in_the_folder_count_beside_broken_ones_in_one_named_as_the_data_set(small, tmp_path):
    put(tmp_path, small["mnist"])
    put(tmp_path / "mnist", {name: b"" for name in NAMES})
    with pytest.warns(RuntimeWarning, match="passed over for a good one: .*0 bytes are no IDX file"):
        assert_is(load_data("mnist", tmp_path), "mnist")


def test_a_complete_set_below_counts_where_the_folder_has_only_some_files(small, tmp_path):
    put(tmp_path, {IMAGES: small["mnist"][IMAGES]})
    put(tmp_path / "archive", small["mnist"])
    with pytest.warns(RuntimeWarning, match="passed over for a good one: .*only some"):
        assert_is(load_data("mnist", tmp_path), "mnist")


def test_altered_files_in_the_folder_are_an_error_whatever_lies_below(small, tmp_path):
    put(tmp_path, small["mnist"] | {IMAGES: small["fashion_mnist"][IMAGES]})
    put(tmp_path / "original", small["mnist"])
    assert f"{tmp_path / IMAGES}: this is the {IMAGES} of fashion_mnist" in failure("mnist", data_dir=tmp_path)


def test_a_broken_file_in_another_folder_does_not_hide_that_nothing_is_there(small, tmp_path):
    put(tmp_path / "another", {IMAGES: b"broken"})
    message = failure("mnist", data_dir=tmp_path)
    assert f"there is no {IMAGES}, packed or not, in {tmp_path}" in message
    assert f"passed over: {tmp_path / 'another' / IMAGES}: not an IDX file" in message
    assert "at most 500 are looked into, 3 deep" in message


def test_a_broken_file_in_another_folder_does_not_hide_a_good_set(small, tmp_path):
    put(tmp_path / "a", {IMAGES: b"broken"})
    os.symlink("nowhere", tmp_path / "link")
    put(tmp_path / "z", small["mnist"])
    assert_is(load_data("mnist", tmp_path), "mnist")


@pytest.mark.parametrize("dots", [False, True])
def test_a_set_is_found_from_any_of_its_folders_of_single_files(dots, small, tmp_path):
    plain = [name.removesuffix(".gz").replace("-idx", ".idx" if dots else "-idx") for name in NAMES]
    for name, inner in zip(NAMES, plain, strict=True):
        put(tmp_path / inner, {f"{inner}.gz": small["mnist"][name]}, unpacked=True)
    assert_is(load_data("mnist", tmp_path / plain[2]), "mnist")
    assert_is(load_data("mnist", tmp_path / plain[2] / plain[2]), "mnist")


def test_capitals_and_second_copies_of_a_browser_are_found(small, tmp_path):
    put(tmp_path, {name.replace(".gz", " (1).gz"): content for name, content in small["mnist"].items()})
    assert_is(load_data("mnist", tmp_path), "mnist")
    put(tmp_path / "capitals", {name.upper(): content for name, content in small["mnist"].items()})
    assert_is(load_data("mnist", tmp_path / "capitals"), "mnist")


def test_a_file_that_is_named_comes_first_and_another_one_is_not_replaced_by_those_beside_it(small, tmp_path):
    put(tmp_path, {name: b"broken" for name in NAMES})
    keras(tmp_path)
    assert_is(load_data("mnist", tmp_path / "mnist.npz"), "mnist")  # no warning: nothing else was looked at
    np.savez(tmp_path / "my.npz", x=np.zeros(3))
    message = failure("mnist", data_dir=tmp_path / "my.npz")
    assert f"{tmp_path / 'my.npz'} is a file, and not one of this data set" in message
    assert f"numpy.load('{tmp_path / 'my.npz'}')" in message
