"""Doing with a model what has been done before: from a recording, where the model allows it.

``loop.py`` and ``evaluation.py`` say in Python what happens to a batch. When the same is to be done a second time,
to a batch of the same shape, it is recorded, and from the third time on played from the recording, without Python
between the kernels (``ops/jit/runtime/recording.py``).

That is right as long as all work on arrays is done by kernels, and the model stays as it is. So only models of layers
that are known to be so are recorded: a layer or a loss of the user's own may compute what it likes with NumPy. And a
setting that has changed, such as a dropout's rate, makes the recording void. What cannot be seen is a method that is
replaced after the recording; ``fit`` begins with new recordings, so there it counts from the next call on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..callbacks.progress import announcing_compilation
from ..fusion.patterns import FUSED
from ..layers import LAYERS, BatchNorm, Dropout, LeakyReLU, Rescaling
from ..losses import SoftmaxCrossEntropy
from ..network.network import Network

RECORDABLE = frozenset((*LAYERS.values(), *FUSED))
ADJUSTABLE = {BatchNorm, Dropout, LeakyReLU, Rescaling}  # may be changed when built; the others have made shapes of it
MOST_RECORDINGS = 16  # of a model; each may keep buffers alive that the layers have replaced by larger ones


class Known(NamedTuple):
    """Something that was done before: the model's settings then, and the recording, if it was done twice."""

    settings: tuple[Any, ...]
    recording: Any


def replay(model: Network, function: Callable[..., Any], *arguments: np.ndarray | None, verbose: int | str = 0) -> Any:
    """Return ``function(model, *arguments)``, played from a recording where there is one.

    What it returns are the model's own arrays: hold its lock, and that of its loss, until they are read.

    Parameters
    ----------
    function : callable
        Runs the model; always the same object, such as a function of a module.
    *arguments : ndarray or None
        What the function works on; the first are images for the model.
    verbose : int or "auto", default 0
        Whether to announce that kernels are being compiled, if they are, as in ``fit``.
    """
    try:
        return _done(model, function, arguments, verbose)
    finally:  # a backward by hand needs a forward by hand before it
        model.turns.overwritten()
        model.plan[-1].forget()


def _done(model: Network, function: Callable[..., Any], arguments: tuple[Any, ...], verbose: int | str) -> Any:
    key, settings = _key(function, arguments), _settings(model)
    known = model.recordings.pop(key, None)
    if known is None or known.settings != settings:
        with announcing_compilation(verbose):
            result = function(model, *arguments)
        if not _can_be_recorded(model, arguments):
            return result
        known = Known(settings, None)
    elif known.recording is None:
        with announcing_compilation(verbose):
            recording = ops.record(partial(function, model), *arguments)
        result = recording.result if recording else function(model, *arguments)
        if recording and not _shares_memory(result, arguments):
            known = Known(settings, recording)
    else:
        result = known.recording.play_known(*arguments)  # by the key they are such as those of the recording
    model.recordings[key] = known  # behind the others: the first in the list is the one not used for longest
    if len(model.recordings) > MOST_RECORDINGS:
        del model.recordings[next(iter(model.recordings))]
    return result


def _key(function: Callable[..., Any], arguments: tuple[np.ndarray | None, ...]) -> tuple[Any, ...]:
    """Return what two calls must have in common for the second to be a replay of the first."""
    key: list[Any] = [function, ops.backend(), ops.convolutions_are_exact()]
    for array in arguments:
        if array is not None:
            key += (array.shape, array.dtype, array.flags.c_contiguous and array.flags.aligned)
        else:
            key.append(None)
    return tuple(key)


def _settings(model: Network) -> tuple[Any, ...]:
    """Return what may change in a model between two batches, and must not for the second to be a replay."""
    if model.watched_layers is None:  # which layers these are does not change
        adjustable = [layer for layer in model.layers if type(layer) in ADJUSTABLE]
        model.watched_layers = adjustable, [layer for layer in model.layers if layer.state]
    adjustable, stateful = model.watched_layers
    loss = model.loss
    return (
        id(model.plan),
        loss,
        loss.config() if type(loss) is SoftmaxCrossEntropy else None,
        [layer.config() for layer in adjustable],
        [id(array) for layer in stateful for array in layer.state.values()],
    )


def _can_be_recorded(model: Network, arguments: tuple[np.ndarray | None, ...]) -> bool:
    """Return whether kernels do all the work, and no argument has to be converted or is memory of the model's own."""
    parts = (model, model.loss, *model.plan, *model.layers)
    given = [array for array in arguments if array is not None]
    images = given[0]
    as_they_are = (model.dtype, np.uint8) if model.takes_bytes else (model.dtype,)
    buffers = [buffer for step in model.plan for buffer in step.all_buffers()]
    return (
        ops.backend() == "jit"
        and _runs_as_written(type(model))
        and all(type(step) in RECORDABLE for step in model.plan)
        and type(model.loss) in (SoftmaxCrossEntropy, type(None))
        and not any(method in vars(part) for part in parts if part is not None for method in ("forward", "backward"))
        and images.dtype in as_they_are
        and images.shape[1:] == model.input_shape
        and all(array.dtype in (model.dtype, np.int64) for array in given[1:])
        and all(array.flags.c_contiguous and array.flags.aligned for array in given)
        and not _shares_memory(tuple(buffers), arguments)
        and not any(_shares_memory((array,), tuple(given[:place])) for place, array in enumerate(given))
    )


def _runs_as_written(kind: type[Network]) -> bool:
    """Return whether a class of networks runs its layers as ``Network`` does: no subclass computes something else."""
    return all(getattr(kind, name) is getattr(Network, name) for name in ("forward", "backward", "backpropagate"))


def _shares_memory(arrays: Any, arguments: tuple[np.ndarray | None, ...]) -> bool:
    """Return whether one of the arrays lies where one of the arguments does."""
    pairs = [(a, b) for a in arrays or () for b in arguments if isinstance(a, np.ndarray) and b is not None]
    return any(np.may_share_memory(a, b) for a, b in pairs)
