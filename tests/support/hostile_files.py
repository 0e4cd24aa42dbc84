"""What the tests of hostile files share."""

import io
import json
import os
import struct
import time
import tracemalloc
import zipfile

import numpy as np

import scratchcnn as sc
from scratchcnn.saving.description import MOST_LAYERS

DENSE = {"use_bias": True, "kernel_initializer": "glorot_uniform"}


def entry(kind, **config):
    return {"class": kind, "config": config}


def layers_of(*entries):
    return {"layers": list(entries)}


def dense(units):
    return entry("Dense", units=units, **DENSE)


FLATTEN, RELU = entry("Flatten"), entry("ReLU")


def load(path):
    """Load a model that may be hostile: within a second and 100 MB; return it, or what its ValueError says."""
    tracemalloc.start()
    started = time.process_time()
    try:
        result = sc.load_model(path)
    except ValueError as error:
        result = str(error)
        assert result.startswith(f"{path} does not hold a model that can be loaded: ")
        assert 10 < len(result) - len(str(path)) < 700
    elapsed, peak = time.process_time() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < os.path.getsize(path) + 100e6
    assert elapsed < 6, "a second, but tracing is slow and so may the machine be"
    return result


PROMISES = {
    "more units than there are": layers_of(FLATTEN, dense(20_000_000)),
    "more units than an integer": layers_of(FLATTEN, dense(10**30)),
    "many channels": {**layers_of(entry("BatchNorm", momentum=0.9, epsilon=1e-3)), "input_shape": [1, 1, 10**9]},
    "a huge kernel": {
        **layers_of(entry("Conv2D", filters=1, kernel_size=[10**6] * 2, strides=[1, 1], padding="same", **DENSE)),
        "input_shape": [10**9, 10**9, 1],
    },
    "many layers": layers_of(*[FLATTEN] * (MOST_LAYERS + 1)),
    "many layers with parameters": layers_of(FLATTEN, *[dense(3)] * (MOST_LAYERS // 20)),
    "a huge input": {**layers_of(FLATTEN), "input_shape": [10**9, 10**9, 10**9]},
    "an input of many axes": {**layers_of(FLATTEN), "input_shape": [1] * 20_000},
    "many iterations": {"iterations": 10**30},
    "another generator": {"rng": {"bit_generator": "MT19937"}},
    "a state that is none": {"rng": {"bit_generator": "PCG64", "state": {"state": -1, "inc": 1 << 200}}},
    "no config of a layer": {"layers": [{"class": "Flatten"}]},
    "no layers": {"layers": []},
    "layers that are a text": {"layers": "Flatten"},
    "a class that is a list": layers_of(entry(["Flatten"])),
    "a class that is a method": layers_of(entry("__init__")),
    "a base class": layers_of(entry("Layer")),
    "a text for a number": layers_of(FLATTEN, dense("3")),
    "true for a number": layers_of(FLATTEN, dense(True)),
    "a float for an integer": layers_of(FLATTEN, dense(3.0)),
    "an argument that is none": layers_of(entry("Flatten", order="F")),
    "a text for true": layers_of(FLATTEN, entry("Dense", units=3, use_bias="yes", kernel_initializer="zeros")),
    "one for true": {"fuse": 1},
    "a list for the type": {"dtype": ["float32"]},
    "another name of the type": {"dtype": "f4"},
    "a type that is none": {"dtype": "float16"},
    "a negative seed": {"seed": -1},
    "true for the version": {"version": True},
    "a name that is a number": {"layers": [{**FLATTEN, "name": 3}]},
    "a key of the future": {"quantized": True},
    "an infinite rate": {"optimizer": entry("SGD", learning_rate=float("inf"))},
    "a rate that is none": {"optimizer": entry("SGD", learning_rate=float("nan"))},
    "two moments": {"optimizer": entry("Adam", learning_rate=0.1, l2_penalty=0.0)},
}


def npy(header, data=b"", version=b"\1\0"):
    """Return an array as a file has it, its header as it is given."""
    size = struct.pack("<H" if version == b"\1\0" else "<I", len(header))
    return b"\x93NUMPY" + version + size + header.encode() + data


def header(descr="'<f4'", order="False", shape="(16, 3)"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


KERNEL = np.arange(48, dtype=np.float32).reshape(16, 3)


def archive_of(path, honest, kernel, **options):
    """Write the small model with the bytes of its kernel as they are given."""
    config, arrays = honest
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, array in {"config": np.array(json.dumps(config)), **arrays}.items():
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(f"{name}.npy", kernel if name == "dense/kernel" else content.getvalue())
