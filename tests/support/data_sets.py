"""What the tests of data sets share."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from scratchcnn import data
from scratchcnn.data import load_data
from scratchcnn.data.sources import SOURCES
from support.small_data_sets import arrays_of

NAMES = [file.name for file in SOURCES["mnist"].files]


IMAGES = NAMES[0]


def assert_is(loaded, name: str) -> None:
    (x_train, y_train), (x_test, y_test) = loaded
    for array, expected in zip((x_train, y_train, x_test, y_test), arrays_of(name), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.uint8
        assert array.flags.writeable and array.flags.c_contiguous


def put(folder: Path, contents: dict[str, bytes], unpacked: bool = False) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        if unpacked:
            (folder / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
        else:
            (folder / name).write_bytes(content)


def failure(name: str, **arguments) -> str:
    with pytest.raises(data.DataUnavailableError) as caught:
        load_data(name, **arguments)
    return str(caught.value)
