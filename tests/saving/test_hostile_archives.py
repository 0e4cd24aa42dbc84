"""Archives that lie, those of others, and random damage: an error at once, or the same model."""

import io
import json
import os
import struct
import subprocess
import sys
import time
import warnings
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

import scratchcnn as sc
from support.hostile_files import FLATTEN, KERNEL, PROMISES, archive_of, dense, header, load, npy
from support.small_networks import all_arrays, compiled_network, random_images


def test_a_zip_bomb_is_refused_before_it_is_unpacked_and_the_advice_helps(tmp_path, honest, monkeypatch):
    monkeypatch.setattr("scratchcnn.saving.archive.MOST_UNPACKED", 1 << 20)
    config, _ = honest
    del (bare := dict(config))["optimizer"], bare["iterations"], bare["loss"]
    bare["layers"] = [FLATTEN, dense(30_000)]
    arrays = {"dense/kernel": np.zeros((16, 30_000), np.float32), "dense/bias": np.zeros(30_000, np.float32)}
    np.savez_compressed(tmp_path / "x.npz", config=np.array(json.dumps(bare)), **arrays)
    started = time.process_time()
    with pytest.raises(ValueError, match=r"bytes promises 20.* write them without compression: numpy\.savez") as caught:
        sc.load_model(tmp_path / "x.npz")
    assert time.process_time() - started < 1
    advice = str(caught.value).split("without compression: ")[1]
    exec(advice, {"numpy": np, "path": tmp_path / "x.npz", "new_path": tmp_path / "y.npz"})
    assert sc.load_model(tmp_path / "y.npz").count_params() == 17 * 30_000


def changed_directory(content, change):
    """Return an archive with each entry of its table of contents changed."""
    content, place = bytearray(content), content.index(b"PK\1\2")
    while (place := content.find(b"PK\1\2", place)) >= 0:
        change(content, place)
        place += 46
    return bytes(content)


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (8, b"\1\0", "encrypted"),
        (10, b"\x0c\0", "compressed in a way"),
        (16, b"\0\0\0\0", "CRC"),
        (20, b"\xff\xff\xff\x7f", "overlap"),
        (24, b"\xff\xff\xff\x7f", "promises"),
        (42, b"\0\0\0\0", "overlap"),
    ],
)
def test_a_table_of_contents_that_lies_is_found_out(tmp_path, honest, offset, value, message):
    def change(content, place):
        content[place + offset : place + offset + len(value)] = value

    archive_of(tmp_path / "x", honest, npy(header(), KERNEL.tobytes()))
    (tmp_path / "x").write_bytes(changed_directory((tmp_path / "x").read_bytes(), change))
    assert message in load(tmp_path / "x")


def test_a_huge_table_of_contents_is_not_read(tmp_path):
    members = 60_000
    content = (b"PK\1\2" + bytes(42)) * members * 2
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, members, members, len(content), 0, 0)
    (tmp_path / "x").write_bytes(content + end)
    assert "table of contents is larger" in load(tmp_path / "x")


def test_two_arrays_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.npy", b"")
        archive.writestr("config.npy", b"")
    assert "two members of the archive have the same name" in load(tmp_path / "x")


def zip_of(*names):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return content.getvalue()


