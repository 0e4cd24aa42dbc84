"""Weights as a safetensors file: names, shapes and numbers, and nothing that could be executed."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from ..checks.messages import reason, shown
from ..checks.paths import shown_path
from ..concurrency.interrupts import unbroken
from ..files import open_regular, replacing
from ..network.network import Network
from ..saving.description import model_arrays
from .checks import require_network

MOST_BYTES = 1 << 34


def save_safetensors(model: Network, path: str | PathLike[str]) -> None:
    """Write the parameters and the state of a model to a safetensors file, by names such as "conv2d.kernel".

    Raises
    ------
    ImportError
        If safetensors is not installed.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Dense(3)], input_shape=(2,))
    >>> other = sc.Sequential([sc.Dense(3)], input_shape=(2,), seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sc.interchange.save_safetensors(model, f"{folder}/weights.safetensors")
    ...     sc.interchange.load_safetensors(other, f"{folder}/weights.safetensors")
    >>> bool((model.parameters == other.parameters).all())
    True
    """
    require_network(model)
    library = _library()
    with model.lock:
        content = library.save({name.replace("/", "."): array.copy() for name, array in model_arrays(model).items()})
    with replacing(path) as file:
        file.write(content)


def load_safetensors(model: Network, path: str | PathLike[str]) -> None:
    """Take over the parameters and the state in a file that ``save_safetensors`` wrote, for a model of the same layers.

    (The file of a PyTorch model is for ``from_torch(model, safetensors.numpy.load_file(path))``.)

    Raises
    ------
    ImportError
        If safetensors is not installed.
    ValueError
        If it does not hold the weights of these layers. The model is then as it was.
    """
    require_network(model)
    library = _library()
    own = {name.replace("/", "."): array for name, array in model_arrays(model).items()}
    with open_regular(path) as file:
        try:
            arrays = library.load(file.read(MOST_BYTES))
            if arrays.keys() != own.keys():
                raise ValueError(f"it holds {shown(sorted(arrays))}, the model has {shown(sorted(own))}")
            for name, array in own.items():
                if arrays[name].shape != array.shape or arrays[name].dtype != array.dtype:
                    found, needed = arrays[name], array
                    raise ValueError(
                        f"{name} is {found.dtype} {found.shape}, the model needs {needed.dtype} {needed.shape}"
                    )
        except Exception as error:  # whatever a damaged file raises
            raise ValueError(
                f"{shown_path(path)} does not hold weights for this model: {reason(error, 500)}"
            ) from error
    with model.lock, unbroken:
        for name, array in own.items():
            array[...] = np.asarray(arrays[name])


def _library() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            f"this needs safetensors ({error}): python -m pip install 'scratchcnn[safetensors]'"
        ) from None
    return safetensors.numpy
