"""Files that promise more than they hold, or are none of ours: an error at once that names the file, or the model."""

import json
import os
import time
import warnings

import numpy as np
import pytest

import scratchcnn as sc
from scratchcnn.saving.description import MOST_LAYERS
from support.hostile_files import KERNEL, PROMISES, RELU, archive_of, header, load, npy


@pytest.mark.parametrize("changes", PROMISES.values(), ids=PROMISES)
def test_a_config_that_the_arrays_do_not_keep_is_refused_at_once(tmp_path, honest, changes):
    config, arrays = honest
    np.savez_compressed(tmp_path / "x.npz", config=np.array(json.dumps({**config, **changes})), **arrays)
    assert isinstance(load(tmp_path / "x.npz"), str)


@pytest.mark.slow
def test_many_layers_without_parameters_are_loaded_in_time(tmp_path, honest):
    config, _ = honest
    del (bare := dict(config))["optimizer"], bare["iterations"], bare["loss"]
    bare["layers"] = [RELU] * MOST_LAYERS
    np.savez_compressed(tmp_path / "x.npz", config=np.array(json.dumps(bare)))
    assert os.path.getsize(tmp_path / "x.npz") < 10_000
    started = time.process_time()
    assert len(sc.load_model(tmp_path / "x.npz").layers) == MOST_LAYERS
    assert time.process_time() - started < 4


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10**6,
        "[" + "{}," * 10**5 + "0]",
        '{"a":' + "9" * 10**6 + "}",
        "x" * 3 * 10**6,
        '{"format": NaN}',
        "{",
        "null",
    ],
    ids=lambda text: text[:8],
)
def test_a_config_that_is_no_description_is_refused_at_once(tmp_path, text):
    np.savez_compressed(tmp_path / "x.npz", config=np.array(text))
    assert isinstance(load(tmp_path / "x.npz"), str)


@pytest.mark.parametrize(
    "array",
    [np.zeros(3), np.array("x", "S1"), np.array([["a"]]), np.array([("a", 1)], "U1,i4"), np.array(None)],
    ids=repr,
)
def test_a_config_that_is_no_text_is_refused(tmp_path, array):
    np.savez(tmp_path / "x.npz", config=array)
    assert isinstance(load(tmp_path / "x.npz"), str)


HEADERS = {
    "a larger shape": npy(header(shape="(16, 1000000)"), KERNEL.tobytes()),
    "a shape beyond every integer": npy(header(shape=f"({10**100}, 3)"), KERNEL.tobytes()),
    "negative extents": npy(header(shape="(-16, -3)"), KERNEL.tobytes()),
    "a text as the shape": npy(header(shape="'16, 3'"), KERNEL.tobytes()),
    "no dimensions": npy(header(shape="()"), KERNEL.tobytes()),
    "pickles": npy(header("'|O'"), KERNEL.tobytes()),
    "records": npy(header("[('a', '<f4')]"), KERNEL.tobytes()),
    "the other byte order": npy(header("'>f4'"), KERNEL.tobytes()),
    "integers": npy(header("'<i4'"), KERNEL.tobytes()),
    "no size": npy(header("'|V0'", shape="(16, 10000000000)")),
    "a type that is none": npy(header("'<f5'"), KERNEL.tobytes()),
    "a long header": npy(header() + " " * 60_000, KERNEL.tobytes()),
    "a nested header": npy("(" * 900),
    "code in the header": npy("__import__('os').getcwd()\n", KERNEL.tobytes()),
    "a later version": npy(header(), KERNEL.tobytes(), version=b"\2\0"),
    "too few bytes": npy(header(), KERNEL.tobytes()[:-1]),
    "too many bytes": npy(header(), KERNEL.tobytes() + b"\0"),
    "nothing": b"",
}


@pytest.mark.parametrize("kernel", HEADERS.values(), ids=HEADERS)
def test_an_array_that_is_not_what_it_says_is_refused(tmp_path, honest, kernel):
    archive_of(tmp_path / "x", honest, kernel)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's, about the shape of a header
        assert isinstance(load(tmp_path / "x"), str)


def test_columns_first_is_read_as_numpy_reads_it(tmp_path, honest):
    archive_of(tmp_path / "x", honest, npy(header(order="True"), KERNEL.tobytes(order="F")))
    assert np.array_equal(load(tmp_path / "x").layers[1].params["kernel"], KERNEL)
