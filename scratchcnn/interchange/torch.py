"""Weights from a PyTorch state dict, and to one.

PyTorch has its channels first, its kernels as (F, C, KH, KW) and (F, D), and flattens an image channel by channel: the
rows of a dense kernel after a ``Flatten`` are in another order there.

Letters: H W height and width, C channels, F filters or outputs, D features.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..checks.messages import shown
from ..layers import BatchNorm, Conv2D, Dense, Flatten, Layer
from ..layers.residual import flattened
from ..network.network import Network
from .checks import require_network

NAMES = {  # of arrays here, and in a module of PyTorch
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
COUNTED = "num_batches_tracked"  # of a BatchNorm2d, which nobody needs here


def from_torch(model: Network, state_dict: Mapping[str, Any]) -> None:
    """Take over the weights of a PyTorch model of the same layers, from its ``state_dict()``.

    Parameters
    ----------
    model : Sequential
        Convolutions, dense layers and batch normalisations in the same order; what has no weights may differ. PyTorch's
        batch normalisation has another epsilon: it corresponds to ``sc.BatchNorm(momentum=0.9, epsilon=1e-5)``. A state
        dict holds no strides, padding, dilation, groups, epsilon or activations: that they are the same nobody can
        check but you, by comparing ``model(x)`` with what PyTorch answers.
    state_dict : mapping of str to tensor or ndarray
        ``torch_model.state_dict()``, or what ``torch.load(path, weights_only=True)`` or safetensors returns; of a
        checkpoint such as ``{"model": ..., "epoch": 3}`` its ``checkpoint["model"]``.

    Raises
    ------
    ValueError
        If the layers with weights are not the same; nothing is changed.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Dense(2)], input_shape=(3,))
    >>> sc.interchange.from_torch(model, {"0.weight": np.arange(6).reshape(2, 3), "0.bias": np.ones(2)})
    >>> model.layers[0].params["kernel"].tolist()
    [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    """
    _require_state_dict(model, state_dict)
    arrays = []
    for layer, order, module, names in _pairs(model, state_dict):
        for name, own in (layer.params | layer.state).items():
            key = names[NAMES[name]]
            theirs = _as_array(state_dict[key])
            expected = _to_torch(layer, name, own, order).shape
            if theirs.shape != expected:
                raise ValueError(f"{key} has the shape {theirs.shape}, {layer.name} of {module} needs {expected}")
            arrays.append((own, _from_torch(layer, name, theirs, order)))
    with model.lock:
        for own, values in arrays:
            own[...] = values


def to_torch(model: Network, state_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state dict with the weights of this model, for a PyTorch model of the same layers.

    Parameters
    ----------
    model : Sequential
    state_dict : mapping of str to tensor or ndarray
        ``torch_model.state_dict()``: the names, and the kind of tensor, to make.

    Examples
    --------
    >>> import numpy as np
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Dense(2)], input_shape=(3,))
    >>> state_dict = sc.interchange.to_torch(model, {"fc.weight": np.zeros((2, 3)), "fc.bias": np.zeros(2)})
    >>> bool((state_dict["fc.weight"] == model.layers[0].params["kernel"].T).all())
    True
    """
    _require_state_dict(model, state_dict)
    result = dict(state_dict)
    for layer, order, module, names in _pairs(model, state_dict):
        for name, own in (layer.params | layer.state).items():
            key = names[NAMES[name]]
            values = np.ascontiguousarray(_to_torch(layer, name, own, order))
            if tuple(state_dict[key].shape) != values.shape:
                shape = tuple(state_dict[key].shape)
                raise ValueError(f"{key} has the shape {shape}, {layer.name} of {module} makes {values.shape}")
            like = state_dict[key]
            result[key] = like.new_tensor(values) if hasattr(like, "new_tensor") else values.astype(like.dtype)
    return result


def _require_state_dict(model: Any, state_dict: Any) -> None:
    """Raise a ValueError that says what to pass if these are no model of this library and no state dict."""
    require_network(model)
    if callable(getattr(state_dict, "state_dict", None)):
        raise ValueError(f"state_dict must be a state dict, got {shown(state_dict, 100)}; pass module.state_dict()")
    if not isinstance(state_dict, Mapping):
        raise ValueError(
            f"state_dict must be a mapping of names to tensors, got {shown(state_dict, 100)}; the file of one is read "
            "by torch.load(path, weights_only=True)"
        )
    inside = {name: value for name, value in state_dict.items() if isinstance(value, Mapping) and value}
    if inside:
        arrays = [name for name, value in inside.items() if all(hasattr(array, "shape") for array in value.values())]
        name = [*arrays, *inside][0]  # an optimizer's mapping may come before the model's
        raise ValueError(f"state_dict has another mapping in it; pass state_dict[{name!r}] if that is the state dict")


def _pairs(
    model: Network, state_dict: Mapping[str, Any]
) -> Iterator[tuple[Layer, np.ndarray | None, str, dict[str, str]]]:
    """Yield each layer with weights, the order of its features in PyTorch if it is another, and the module it is there.

    Of the module its name and, by their last part, the names of its tensors.
    """
    modules: dict[str, dict[str, str]] = {}
    for key in state_dict:
        module, _, last = str(key).rpartition(".")
        if last != COUNTED:
            modules.setdefault(module, {})[last] = str(key)
    own = [(layer, order) for layer, order in _with_orders(model) if layer.params]
    if len(own) != len(modules):
        raise ValueError(
            f"the models differ: {len(own)} layers with weights here, {shown([layer.name for layer, _ in own])}, "
            f"{len(modules)} modules in the state dict, {shown(list(modules))}"
        )
    pairs = list(zip(own, modules.items(), strict=True))
    for (layer, _), (module, names) in pairs:
        wanted = {NAMES[name] for name in layer.params | layer.state}
        if wanted != set(names):
            raise ValueError(
                f"{layer.name} has {', '.join(sorted(wanted))}, the module {module!r} {', '.join(sorted(names))}"
            )
    for (layer, order), (module, names) in pairs:
        yield layer, order, module, names


def _with_orders(model: Network) -> Iterator[tuple[Layer, np.ndarray | None]]:
    """Yield all layers, and where PyTorch has each feature of their input: after a Flatten, until the next Dense."""
    order = None
    for layer in flattened(model.layers):
        if isinstance(layer, Flatten) and layer.input_shape is not None and len(layer.input_shape) == 3:
            H, W, C = layer.input_shape
            order = np.arange(math.prod(layer.input_shape)).reshape(C, H, W).transpose(1, 2, 0).reshape(-1)  # (D,)
        yield layer, order
        if isinstance(layer, Dense):
            order = None


def _to_torch(layer: Layer, name: str, values: np.ndarray, order: np.ndarray | None) -> np.ndarray:
    """Return one of our arrays as PyTorch has it."""
    if isinstance(layer, Conv2D) and name == "kernel":
        return values.transpose(3, 2, 0, 1)  # (F, C, KH, KW)
    if order is not None and (name == "kernel" or isinstance(layer, BatchNorm)):
        values = values[np.argsort(order)]
    return values.T if name == "kernel" else values  # (F, D)


def _from_torch(layer: Layer, name: str, values: np.ndarray, order: np.ndarray | None) -> np.ndarray:
    """Return one of PyTorch's arrays as we have it."""
    if isinstance(layer, Conv2D) and name == "kernel":
        return values.transpose(2, 3, 1, 0)  # (KH, KW, C, F)
    values = values.T if name == "kernel" else values  # (D, F)
    if order is not None and (name == "kernel" or isinstance(layer, BatchNorm)):
        values = values[order]
    return values


def _as_array(tensor: Any) -> np.ndarray:
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu()
        if "bfloat16" in str(tensor.dtype):  # NumPy has no such type
            tensor = tensor.float()
    array = np.asarray(tensor)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"weights must be real numbers, got {array.dtype}")
    return array
