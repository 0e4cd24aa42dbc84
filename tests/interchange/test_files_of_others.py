"""Files and objects of other programs are answered with lines that read them."""

from __future__ import annotations

import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

import scratchcnn as sc

pytestmark = pytest.mark.usefixtures("reference")


def network():
    return sc.Sequential([sc.Dense(2)], input_shape=(3,))


def refusal(path):
    with pytest.raises(ValueError, match="does not hold a model that can be loaded: ") as error:
        sc.load_model(path)
    return str(error.value)


@pytest.mark.parametrize("write", ["savez", "pickle"])
def test_arrays_of_get_weights_are_taken_over_by_the_line_that_is_shown(tmp_path, write):
    path, model, other = tmp_path / "file", network(), network()
    with open(path, "wb") as file:
        if write == "savez":
            np.savez(file, *model.get_weights())
        else:
            pickle.dump(model.get_weights(), file)
    message = refusal(path)
    line = re.search(r"(arrays = .*|model.set_weights\(pickle.*?\)\)\))(;|$)", message)
    assert line is not None, message
    exec(line[1], {"np": np, "pickle": pickle, "path": path, "Path": Path, "model": other})
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (["jit/data/0", "jit/code/__torch__.py"], r"a TorchScript file; .*torch.jit.load\(path"),
        (["archive/data.pkl", "archive/version"], r"a PyTorch file .*weights_only=False\).state_dict\(\)"),
        (["config.json"], "a Keras file"),
        (["training.npy"], r"checkpoint of a training; .*resume=True"),
        (["a/b.txt"], "a zip archive of other files"),
    ],
)
def test_archives_are_told_apart(tmp_path, members, message):
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        for name in members:
            archive.writestr(name, "x")
    assert re.search(message, refusal(tmp_path / "file"))


def test_an_hdf5_file_may_hold_weights_alone(tmp_path):
    (tmp_path / "a.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert "keras_model.load_weights(path)" in refusal(tmp_path / "a.weights.h5")


class Module:
    def state_dict(self):
        return {"weight": np.ones((2, 3)), "bias": np.ones(2)}


@pytest.mark.parametrize("convert", [sc.interchange.from_torch, sc.interchange.to_torch])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Module(), r"pass module.state_dict\(\)"),
        ("a.pt", r"got 'a.pt'; the file of one is read by torch.load\(path, weights_only=True\)"),
        (None, "must be a mapping of names to tensors, got None"),
        ({"epoch": 3, "model": Module().state_dict()}, r"pass state_dict\['model'\]"),
        ({"optimizer": {"state": {}, "lr": 1}, "model": Module().state_dict()}, r"pass state_dict\['model'\]"),
    ],
)
def test_what_is_no_state_dict_is_answered_with_what_to_pass(convert, given, message):
    with pytest.raises(ValueError, match=message):
        convert(network(), given)
    convert(network(), Module().state_dict())


SWAPPED = {
    "from_torch": lambda: sc.interchange.from_torch(Module().state_dict(), network()),
    "to_torch": lambda: sc.interchange.to_torch(Module().state_dict(), network()),
    "from_keras": lambda: sc.interchange.from_keras("a.keras", network()),
    "save_onnx": lambda: sc.interchange.save_onnx("a.onnx", network()),
    "save_safetensors": lambda: sc.interchange.save_safetensors({}, "a.safetensors"),
    "load_safetensors": lambda: sc.interchange.load_safetensors("a.safetensors", network()),
}


@pytest.mark.parametrize("name", SWAPPED)
def test_swapped_arguments_are_refused(name):
    with pytest.raises(ValueError, match="model must be a model of scratchcnn, such as a Sequential, got "):
        SWAPPED[name]()


@pytest.mark.parametrize("given", ["a.keras", None, network()])
def test_what_is_no_keras_model_is_refused(given):
    for convert in (sc.interchange.from_keras, sc.interchange.to_keras):
        with pytest.raises(
            ValueError, match=r"keras_model must be a model of Keras, .*keras.models.load_model\(path\)"
        ):
            convert(network(), given)


def test_complex_weights_are_refused():
    with pytest.raises(ValueError, match="weights must be real numbers, got complex128"):
        sc.interchange.from_torch(network(), {"weight": 1j * np.ones((2, 3)), "bias": np.ones(2)})


class Half:
    """A tensor of PyTorch of a type that NumPy does not have, as far as it is asked."""

    dtype = "torch.bfloat16"

    def __init__(self, values):
        self.values = values

    def detach(self):
        return self

    cpu = detach

    def float(self):
        return self.values


def test_tensors_of_half_the_precision_are_taken_over():
    model = network()
    half = {name: Half(values) for name, values in Module().state_dict().items()}
    sc.interchange.from_torch(model, half)
    assert model.layers[0].params["kernel"].tolist() == np.ones((3, 2)).tolist()


def test_weights_that_are_not_finite_are_taken_over_as_load_weights_does(tmp_path):
    model, other = network(), network()
    weight = np.array([[1.0, np.nan, np.inf]] * 2)
    sc.interchange.from_torch(model, {"weight": weight, "bias": np.ones(2)})
    model.save_weights(tmp_path / "weights.npz")
    other.load_weights(tmp_path / "weights.npz")
    for each in (model, other):
        np.testing.assert_array_equal(each.layers[0].params["kernel"], weight.T)


@pytest.mark.parametrize("kind", ["state dict", "state dict, written the old way", "module", "TorchScript"])
def test_the_line_that_is_shown_reads_a_file_of_the_real_pytorch(tmp_path, kind):
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    module, path, model = torch.nn.Sequential(torch.nn.Linear(3, 2)), tmp_path / "file", network()
    if kind == "TorchScript":
        torch.jit.save(torch.jit.script(module), path)
    else:
        new = {"_use_new_zipfile_serialization": "old" not in kind}
        torch.save(module if kind == "module" else module.state_dict(), path, **new)
    message = refusal(path)
    convert = re.search(r"sc\.interchange\.from_torch\(model, .*?\)+(?=;|$)", message)
    assert convert is not None, message
    read = re.findall(r"state_dict = (torch\.load\(.*?\)(?:\.state_dict\(\))?)(?=;|$)", message)
    line = (f"state_dict = {read[kind == 'module']}; " if read else "") + convert[0]
    exec(line, {"torch": torch, "sc": sc, "path": path, "model": model})
    assert model.layers[0].params["kernel"].tolist() == module[0].weight.detach().numpy().T.tolist()


def test_the_lines_that_are_shown_read_files_of_the_real_keras(tmp_path):
    keras = pytest.importorskip("keras", reason="needs keras and one of its backends")
    pytest.importorskip("h5py", reason="Keras needs it to write its files")
    there, fresh = (keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]) for _ in range(2))
    there.save(tmp_path / "a.keras")
    there.save_weights(tmp_path / "a.weights.h5")
    for name, line in (
        ("a.keras", "keras_model = keras.models.load_model(path)"),
        ("a.weights.h5", "keras_model.load_weights(path)"),
    ):
        model, message = network(), refusal(tmp_path / name)
        convert = "sc.interchange.from_keras(model, keras_model)"
        assert line in message and convert in message
        names = {"keras": keras, "sc": sc, "path": tmp_path / name, "model": model, "keras_model": fresh}
        exec(f"{line}; {convert}", names)
        assert all(map(np.array_equal, model.get_weights(), there.get_weights()))
