"""Images in tables, and pictures in folders of their classes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import scratchcnn as sc

CSV = {
    "no label": ("1,2,3,4\n5,6,7,8\n", {}, (2, 2, 2), None),
    "a named label at the end": ("a,b,class\n1,2,0\n3,4,1\n", {}, (2, 2), [0, 1]),
    "another column": ("1,2,0\n3,4,1\n", {"label": -1}, (2, 2), [0, 1]),
    "a shape": ("7,1,2,3,4,5,6\n", {"shape": (2, 3)}, (1, 2, 3), [7]),
    "floats": ("7,0.5,1,2,300\n", {}, (1, 2, 2), [7]),
    "a BOM and quotes": ('\ufeff"label","p"\n3,4\n', {}, (1, 1, 1), [3]),
}


@pytest.mark.parametrize("case", CSV)
def test_tables_of_other_forms(case, tmp_path):
    text, options, shape, labels = CSV[case]
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    x, y = sc.data.load_csv(tmp_path / "t.csv", **options)
    assert x.shape == shape and (y if y is None else y.tolist()) == labels
    assert x.dtype == (np.float64 if case == "floats" else np.uint8)


BAD_CSV = {
    "words": ("label,p\n1,cat\n", {}, "is no table of numbers"),
    "a row too short": ("1,2,3\n4,5\n", {}, "is no table of numbers"),
    "nothing": ("", {}, "no rows of numbers"),
    "another name": ("a,b\n1,2\n", {"label": "c"}, r"has no column 'c'; its columns are \['a', 'b'\]"),
    "labels with fractions": ("label,p\n0.5,2\n", {}, "must be integers below .*, got 0.5"),
    "another shape": ("1,2,3\n", {"shape": (3, 3)}, "has 2 pixels in a row"),
    "a number of no column": ("1,2,3\n", {"label": 5}, "the number of one of 3 columns, got 5"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_tables_that_are_none_are_refused(case, tmp_path):
    text, options, message = BAD_CSV[case]
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        sc.data.load_csv(tmp_path / "t.csv", **options)


def pictures(folder, **sizes):
    """Write pictures of the given sizes and modes, each in the folder of its class."""
    for name, kinds in sizes.items():
        for number, (mode, height, width) in enumerate(kinds):
            path = folder / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new(mode, (width, height), 7 if mode == "L" else (1, 2, 3)).save(path)


def test_pictures_in_folders_are_loaded_with_the_names_of_the_classes(tmp_path):
    pictures(tmp_path, cat=[("L", 5, 4)] * 2, ant=[("L", 5, 4)])
    (tmp_path / "cat" / ".hidden.png").write_bytes(b"")
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    x, y, names = sc.data.load_folder(tmp_path)
    assert x.shape == (3, 5, 4) and x.dtype == np.uint8 and (x == 7).all()
    assert y.tolist() == [0, 1, 1] and names == ["ant", "cat"]


def test_sizes_and_modes_are_unified_as_asked(tmp_path):
    pictures(tmp_path, a=[("L", 5, 4), ("RGB", 9, 9)], b=[("RGB", 2, 30)])
    assert sc.data.load_folder(tmp_path, size=8, mode="L")[0].shape == (3, 8, 8)
    x, _, _ = sc.data.load_folder(tmp_path, size=(6, 7), mode="RGB")
    assert x.shape == (3, 6, 7, 3) and x[1, 0, 0].tolist() == [1, 2, 3] and x[0, 0, 0].tolist() == [7, 7, 7]


def test_a_photograph_stands_upright(tmp_path):
    (tmp_path / "a").mkdir()
    picture = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by a quarter
    picture.save(tmp_path / "a" / "1.png", exif=exif)
    x, _, _ = sc.data.load_folder(tmp_path)
    np.testing.assert_array_equal(x[0], np.rot90(np.arange(6).reshape(2, 3), -1))


BAD_FOLDERS = {
    "different sizes": (lambda f: pictures(f, a=[("L", 5, 4), ("L", 4, 4)]), {}, r"pass size=\(height, width\)"),
    "different modes": (lambda f: pictures(f, a=[("L", 5, 4), ("RGB", 5, 4)]), {}, 'pass mode="L" or mode="RGB"'),
    "no classes": (lambda f: Image.new("L", (3, 3)).save(f / "1.png"), {}, "no pictures in folders of their classes"),
    "no picture": (lambda f: ((f / "a").mkdir(), (f / "a" / "1.png").write_bytes(b"x")), {}, "is no picture that can"),
    "a mode": (lambda f: None, {"mode": "HSV"}, 'mode must be "L"'),
    "a size": (lambda f: None, {"size": (1, 2, 3)}, r"size must be \(height, width\)"),
}


@pytest.mark.parametrize("case", BAD_FOLDERS)
def test_folders_that_do_not_fit_are_refused(case, tmp_path):
    prepare, options, message = BAD_FOLDERS[case]
    prepare(tmp_path)
    with pytest.raises(ValueError, match=message):
        sc.data.load_folder(tmp_path, **options)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        sc.data.load_folder(tmp_path / "nowhere")
