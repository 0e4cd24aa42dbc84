"""What an optimizer works on: checks of the vectors of parameters and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np


def require_vector(parameters: Any) -> None:
    """Raise a ValueError unless this is an array that an update can be written into."""
    if not isinstance(parameters, np.ndarray):
        raise ValueError(f"parameters must be a NumPy array such as model.parameters, got {type(parameters).__name__}")
    if parameters.dtype not in (np.float32, np.float64):
        raise ValueError(f"parameters must be float32 or float64, got {parameters.dtype}; pass model.parameters")
    if parameters.ndim != 1:
        raise ValueError(
            f"parameters must be one vector such as model.parameters, got the shape {parameters.shape}; to update a "
            f"single array, pass .reshape(-1) of it and of its gradient"
        )
    if not parameters.flags.carray:  # C-contiguous, aligned, writeable
        raise ValueError(
            "parameters must be one C-contiguous, writeable array, got a view with gaps or one that cannot be written; "
            "pass model.parameters"
        )


def require_gradients(parameters: Any, gradients: Any) -> None:
    """Raise a ValueError unless there is one gradient for each parameter, in memory of their own."""
    if not isinstance(gradients, np.ndarray):
        raise ValueError(f"gradients must be a NumPy array such as model.gradients, got {type(gradients).__name__}")
    if gradients.shape != parameters.shape or gradients.dtype != parameters.dtype:
        raise ValueError(
            f"gradients must be of the shape and dtype of the parameters, {parameters.shape} {parameters.dtype}, "
            f"got {gradients.shape} {gradients.dtype}; pass model.gradients"
        )
    if not (gradients.flags.c_contiguous and gradients.flags.aligned):
        raise ValueError("gradients must be C-contiguous; pass np.ascontiguousarray(gradients)")
    if np.may_share_memory(parameters, gradients):
        raise ValueError("parameters and gradients are the same memory; pass model.parameters and model.gradients")


def same_memory(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two arrays are the same vector, perhaps by two views of it."""
    return one.ctypes.data == other.ctypes.data and one.shape == other.shape and one.dtype == other.dtype
