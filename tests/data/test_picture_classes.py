"""Which folders are classes, and which are something else; size and mode as people write them."""

import numpy as np
import pytest
from PIL import Image

import scratchcnn as sc


def picture(path, height=3, width=4):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (width, height), 7).save(path)


def test_hidden_folders_and_macosx_are_no_classes(tmp_path):
    for name in ("cat/1.png", "__MACOSX/cat/2.png", "cat/__MACOSX/3.png", ".git/4.png"):
        picture(tmp_path / name)
    (tmp_path / "cat" / "folder.png").mkdir()
    x, _, names = sc.data.load_folder(tmp_path)
    assert len(x) == 1 and names == ["cat"]


def test_a_folder_without_pictures_is_named(tmp_path):
    picture(tmp_path / "cat" / "1.png")
    (tmp_path / "notes").mkdir()
    with pytest.raises(ValueError, match=r"folders without pictures, which are no classes: \['notes'\]; remove"):
        sc.data.load_folder(tmp_path)


@pytest.mark.parametrize("others", [["test/cat/1.png"], ["Test/1.png"], []])
def test_train_and_test_are_no_classes(others, tmp_path):
    for name in ("train/cat/1.png", "train/dog/1.png", *others):
        picture(tmp_path / name)
    with pytest.raises(ValueError, match=r"of a data set.*load each by itself: .*load_folder\(.*/t(rain|est)'\)"):
        sc.data.load_folder(tmp_path)
    assert sc.data.load_folder(tmp_path / "train")[2] == ["cat", "dog"]


def test_a_train_may_be_a_class_among_others(tmp_path):
    for name in ("train/steam/1.png", "bus/1.png"):
        picture(tmp_path / name)
    assert sc.data.load_folder(tmp_path)[2] == ["bus", "train"]


def test_a_file_is_no_folder(tmp_path):
    picture(tmp_path / "1.png")
    with pytest.raises(NotADirectoryError, match="is a file, expected a folder"):
        sc.data.load_folder(tmp_path / "1.png")


@pytest.mark.parametrize("size", [np.array([5, 6]), [5, 6], (np.int64(5), 6)])
def test_sizes_may_be_numpys(size, tmp_path):
    picture(tmp_path / "cat" / "1.png")
    assert sc.data.load_folder(tmp_path, size=size)[0].shape == (1, 5, 6)


@pytest.mark.parametrize("size", [True, (5, True), 0, 5.0, "5", np.array([5.0, 6.0]), np.array([5])])
def test_what_is_no_size_is_refused(size, tmp_path):
    with pytest.raises(ValueError, match=r"size must be \(height, width\) or one integer"):
        sc.data.load_folder(tmp_path, size=size)


@pytest.mark.parametrize(("mode", "near"), [("gray", "L"), ("Grayscale", "L"), ("l", "L"), ("RGBA", "RGB")])
def test_other_names_of_modes_are_answered_with_the_nearest(mode, near, tmp_path):
    with pytest.raises(ValueError, match=f'got {mode!r}; write mode="{near}"'):
        sc.data.load_folder(tmp_path, mode=mode)
    with pytest.raises(ValueError, match=r"got \['L'\]"):
        sc.data.load_folder(tmp_path, mode=["L"])