FOREIGN = {
    "a Keras file": zip_of("metadata.json", "config.json", "model.weights.h5"),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "a PyTorch file": zip_of("model/data.pkl", "model/byteorder", "model/data/0"),
    "a pickle": b"\x80\x04\x95" + bytes(100),
    "safetensors": struct.pack("<Q", 40) + b'{"w":{"dtype":"F32","shape":[1]}}       ' + bytes(4),
    "an ONNX file": b"\x08\x07\x12\x07pytorch\x1a\x051.9.0:\xff\x01",
    "TensorFlow Lite": b"\x1c\0\0\0TFL3" + bytes(100),
    "a single array": npy(header(), KERNEL.tobytes()),
    "other files": zip_of("readme.txt"),
    "a web page": b"<!DOCTYPE html><html></html>",
    "a gzip file": b"\x1f\x8b\x08" + bytes(100),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_the_files_of_others_are_recognised(tmp_path, kind):
    (tmp_path / "x").write_bytes(FOREIGN[kind])
    message = load(tmp_path / "x")
    assert kind in message
    assert "Object arrays" not in message and "allow_pickle" not in message


def test_weights_from_keras_are_taken_over_as_the_message_says(tmp_path):
    (tmp_path / "x.keras").write_bytes(FOREIGN["a Keras file"])
    assert "sc.interchange.from_keras(model, keras_model)" in load(tmp_path / "x.keras")
    kinds = {"Conv2D": [(3, 3, 1, 4), (4,)], "BatchNormalization": [(4,)] * 4, "Dense": [(144, 10), (10,)]}

    def layer(kind):
        weights = [np.full(shape, 2.0) for shape in kinds[kind]]
        return type(kind, (), {"name": kind, "epsilon": 1e-3, "get_weights": lambda self: weights})()

    model = compiled_network()
    sc.interchange.from_keras(model, SimpleNamespace(layers=[layer(kind) for kind in kinds]))
    assert (model.parameters == 2).all()


@pytest.mark.parametrize("error", [MemoryError(), KeyError("x"), EOFError()])
def test_an_error_without_words_is_told_by_its_type(tmp_path, honest, monkeypatch, error):
    def fail(file):
        raise error

    archive_of(tmp_path / "x", honest, npy(header(), KERNEL.tobytes()))
    monkeypatch.setattr("scratchcnn.saving.files.Archive", fail)
    with pytest.raises(ValueError, match=rf"can be loaded: {type(error).__name__}"):
        sc.load_model(tmp_path / "x")


def fuzz(path, content, rounds, seed):
    """Change a file at random; whatever comes back without an error must be the model."""
    path.write_bytes(content)
    expected, rng = all_arrays(sc.load_model(path)), np.random.default_rng(seed)
    start = content.index(b"{") - 100  # of the config
    loaded = 0
    for _ in range(rounds):
        changed = bytearray(content)
        kind = rng.integers(5)
        place = int(rng.integers(len(changed)) if kind else start + rng.integers(8000) % len(changed))
        if kind <= 1:
            changed[place % len(changed)] ^= 1 << int(rng.integers(8))
        elif kind == 2:
            del changed[place:]
        elif kind == 3:
            changed[place : place + 4] = rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF]).astype("<u4").tobytes()
        else:
            length = int(rng.integers(1, 200))
            other = int(rng.integers(len(changed)))
            changed[place : place + length] = changed[other : other + length]
        path.write_bytes(changed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                model = sc.load_model(path)
            except ValueError as error:
                assert str(path) in str(error)
            else:
                assert all_arrays(model) == expected
                loaded += 1
    return loaded


def test_random_changes_end_in_an_error_or_the_same_model(tmp_path):
    compiled_network().save(tmp_path / "model")
    assert fuzz(tmp_path / "x", (tmp_path / "model").read_bytes(), 40, seed=0) < 40


@pytest.mark.slow
def test_many_random_changes_end_in_an_error_or_the_same_model(tmp_path):
    compiled_network().save(tmp_path / "model")
    for seed in range(1, 9):
        fuzz(tmp_path / "x", (tmp_path / "model").read_bytes(), 250, seed)


def test_fields_of_the_config_replaced_at_random_end_in_an_error_or_a_model(tmp_path):
    compiled_network().save(tmp_path / "model")
    with np.load(tmp_path / "model") as file:
        arrays = dict(file)
    values = [None, True, -1, 0, 1, 10**20, 0.5, 1e308, "x", "", [], [1], {}, {"class": "ReLU", "config": {}}]
    rng, images = np.random.default_rng(0), random_images(2)
    for _ in range(30):
        place = config = json.loads(str(arrays["config"]))
        while isinstance(place, dict | list) and place:
            holder, key = place, list(place)[rng.integers(len(place))] if isinstance(place, dict) else 0
            if isinstance(place, list):
                key = int(rng.integers(len(place)))
            place = place[key]
            if rng.random() < 0.2:
                break
        holder[key] = values[rng.integers(len(values))]
        np.savez(tmp_path / "x.npz", **{**arrays, "config": np.array(json.dumps(config))})
        try:
            model = sc.load_model(tmp_path / "x.npz")
        except ValueError as error:
            assert "x.npz does not hold a model that can be loaded: " in str(error)
        else:
            with sc.ops.using("reference"):
                assert model.predict(images).shape == (2, 10)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_hostile_files_fit_into_100_megabytes_of_a_process(tmp_path, honest):
    config, arrays = honest
    paths = []
    for number, changes in enumerate(PROMISES.values()):
        paths.append(str(tmp_path / f"{number}.npz"))
        np.savez_compressed(paths[-1], config=np.array(json.dumps({**config, **changes})), **arrays)
    code = """
import resource, sys, time
import scratchcnn as sc
pages = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (pages + 100_000_000,) * 2)
for path in sys.argv[1:]:
    started = time.process_time()
    try:
        sc.load_model(path)
    except ValueError as error:
        assert "MemoryError" not in str(error), error
    else:
        raise AssertionError(path)
    assert time.process_time() - started < 2, path
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code, *paths], env=environment, check=True, timeout=120)
