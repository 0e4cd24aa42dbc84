"""The first line of a table: names of columns, numbers that count them, or an image like the others."""

import numpy as np
import pytest

import scratchcnn as sc

FORMS = {
    "np.savetxt's names": ("# label,p0\n5,6\n7,8\n", {}, [[6], [8]], [5, 7]),
    "a DataFrame without names": ("0,1,2\n5,6,7\n", {}, [[6, 7]], [5]),
    "a DataFrame without names and labels": ("0,1,2,3\n5,6,7,8\n", {}, [[5, 6, 7, 8]], None),
    "labels beside pixels without names": ("label,0,1,2,3\n9,1,2,3,4\n", {}, [[1, 2, 3, 4]], [9]),
    "rows numbered by pandas": (",label,p0\n0,5,6\n1,7,8\n", {}, [[6], [8]], [5, 7]),
    "read and written again": ("Unnamed: 0,label,p0\n0,5,6\n1,7,8\n", {}, [[6], [8]], [5, 7]),
    "rows numbered from 1": ("id,p0,p1,p2,p3\n1,1,2,3,4\n2,5,6,7,8\n", {}, [[1, 2, 3, 4], [5, 6, 7, 8]], None),
    "numbered rows and columns": (",0,1,2\n0,5,6,7\n1,8,9,10\n", {}, [[6, 7], [9, 10]], [5, 8]),
    "the labels are the first column": ("id,p0\n0,6\n1,8\n", {"label": "id"}, [[6], [8]], [0, 1]),
    "capitals and spaces": (" Digit , p0\n5,6\n", {}, [[6]], [5]),
    "a name in other capitals": ("Kind,p0\n5,6\n", {"label": "kind"}, [[6]], [5]),
    "Kaggle's test.csv": ("pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n", {}, [[1, 2, 3, 4]], None),
    "all columns are the shape": ("a,b\n1,2\n", {"shape": (1, 2)}, [[1, 2]], None),
    "no labels, as told": ("a,b\n1,2\n", {"label": None}, [[1, 2]], None),
    "quoted numbers": ('"label","p0"\n"5","6"\n', {}, [[6]], [5]),
    "lines that end in CR": ("label,p0\r5,6\r7,8\r", {}, [[6], [8]], [5, 7]),
    "NumPy's number of a column": ("5,6,7\n", {"label": np.int64(2)}, [[5, 6]], [7]),
}


@pytest.mark.parametrize("case", FORMS)
def test_every_row_of_numbers_is_an_image(case, tmp_path):
    text, options, pixels, labels = FORMS[case]
    (tmp_path / "t.csv").write_text(text, encoding="utf-8", newline="")
    x, y = sc.data.load_csv(tmp_path / "t.csv", **options)
    assert x.reshape(len(x), -1).tolist() == pixels
    assert (y if y is None else y.tolist()) == labels


UNCLEAR = {
    "no name of labels": ("digits_label,p0\n5,6\n", {}, "pass label= and the name of the column with the labels"),
    "two names of labels": ("class,label,p0\n5,6,7\n", {}, r"may be the labels, the numbers \[0, 1\]"),
    "a misspelt name": ("kind,p0\n5,6\n", {"label": "kinds"}, "did you mean 'kind'?"),
    "ids that count nothing": ("id,label,p0\n17,5,6\n3,7,8\n", {}, "'id', is left out where it counts the rows"),
    "nothing but labels": ("label\n5\n", {}, r"has no pixels: its only columns are \['label'\]"),
    "labels without a name": ("5\n7\n", {}, "has no pixels"),
    "a truth value": ("5,6,7\n", {"label": True}, "label must be the name or the number .* got True"),
    "a fraction": ("5,6,7\n", {"label": 1.0}, "label must be the name or the number .* got 1.0"),
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_columns_that_tell_nothing_are_an_error(case, tmp_path):
    text, options, message = UNCLEAR[case]
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        sc.data.load_csv(tmp_path / "t.csv", **options)
