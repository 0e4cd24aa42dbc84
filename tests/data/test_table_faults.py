"""Tables with faults: none loses a row, each is told with its place and what to do."""

import gzip
import re

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.data import table

FAULTS = {
    "a missing value in the first row": ("7,,3\n1,2,3\n", r"line 1, column 2 is a missing value, ''; .*fill in"),
    "NA in the first row": ("7,NA,3\n1,2,3\n", "line 1, column 2 is a missing value, 'NA'"),
    "a row of nothing but NA": ("NA,NA\n1,2\n", "line 1, column 1 is a missing value"),
    "hexadecimal numbers": ("0xff,0xff\n0x00,0x01\n", "line 1, column 1: '0xff' is not a number"),
    "a comma at the end of each row": ("1,2,3,\n4,5,6,\n", "line 1, column 4 is a missing value"),
    "an underscore": ("1_0,2\n", "line 1, column 1: '1_0' is not a number"),
    "labels that are words": (
        "cat,1,2\ndog,3,4\n",
        "line 1, column 1: 'cat' is not a number; .* for labels that are words",
    ),
    "a comment at the end of a row": ("label,p0\n5,6 # hi\n", r"line 2, column 2 \('p0'\): '6 # hi' is not a number"),
    "a comment instead of a row": ("1,2\n\n# 3,4\n5,6\n", "line 3, column 1: '# 3' is not a number"),
    "a row too short": ("1,2,3\n4,5\n", "line 2 has 2 cells, the rows before it have 3"),
    "a name too few": ("label,p0\n1,2,3\n", "2 names of columns in its first line and 3 numbers"),
    "NaN": ("label,p0\n1,2\n\n3,nan\n", r"line 4, column 2 \('p0'\) is nan"),
    "an infinite label": ("label,p0\n1,2\ninf,4\n", r"line 3, column 1 \('label'\) is inf"),
    "a label of thirty digits": ("label,p0\n1e30,2\n", r"integers below 2\*\*53, got 1e\+30 at line 2, column 1"),
    "a label that float64 has not": (f"label,p0\n{2**53 + 1},2\n", r"below 2\*\*53"),
    "HTML": ("<!DOCTYPE html>\n<p>1,2</p>\n", "HTML or XML: it begins with '<!DOCTYPE"),
    "JSON": ('{"label": 1}\n', "is no table but JSON"),
    "a line without an end": ("1," * 50, "line 1 has 64 characters or more"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_told_with_its_place(case, tmp_path, monkeypatch):
    text, message = FAULTS[case]
    (tmp_path / "t.csv").write_text(text)
    monkeypatch.setattr(table, "LONGEST_LINE", 64)
    with pytest.raises(ValueError, match=message):
        sc.data.load_csv(tmp_path / "t.csv")


@pytest.mark.parametrize(
    "text", ["5;0,5;1,0\n7;2;3\n", "5\t0.5\t1\n7\t2\t3\n", "5 0.5 1\n7 2 3\n", "label;a;b\n5;0,5;1\n"]
)
def test_the_advice_on_other_separators_works(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.txt").write_text(text)
    with pytest.raises(ValueError, match=r"line 1 has (semicolons|tabs|spaces); write the table with commas") as error:
        sc.data.load_csv("t.txt")
    exec(str(error.value).partition("with commas: ")[2], {"path": "t.txt"})
    x, y = sc.data.load_csv("table.csv")
    assert x[0].tolist() == [0.5, 1] and y[0] == 5


def test_gzip_is_read_whatever_its_name_and_not_beyond_all_bounds(tmp_path, monkeypatch):
    content = gzip.compress(b"label,p0\n5,6\n")
    (tmp_path / "t.csv").write_bytes(content)
    assert sc.data.load_csv(tmp_path / "t.csv")[1].tolist() == [5]
    (tmp_path / "cut.csv.gz").write_bytes(content[:-9])
    with pytest.raises(ValueError, match="is a damaged gzip file"):
        sc.data.load_csv(tmp_path / "cut.csv.gz")
    monkeypatch.setattr(table, "MOST_UNPACKED", 10)
    with pytest.raises(ValueError, match="unpacks to more than 10 bytes; unpack it first"):
        sc.data.load_csv(tmp_path / "t.csv")


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"BZh9", "1,2\n".encode("utf-16")])
def test_files_of_other_formats_are_named(content, tmp_path):
    (tmp_path / "t.csv").write_bytes(content + bytes(20))
    with pytest.raises(ValueError, match=r"is no text with commas but .*; (unpack|save) it|; unpack the archive"):
        sc.data.load_csv(tmp_path / "t.csv")


@pytest.mark.parametrize("load", [sc.data.load_csv, sc.data.load_folder])
def test_what_is_no_path_is_told(load, tmp_path):
    for path in (None, 3, ["t.csv"], b"t.csv", True):
        with pytest.raises(ValueError, match=f"path must be the path of a .*got {re.escape(repr(path))}"):
            load(path)
    (tmp_path / "t.csv").write_text("1,2\n")
    with open(tmp_path / "t.csv") as file, pytest.raises(ValueError, match="pass the name of the file instead"):
        load(file)
    with pytest.raises(ValueError, match='got "";'):
        load("")


@pytest.mark.parametrize("shape", [4, (2.0, 2), "22", (), (0, 4), np.array(4)])
def test_a_shape_that_is_none_is_told_as_shape(shape, tmp_path):
    (tmp_path / "t.csv").write_text("5,1,2,3,4\n")
    with pytest.raises(ValueError, match=r"^shape(\[0\])? must be"):
        sc.data.load_csv(tmp_path / "t.csv", shape=shape)
    assert sc.data.load_csv(tmp_path / "t.csv", shape=np.array([1, 4]))[0].shape == (1, 1, 4)
