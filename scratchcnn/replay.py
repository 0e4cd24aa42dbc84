"""Doing with a model what has been done before: from a recording, where the model allows it.

``training.py`` and ``evaluation.py`` say in Python what happens to a batch. From the second batch of a shape on, the
same is played from a recording of the first, without Python between the kernels (``ops/jit/recording.py``).

That is right as long as all work on arrays is done by kernels, and the model stays as it is. So only models of layers
that are known to be so are recorded: a layer of the user's own may compute what it likes with NumPy, and a subclass may
change what is listed here. And a recording is made anew when a setting such as a dropout's rate has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from . import ops
from .layers import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Rescaling,
)
from .losses import SoftmaxCrossEntropy
from .norm_steps import FoldedNorm, NormReLU, NormReLUPool
from .progress import announcing_compilation
from .steps import ConvReLU, ConvReLUPool, DenseReLU

if TYPE_CHECKING:
    from .model import Sequential

KNOWN = frozenset({
    *(AveragePool2D, BatchNorm, Conv2D, Dense, Dropout, Flatten, GlobalAveragePool2D, LeakyReLU, MaxPool2D, ReLU),
    *(Rescaling, ConvReLU, ConvReLUPool, DenseReLU, FoldedNorm, NormReLU, NormReLUPool),
})  # fmt: skip
MOST = 16  # recordings of a model; each may keep buffers alive that the layers have replaced by larger ones


def replay(
    model: Sequential,
    function: Callable[..., Any],
    *arguments: np.ndarray | None,
    verbose: int | str = 0,
) -> Any:
    """Return ``function(model, *arguments)``, played from a recording if there is one, else recorded if possible.

    Parameters
    ----------
    function : callable
        Runs the model; always the same object, such as a function of a module.
    *arguments : ndarray or None
        What the function works on; the first are images for the model.
    verbose : int or "auto", default 0
        Whether to announce that kernels are being compiled, if they are, as in ``fit``.
    """
    key = _key(function, arguments)
    known = model.recordings.get(key)
    if known is not None and known[0] == _settings(model):
        return known[1].play(*arguments)
    with announcing_compilation(verbose):
        if not _can_be_recorded(model, arguments):
            return function(model, *arguments)
        return _record(model, function, arguments, key)


def _record(model: Sequential, function: Callable[..., Any], arguments: tuple[Any, ...], key: tuple[Any, ...]) -> Any:
    if len(model.recordings) >= MOST:
        del model.recordings[next(iter(model.recordings))]
    recording = ops.Recording(lambda *given: function(model, *given), *arguments)
    model.recordings[key] = _settings(model), recording
    return recording.result


def _settings(model: Sequential) -> tuple[Any, ...]:
    """Return what a user may change in a model between two batches, and a recording does not look at."""
    loss = model.loss
    return loss, loss and loss.config(), [layer.config() for layer in model.layers]


def _key(function: Callable[..., Any], arguments: tuple[np.ndarray | None, ...]) -> tuple[Any, ...]:
    """Return what two calls must have in common for the second to be a replay of the first."""
    key: list[Any] = [function, ops.Recording]
    for array in arguments:
        if array is not None:
            key += (array.shape, array.dtype.char, array.flags.c_contiguous)
        else:
            key.append(None)
    return tuple(key)


def _can_be_recorded(model: Sequential, arguments: tuple[np.ndarray | None, ...]) -> bool:
    """Tell whether all layers and the loss are known ones, and no argument would have to be converted first."""
    images = arguments[0]
    as_they_are = (model.dtype, np.uint8) if model.takes_bytes else (model.dtype,)
    return (
        all(type(step) in KNOWN for step in model.steps)
        and type(model.loss) in (SoftmaxCrossEntropy, type(None))
        and images is not None
        and images.dtype in as_they_are
        and images.shape[1:] == model.input_shape
        and all(a is None or a.dtype in (model.dtype, np.int64) for a in arguments[1:])
        and all(a is None or a.flags.c_contiguous for a in arguments)
    )
