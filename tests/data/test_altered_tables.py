"""MNIST as tables: the message about an altered one names it, and how to read it as it is."""

from __future__ import annotations

import re

import numpy as np
import pytest

import scratchcnn as sc
from support.data_sets import failure
from support.small_data_sets import arrays_of

pytestmark = pytest.mark.usefixtures("surroundings", "small")


@pytest.fixture
def tables(tmp_path):
    """Return a function that writes both tables, one of them altered."""

    def write(name, altered="", change=None):
        arrays = arrays_of(name)
        for part, x, y in (("train", *arrays[:2]), ("test", *arrays[2:])):
            rows = np.column_stack([y, x.reshape(len(x), -1)])
            rows = change(rows) if part == altered else rows
            np.savetxt(tmp_path / f"{name}_{part}.csv", rows, "%d", ",")
        return tmp_path

    return write


CHANGES = {
    "a pixel": (lambda rows: rows ^ (np.arange(785) == 400), "damaged or altered"),
    "the order": (lambda rows: rows[::-1], "expected that of the .* in its order (Kaggle's Fashion-MNIST"),
    "a row less": (lambda rows: rows[1:], "holds (.*, 28, 28) uint8, expected"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("altered", ["train", "test"])
def test_the_altered_table_is_named_and_can_be_read_as_it_is(tables, altered, change):
    alter, message = CHANGES[change]
    folder = tables("fashion_mnist", altered, alter)
    path = folder / f"fashion_mnist_{altered}.csv"
    text = failure("fashion_mnist", data_dir=folder)
    pattern = re.escape(message).replace(r"\.\*", ".*")
    assert re.search(f"data_dir: {re.escape(str(path))}: .*{pattern}", text)
    line = re.search(r"a file of your own is read with (sc\.data\.load_csv\('.*?'\))", text)[1]
    x, y = eval(line, {"sc": sc})
    assert x.shape[1:] == (28, 28) and len(x) == len(y)
    assert "If the files are not to be fashion_mnist: a file of your own is read with sc.data.load_csv(path)" in text


def test_a_table_without_labels_is_named(tables):
    folder = tables("mnist", "test", lambda rows: rows[:, 1:])
    assert f"{folder / 'mnist_test.csv'}: has no column of labels" in failure("mnist", data_dir=folder)
