"""Recognising the files of others: what a file is that ``load_model`` cannot read, and what can be done about it."""

from __future__ import annotations

import re
from typing import BinaryIO

_BY_HAND = (
    "build the same network with Sequential, and copy the weights with model.set_weights(arrays), a list in the order "
    "of model.get_weights()"
)
_SAME = "build the same network with Sequential"
_FROM_KERAS = (
    f"{_SAME}, then keras_model = keras.models.load_model(path); sc.interchange.from_keras(model, keras_model)"
)
_OF_WEIGHTS = "; of weights alone (save_weights) build the Keras model, too, and call keras_model.load_weights(path)"
_FROM_TORCH = (
    f"{_SAME}, then state_dict = torch.load(path, map_location='cpu', weights_only=True); "
    "sc.interchange.from_torch(model, state_dict); of a whole module, in a file that you trust, state_dict = "
    "torch.load(path, map_location='cpu', weights_only=False).state_dict()"
)
_FROM_TORCHSCRIPT = (
    f"{_SAME}, then sc.interchange.from_torch(model, torch.jit.load(path, map_location='cpu').state_dict())"
)
_FROM_ARRAYS = f"{_SAME}, then arrays = np.load(path); model.set_weights([arrays[name] for name in arrays])"
_FROM_SAFETENSORS = (
    f"{_SAME}, then sc.interchange.load_safetensors(model, path) or, where PyTorch wrote it, "
    "sc.interchange.from_torch(model, safetensors.numpy.load_file(path))"
)
_LONGEST_HEADER = 100_000_000  # bytes, of a safetensors file


def recognise(file: BinaryIO) -> str | None:
    """Return what another program's file is and what to do, or None for one that may be a model of this library."""
    file.seek(0)
    head = file.read(64)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return f"it is an HDF5 file, as Keras and others write; {_FROM_KERAS}{_OF_WEIGHTS}"
    if head.startswith(b"PK\3\4"):
        return _recognise_archive(file)
    if head.startswith(b"\x93NUMPY"):
        return "it is a single array (.npy); numpy.load reads it"
    if head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return (
            f"it is a pickle, as joblib, PyTorch and others write; loading one runs code from it; {_SAME}, then, if "
            "you trust it and it has the arrays of get_weights, "
            "model.set_weights(pickle.loads(Path(path).read_bytes())); if torch.save wrote it, "
            "sc.interchange.from_torch(model, torch.load(path, weights_only=True))"
        )
    if 2 <= int.from_bytes(head[:8], "little") <= _LONGEST_HEADER and head[8:9] == b"{":
        return f"it is a safetensors file; its tensors have names but no network; {_FROM_SAFETENSORS}"
    if head[4:8] == b"TFL3":
        return f"it is a TensorFlow Lite file; {_BY_HAND}"
    if head[:1] == b"\x08" and head[1:2] < b"\x20" and head[2:3] in (b"\x12", b"\x3a", b"\x42", b"\x1a"):
        return f"it is an ONNX file; {_BY_HAND}"
    if head.startswith(b"\x1f\x8b"):
        return "it is a gzip file; unpack it first"
    if head.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page; download the file itself"
    return None


def _recognise_archive(file: BinaryIO) -> str | None:
    file.seek(0)
    names = _first_names(file)
    if any(name in ("model.weights.h5", "config.json", "metadata.json") for name in names):
        return f"it is a Keras file (.keras); {_FROM_KERAS}"
    if any(name.endswith(("/data.pkl", "/version", "/byteorder")) or name == "data.pkl" for name in names):
        return f"it is a PyTorch file (.pt); {_FROM_TORCH}"
    if any(re.match(r"[^/]+/(data/\d+$|code/|constants\.pkl$)", name) for name in names):
        return f"it is a TorchScript file; {_FROM_TORCHSCRIPT}"
    if names and all(re.fullmatch(r"arr_\d+\.npy", name) for name in names):
        return f"it is an .npz file of arrays without names; {_FROM_ARRAYS}"
    if names and not any(name.endswith(".npy") for name in names):
        return f"it is a zip archive of other files, beginning with {names[0][:100]!r}"
    return None


def _first_names(file: BinaryIO) -> list[str]:
    """Return the names of the first members of a zip archive, from what is in front of each."""
    names: list[str] = []
    for _ in range(4):
        header = file.read(30)
        if len(header) < 30 or header[:4] != b"PK\3\4":
            break
        size, name, extra = (int.from_bytes(header[a:b], "little") for a, b in ((18, 22), (26, 28), (28, 30)))
        names.append(file.read(name).decode("utf-8", "replace"))
        if size == 0xFFFFFFFF or header[6] & 8:
            break  # how long it is stands elsewhere
        file.seek(extra + size, 1)
    return names
