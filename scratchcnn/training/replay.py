"""Graph capture and replay: a model does again what it has done before, without Python between the kernels.

``step.py`` and ``evaluation.py`` say in Python what happens to a batch. When the same is done a second time, to a batch
of the same shape, it is recorded, and from the third time on replayed, like a CUDA Graph
(``ops/jit/runtime/recording.py``).

That is right as long as all work on arrays is done by kernels, and the model stays as it is. So only models of layers
that are known to be so are recorded: a layer or a loss of the user's own may compute what it likes with NumPy. And a
setting that has changed, such as a dropout's rate, invalidates the recording. What cannot be seen is a method that is
replaced after the recording; ``fit`` begins with new recordings, so there it counts from the next call on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from .. import ops
from ..callbacks.progress import announcing_compilation
from ..checks.attributes import latest_change
from ..fusion.patterns import FUSED
from ..layers import ELU, LAYERS, BatchNorm, Dropout, LeakyReLU, Rescaling
from ..layers.residual import planned
from ..losses import LOSSES
from ..losses.base import LossFunction, mean_of
from ..network.network import Network
from .checks import READABLE

Function = TypeVar("Function", bound=Callable[..., Any])
LOSSES_KNOWN = frozenset(LOSSES.values())
RECORDABLE = frozenset((*LAYERS.values(), *FUSED))
ADJUSTABLE = {
    BatchNorm,
    Dropout,
    ELU,
    LeakyReLU,
    Rescaling,
}  # may be changed when built; the others have made shapes of it
MOST_RECORDINGS = 16  # of a model; each may keep buffers alive that the layers have replaced by larger ones


class CacheEntry(NamedTuple):
    """Something that was done before: the model's settings then, and the recording, if it was done twice."""

    parts: tuple[Any, ...]
    settings: tuple[Any, ...]
    recording: Any = None
    losses: tuple[np.ndarray, np.ndarray | None] | None = (
        None  # of each sample, and what it counts: a replay fills them
    )


def replayed(function: Function) -> Function:
    """Let a function of a model and arrays be replayed from a recording where there is one.

    The first array are images for the model. What the function returns are arrays of the model's own, and perhaps the
    mean loss last: hold the model's lock, and that of its loss, until they are read.
    """

    @wraps(function)
    def replay(model: Network, *arguments: np.ndarray) -> Any:
        key, parts = _key(function, arguments), _parts(model)
        known = model.recordings.pop(key, None)
        if known is None or known.parts != parts:  # else nothing has been set since
            settings = _settings(model)
            known = known._replace(parts=parts) if known is not None and known.settings == settings else None
        try:
            if known is None:
                recordable = _can_be_recorded(model, arguments)
                with announcing_compilation():
                    if recordable:  # else it may be anybody's code, and is not called twice
                        ops.compile_ahead(function, model, *arguments)
                    result = function(model, *arguments)
                if not (recordable and _can_be_recorded(model, arguments)):  # now that the buffers are there, too
                    return result
                known = CacheEntry(parts, settings)
            elif known.recording is None:
                known, result = _record(model, function, arguments, known)
            else:
                result = known.recording.play_known(*arguments)  # by the key they are such as those of the recording
                if known.losses is not None:
                    result = result[0], mean_of(*known.losses, *arguments[2:])  # weights of samples, if there are
        finally:  # a backward by hand needs a forward by hand before it
            model.turns.overwritten()
            model.plan[-1].invalidate()
        model.recordings[key] = known  # after the others: the first in the list is the one not used for longest
        if len(model.recordings) > MOST_RECORDINGS:
            del model.recordings[next(iter(model.recordings))]
        return result

    return cast(Function, replay)


def _record(
    model: Network, function: Callable[..., Any], arguments: tuple[np.ndarray, ...], known: CacheEntry
) -> tuple[CacheEntry, Any]:
    """Call a function and record what it does; return the recording, if it can be replayed, and the result."""
    recording = ops.record(partial(function, model), *arguments)  # whose kernels are compiled by now
    result = recording.result if recording else function(model, *arguments)
    arrays = result if isinstance(result, tuple) else (result,)
    if recording is None or _shares_memory(arrays, arguments):
        return known, result
    losses = None
    if isinstance(model.loss, LossFunction) and isinstance(result, tuple):
        losses = model.loss.per_sample(), model.loss.sample_weights()
    return known._replace(recording=recording, losses=losses), result


def _key(function: Callable[..., Any], arguments: tuple[np.ndarray, ...]) -> tuple[Any, ...]:
    """Return what two calls must have in common for the second to be a replay of the first."""
    key: tuple[Any, ...] = (function, ops.backend(), ops.convolutions_are_exact())
    for array in arguments:
        key += (array.shape, array.dtype, array.flags.num & READABLE)
    return key


def _parts(model: Network) -> tuple[Any, ...]:
    """Return what tells that nothing has changed in a model since: the layers, the loss, and when any was last set."""
    stateful = model.stateful_layers
    state = [id(a) for layer in stateful for a in layer.state.values()] if stateful else None
    return latest_change(), id(model.plan), model.loss, state


def _settings(model: Network) -> tuple[Any, ...]:
    """Return what may change in a model between two batches, and must not for the second to be a replay."""
    adjustable = [layer for layer in model.leaves if type(layer) in ADJUSTABLE]
    loss = model.loss
    return (
        _parts(model)[1:],
        loss.settings() if type(loss) in LOSSES_KNOWN else None,  # type: ignore[attr-defined]  # these have it
        [(layer.config(), layer.__dict__.get("rng")) for layer in adjustable],
    )


def _can_be_recorded(model: Network, arguments: tuple[np.ndarray, ...]) -> bool:
    """Return whether kernels do all the work, and no argument has to be converted or is memory of the model's own."""
    running = list(planned(model.plan))
    parts = (model, model.loss, *running, *model.leaves)
    images = arguments[0]
    as_they_are = (model.dtype, np.uint8) if model.takes_bytes else (model.dtype,)
    buffers = [buffer for layer in model.plan for buffer in layer.all_buffers()]
    return (
        ops.backend() == "jit"
        and _runs_as_written(type(model))
        and all(type(layer) in RECORDABLE for layer in running)
        and (model.loss is None or type(model.loss) in LOSSES_KNOWN)
        and not any(method in vars(part) for part in parts if part is not None for method in ("forward", "backward"))
        and images.dtype in as_they_are
        and images.shape[1:] == model.input_shape
        and all(array.dtype in (model.dtype, np.int64) for array in arguments[1:])
        and all(array.flags.c_contiguous and array.flags.aligned for array in arguments)
        and not _shares_memory(tuple(buffers), arguments)
        and not any(_shares_memory((array,), arguments[:place]) for place, array in enumerate(arguments))
    )


def _runs_as_written(kind: type[Network]) -> bool:
    """Return whether a class of networks runs its layers as ``Network`` does: no subclass computes something else."""
    return all(getattr(kind, name) is getattr(Network, name) for name in ("forward", "backward", "backpropagate"))


def _shares_memory(arrays: tuple[Any, ...], arguments: tuple[np.ndarray, ...]) -> bool:
    """Return whether one of the arrays lies where one of the arguments does."""
    pairs = [(a, b) for a in arrays for b in arguments if isinstance(a, np.ndarray)]
    return any(np.may_share_memory(a, b) for a, b in pairs)
