"""What is no path, or none that can be: an error that says what was given and what was expected."""

from __future__ import annotations

import numpy as np
import pytest

import scratchcnn as sc
from support.data_sets import failure

pytestmark = pytest.mark.usefixtures("surroundings")


class Odd:
    def __fspath__(self):
        return "nowhere"


@pytest.mark.parametrize("path", [3, ["/tmp"], True, b"/tmp", 0.5, ("a", "b")], ids=repr)
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ValueError, match=r"data_dir must be the path of a folder, a str or a pathlib.Path, got .*"):
        sc.data.load_data("mnist", path)
    for call in (sc.data.read_idx, lambda path: sc.data.write_idx(path, np.zeros(3, np.uint8))):
        with pytest.raises(
            ValueError, match=r"path must be the path of a file, a str or a pathlib.Path, got "
        ) as error:
            call(path)
        assert repr(path) in str(error.value)


def test_none_and_nothing_are_no_path(tmp_path):
    with pytest.raises(ValueError, match=r"path must be the path of a file, .* got None"):
        sc.data.read_idx(None)
    with pytest.raises(ValueError, match=r'data_dir must be the path of a folder, got ""; the current folder is "."'):
        sc.data.load_data("mnist", data_dir="")
    assert "there is no folder nowhere" in failure("mnist", data_dir=Odd())


@pytest.mark.parametrize("array", [[[1], [1, 2]], None, "text", {"a": 1}])
def test_what_is_no_array_is_not_written(array, tmp_path):
    with pytest.raises(ValueError, match="what is written must be an array of numbers"):
        sc.data.write_idx(tmp_path / "a", array)
    assert not list(tmp_path.iterdir())


def test_the_bundled_digits_are_read_from_no_folder():
    with pytest.raises(ValueError, match=r"digits are part of this package .* got data_dir='/nope'"):
        sc.data.load_data("digits", "/nope")


@pytest.mark.parametrize("path", ["x" * 5000, "/".join(["x" * 99] * 50)])
def test_a_path_that_is_too_long_is_shortened_in_messages(path, tmp_path):
    message = failure("mnist", data_dir=f"{tmp_path}/{path}")
    assert str(tmp_path) in message and len(message) < 1500
