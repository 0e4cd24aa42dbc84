"""What is checked before a model is trained or measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks.inputs import BYTES, as_labels
from ..checks.ranges import are_below
from ..losses import SoftmaxCrossEntropy
from ..losses.use import as_targets
from ..network.network import Network
from ..optimizers import Optimizer

READABLE = 0x101  # NumPy's bits in the flags of an array that say that it is C-contiguous and aligned


def require_compiled(model: Network, action: str) -> Optimizer:
    """Return the model's optimizer, or raise a RuntimeError if it has none, or no loss."""
    if model.optimizer is None or model.loss is None:
        raise RuntimeError(f"the model is not compiled; call model.compile(optimizer=Adam(1e-3)) before {action}")
    return model.optimizer


def require_trainable(model: Network) -> None:
    """Raise a ValueError if no layer can learn."""
    if model.parameters.size == 0:
        if model.count_params() == 0:
            raise ValueError("there is nothing to train: the model has no parameters")
        raise ValueError(
            "there is nothing to train: all layers with parameters are frozen; thaw those that are to learn, such as "
            "model.layers[-1].trainable = True, or all: model.trainable = True"
        )


def is_ready(model: Network, x: np.ndarray) -> bool:
    """Return whether images are of a dtype that the network takes as it is, and in one piece."""
    is_taken = model.takes_bytes if x.dtype == BYTES else x.dtype == model.dtype
    return is_taken and x.flags.num & READABLE == READABLE  # sooner than to ask for one after the other


def as_samples(model: Network, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return images and targets that have been checked, or raise an error that says what is wrong.

    Images stay where they are: those of another dtype are converted batch by batch, for they may be larger than the
    memory.
    """
    x = model.as_images(x, convert=False)
    return x, as_targets(model.loss, y, len(x), model.output_shape, model.dtype)


def require_labels(model: Network, targets: np.ndarray) -> None:
    """Raise an error unless targets are what compiled kernels believe them to be, if these are to work on them."""
    loss = model.loss
    if type(loss) is not SoftmaxCrossEntropy or targets.ndim == 2 or loss.ignore_index is not None:
        return  # rows of probabilities, or kernels that ignore what is no class
    if not are_below(model.output_shape[-1], targets):
        as_labels(targets, len(targets), model.output_shape[-1])  # says what is wrong
