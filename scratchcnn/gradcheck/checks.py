"""The three checks: of a layer, of a loss, of a whole model."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np

from ..layers import Residual
from ..layers.base import Layer
from ..losses import Loss, SoftmaxCrossEntropy
from ..losses.base import LossFunction
from ..network.network import Network
from ..types import Shape
from .inputs import separated
from .procedure import check
from .remarks import remarks
from .report import Report
from .subjects import LayerSubject, LossSubject, NetworkSubject
from .targets import rows, targets_for

MANY = 2048  # inputs that a mistake at a few of them, a threshold that is a little off, cannot escape; for a layer,
MANY_LOGITS = 512  # and for a loss, whose one output has fewer digits


def check_layer(
    layer: Layer,
    input_shape: Shape | None = None,
    *,
    batch_size: int = 2,
    training: bool = True,
    x: np.ndarray | None = None,
    tolerance: float = 1e-7,
    samples: int = 50,
    seed: int = 0,
) -> Report:
    """Check dx and the gradient of every parameter of one layer.

    Elements on a kink (a pixel of 0 in front of a ReLU, two equal maxima in a pool) have no derivative: they are left
    out, and the report says how many there are. Where hardly anything is left, the verdict is not "right".

    Parameters
    ----------
    layer : Layer
        Built or not; copies of it are built in float64, as part of a model, and checked.
    input_shape : tuple of int
        Shape of one input, without the batch axis. Not needed where x is given.
    batch_size : int
    training : bool
        Passed on to ``forward``. Random numbers must come from the generator that ``build`` received: it is reset
        before every ``forward``, so that dropout, for example, always drops the same elements.
    x : ndarray, shape (N, *input_shape), optional
        The input, where random numbers between -2 and 2 will not do. Without it, larger batches of up to +-64 are
        looked at as well. A layer that looks integers up in a table needs it, and may return None for dx.
    tolerance : float
        Largest relative error; ``comparison.py`` says relative to what.
    samples : int
        Elements of each array that are checked one by one: all of a small array, a random choice of a large one. All
        the others are checked together, along a random direction.
    seed : int
        The same seed makes the same check.

    Raises
    ------
    ValueError
        If ``forward`` gives different outputs for the same input, so that there is nothing to differentiate, or if
        the layer writes to an array that is not its own.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> sc.gradcheck.check_layer(sc.Dense(3), input_shape=(5,)).passed
    True
    """
    rng = np.random.default_rng(seed)
    given = x is not None
    if x is None and input_shape is None:
        raise ValueError("check_layer needs input_shape, the shape of one input without the batch axis, or x")
    if x is None:
        x = separated((batch_size, *np.atleast_1d(np.array(input_shape, int)).tolist()), rng)
    x = np.array(x, np.float64)
    if input_shape is not None and x.shape[1:] != tuple(np.atleast_1d(np.array(input_shape, int))):
        raise ValueError(f"x has the shape {x.shape}, but input_shape={input_shape} asks for (N, ...) of that shape")
    input_shape = x.shape[1:]
    fresh, used = (LayerSubject(layer, input_shape, training, seed) for _ in range(2))

    def dy_for(x: np.ndarray) -> np.ndarray:
        return rng.standard_normal((len(x), *(fresh.layer.output_shape or ())))

    title = f"{fresh.layer!r} on {len(x)} inputs of shape {input_shape}"
    many = 0 if given else MANY
    short = f"{_in_short(fresh.layer)} on {len(x)} x {input_shape}"
    report = Report(title, tolerance, remarks=remarks([fresh.layer], training), short_title=short)
    return check(report, fresh, used, x, dy_for(x), dy_for, samples, rng, many)


def check_loss(
    loss: Loss,
    shape: Shape = (4, 10),
    *,
    logits: np.ndarray | None = None,
    labels: Any = None,
    tolerance: float = 1e-7,
    samples: int = 50,
    seed: int = 0,
) -> Report:
    """Check dlogits of a loss, an object with ``forward(logits, labels) -> float`` and ``backward() -> dlogits``.

    Parameters
    ----------
    loss : object
        Copies of it are checked.
    shape : (int, int)
        Samples N and classes K of the random logits.
    logits, labels : ndarray, optional
        (N, K), and one target for each sample, whatever the loss takes: instead of random ones. Random targets are
        class numbers (N,) or, for a loss that refuses them, real numbers of the shape of the logits.
    tolerance, samples, seed
        As in ``check_layer``.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> sc.gradcheck.check_loss(sc.SoftmaxCrossEntropy(label_smoothing=0.1)).passed
    True
    """
    rng = np.random.default_rng(seed)
    given = logits is not None
    logits = separated(shape, rng) if logits is None else np.array(logits, np.float64)
    targets = targets_for(loss, labels, logits, rng)
    fresh, used = (LossSubject(loss, type(loss).__name__) for _ in range(2))

    def other_targets(x: np.ndarray) -> np.ndarray:
        return targets_for(loss, None, x, rng) if labels is None else rows(targets, len(x), rng)

    title = f"{_named(loss)} on logits of shape {logits.shape}"
    many = 0 if given else MANY_LOGITS
    short = _in_short(loss) if isinstance(loss, LossFunction) else _named(loss)
    report = Report(title, tolerance, short_title=f"{short} on logits {logits.shape}")
    return check(report, fresh, used, logits, targets, other_targets, samples, rng, many)


def check_model(
    model: Network,
    x: np.ndarray | None = None,
    labels: Any = None,
    *,
    loss: Loss | None = None,
    batch_size: int = 2,
    training: bool = True,
    tolerance: float = 1e-6,
    samples: int = 20,
    seed: int = 0,
) -> Report:
    """Check the gradient of the loss of a whole network, in the input and in every parameter of every layer.

    The tolerance is ten times that of a layer: the only output is the loss, and a difference of two nearly equal losses
    has fewer digits left than the differences of the many outputs of a layer.

    Parameters
    ----------
    model : Sequential
        Copies are made in float64, with the same layers, parameters and fusion, and checked.
    x, labels : ndarray, optional
        A batch (N, *input_shape) and one target for each sample, instead of random ones.
    loss : object, optional
        The one the model was compiled with or, if it was not, softmax cross-entropy.
    batch_size : int
    training : bool
    tolerance, samples, seed
        As in ``check_layer``.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> model = sc.Sequential([sc.Dense(4), sc.ReLU(), sc.Dense(3)], input_shape=(5,))
    >>> sc.gradcheck.check_model(model).passed
    True
    """
    rng = np.random.default_rng(seed)
    loss = copy.deepcopy(loss or model.loss or SoftmaxCrossEntropy())
    fresh, used = (NetworkSubject(model, loss, training, seed) for _ in range(2))
    x = separated((batch_size, *model.input_shape), rng) if x is None else np.asarray(x, np.float64)
    x = np.array(fresh.model.as_images(x))
    targets = targets_for(loss, labels, separated((len(x), *model.output_shape), rng), rng)

    def other_targets(x: np.ndarray) -> np.ndarray:
        return rows(targets, len(x), rng)

    title = f"{type(model).__name__} of {len(model.layers)} layers, fuse={model.fuse}, {_named(loss)}"
    short = f"{type(model).__name__} of {len(model.layers)} layers, fuse={model.fuse}"
    report = Report(title, tolerance, remarks=remarks(model.layers, training), short_title=short)
    return check(report, fresh, used, x, targets, other_targets, samples, rng)


def _named(loss: Loss) -> str:
    return type(loss).__name__ if type(loss).__repr__ is object.__repr__ else repr(loss)


def _in_short(checked: Layer | LossFunction) -> str:
    """Return a layer or a loss as one would write it: without the settings that are the defaults."""
    if isinstance(checked, Residual):
        return f"Residual([{', '.join(_in_short(inner) for inner in checked.layers)}])"
    parts, known = [], inspect.signature(type(checked)).parameters
    config = checked.config()
    for name, parameter in known.items():
        value = config.get(name, parameter.default)
        if isinstance(value, tuple) and len(set(value)) == 1:
            value = value[0]  # strides=2, not (2, 2)
        if parameter.default is parameter.empty:
            parts.append(repr(value))
        elif value != parameter.default and name in config:
            parts.append(f"{name}={value!r}")
    return f"{type(checked).__name__}({', '.join(parts)})"
