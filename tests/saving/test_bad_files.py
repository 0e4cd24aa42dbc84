"""Files that are no model, or a damaged one: an error that says what is wrong."""

import json
import os
import pickle

import numpy as np
import pytest

import scratchcnn as sc
from support.small_networks import all_arrays, compiled_network, random_images


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return the bytes of a saved model, and a path for changed ones."""
    path = tmp_path_factory.mktemp("saved") / "model.npz"
    compiled_network().save(path)
    return path.read_bytes(), path.with_name("changed.npz")


def test_foreign_files_are_refused(saved):
    _, path = saved
    for content in (b"", b"hello", b"PK\x03\x04", b"\x93NUMPY", pickle.dumps({"config": 1}), os.urandom(1000)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"changed.npz does not hold a model that can be loaded: "):
            sc.load_model(path)
    for arrays in ({"x": np.zeros(3)}, {"config": np.array("{}")}, {"config": np.array('{"format": "other"}')}):
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match="does not hold a model that can be loaded: "):
            sc.load_model(path)
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match="does not hold a model that can be loaded: "):
        sc.load_model(path)


def test_a_file_that_ends_early_is_refused_wherever_it_ends(saved):
    content, path = saved
    for length in range(0, len(content), 251):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="does not hold a model that can be loaded: "):
            sc.load_model(path)


def test_a_flipped_bit_is_noticed_or_without_effect(saved):
    content, path = saved
    path.write_bytes(content)
    expected = all_arrays(sc.load_model(path))
    for position in range(5, len(content), 97):
        path.write_bytes(content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :])
        try:
            model = sc.load_model(path)
        except ValueError:
            continue
        assert all_arrays(model) == expected, f"byte {position}"


def changed(content, path, **new):
    """Write the model with some arrays replaced, or left out where the new one is None."""
    path.write_bytes(content)
    with np.load(path) as file:
        arrays = {**file, **{name.replace("__", "/"): array for name, array in new.items()}}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def test_a_file_of_a_later_version_is_refused(saved):
    content, path = saved
    changed(content, path)
    with np.load(path) as file:
        config = json.loads(str(file["config"]))
    changed(content, path, config=np.array(json.dumps({**config, "version": 2, "layers": "unheard of"})))
    with pytest.raises(ValueError, match="its version is 2, this library reads 1; update the library"):
        sc.load_model(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"conv2d__bias": np.zeros(5, np.float32)}, r"conv2d/bias is float32 \(5,\), the model needs float32 \(4,\)"),
        ({"conv2d__bias": np.zeros(4, np.float64)}, r"conv2d/bias is float64 \(4,\), the model needs float32 \(4,\)"),
        ({"conv2d__bias": None}, "conv2d/bias is not a file in the archive"),
        ({"batch_norm__moving_mean": None}, "batch_norm/moving_mean is not a file in the archive"),
        ({"conv2d__bias": np.array([None] * 4)}, "Object arrays cannot be loaded when allow_pickle=False"),
    ],
)
def test_arrays_that_do_not_belong_to_the_layers_are_refused(saved, arrays, message):
    changed(*saved, **arrays)
    with pytest.raises(ValueError, match=message):
        sc.load_model(saved[1])


def test_a_class_named_in_a_file_is_looked_up_in_a_table_and_never_imported(saved):
    content, path = saved
    for kind, name in (("Conv2D", "os.system"), ("Adam", "builtins.eval"), ("SoftmaxCrossEntropy", "Layer")):
        changed(content, path)
        with np.load(path) as file:
            config = str(file["config"]).replace(f'"class": "{kind}"', f'"class": "{name}"')
        changed(content, path, config=np.array(config))
        with pytest.raises(ValueError, match=f"it contains a '{name}', not one of "):
            sc.load_model(path)


def test_loading_does_not_disturb_another_model(tmp_path):
    model = compiled_network()
    model.save(tmp_path / "model.npz")
    before = all_arrays(model)
    sc.load_model(tmp_path / "model.npz").fit(random_images(10), np.zeros(10, int), verbose=0)
    assert all_arrays(model) == before
