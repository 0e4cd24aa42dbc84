"""The three checks: of a layer, of a loss, of a whole model."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from ..layers.base import Layer, Shape
from ..losses import SoftmaxCrossEntropy
from .numerical import Objective, compare, rms
from .report import Report


def check_layer(
    layer: Layer,
    input_shape: Shape,
    *,
    batch_size: int = 2,
    training: bool = True,
    x: np.ndarray | None = None,
    tolerance: float = 1e-7,
    samples: int = 50,
    seed: int = 0,
) -> Report:
    """Check dx and the gradient of every parameter of one layer.

    Parameters
    ----------
    layer : Layer
        Built or not; a copy of it is built in float64 and checked.
    input_shape : tuple of int
        Shape of one input, without the batch axis.
    batch_size : int
    training : bool
        Passed on to ``forward``. Random numbers must come from the generator that ``build`` received: it is reset
        before every ``forward``, so that dropout, for example, always drops the same elements.
    x : ndarray, shape (batch_size, *input_shape), optional
        The input, where random numbers between -2 and 2 will not do.
    tolerance : float
        Largest relative error; ``report.py`` says relative to what.
    samples : int
        Elements of each array that are checked one by one: all of a small array, a random choice of a large one.
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
    layer = _fresh_copy(layer)
    layer.dtype = np.dtype(np.float64)
    layer.needs_input_gradient = True
    layer_rng = np.random.default_rng(seed)
    layer.build(input_shape, layer_rng)
    layer.seal()
    _move_away_from_initial_values([layer], rng)
    x = separated((batch_size, *input_shape), rng) if x is None else np.array(x, np.float64)

    at_start = layer_rng.bit_generator.state

    def outputs() -> np.ndarray:
        layer_rng.bit_generator.state = at_start
        return layer.forward(x, training).copy()

    y = outputs()
    if not np.array_equal(y, outputs(), equal_nan=True):
        raise ValueError(
            f"{layer.name}.forward gave two different outputs for the same input; a layer must take its random numbers "
            "from the generator given to build, and nothing else may change between calls"
        )
    objective = Objective(outputs, weights=rng.standard_normal(y.shape))
    x_before, dy = x.copy(), objective.weights.copy()
    dx = layer.backward(dy)
    if not (np.array_equal(x, x_before, equal_nan=True) and np.array_equal(dy, objective.weights, equal_nan=True)):
        raise ValueError(
            f"{layer.name} changed its input or dy; a layer writes only to arrays of its own (self.buffer)"
        )
    arrays = {"dx": (x, dx), **_parameters(layer)}
    report = Report(f"{layer!r} on {y.shape[0]} inputs of shape {input_shape}", tolerance)
    report.add(compare(layer.name, _copy_gradients(arrays), objective, tolerance, samples, rng))
    return report


def check_loss(
    loss: Any,
    shape: tuple[int, int] = (4, 10),
    *,
    logits: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    tolerance: float = 1e-7,
    samples: int = 50,
    seed: int = 0,
) -> Report:
    """Check dlogits of a loss, an object with ``forward(logits, labels) -> float`` and ``backward() -> dlogits``.

    Parameters
    ----------
    loss : object
    shape : (int, int)
        Samples N and classes K of the random logits.
    logits, labels : ndarray, optional
        (N, K) and (N,): instead of random ones.
    tolerance, samples, seed
        As in ``check_layer``.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> sc.gradcheck.check_loss(sc.SoftmaxCrossEntropy(label_smoothing=0.1)).passed
    True
    """
    rng = np.random.default_rng(seed)
    logits = separated(shape, rng) if logits is None else np.array(logits, np.float64)
    labels = rng.integers(0, logits.shape[1], len(logits)) if labels is None else labels
    objective = Objective(lambda: np.array([loss.forward(logits, labels)]), weights=np.ones(1))
    objective.outputs()
    report = Report(f"{loss!r} on logits of shape {logits.shape}", tolerance)
    arrays = {"dlogits": (logits, loss.backward())}
    report.add(compare(type(loss).__name__, _copy_gradients(arrays), objective, tolerance, samples, rng))
    return report


def check_model(
    model: Any,
    x: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    *,
    loss: Any = None,
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
        A copy is made in float64, with the same layers, parameters and fusion, and checked.
    x, labels : ndarray, optional
        A batch (N, *input_shape) and its classes (N,), instead of random ones.
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
    weights = model.get_weights()
    model = type(model)(
        [_fresh_copy(layer) for layer in model.layers], model.input_shape, seed=seed, dtype="float64", fuse=model.fuse
    )
    model.set_weights(weights)
    _move_away_from_initial_values(model.layers, rng)
    x = separated((batch_size, *model.input_shape), rng) if x is None else np.array(x, np.float64)
    labels = rng.integers(0, model.output_shape[-1], len(x)) if labels is None else labels

    at_start = model.rng.bit_generator.state

    def outputs() -> np.ndarray:
        model.rng.bit_generator.state = at_start
        return np.array([loss.forward(model.forward(x, training), labels) + model.regularization_loss()])

    outputs()
    dx = model.backward(loss.backward())
    gradients = {"input": _copy_gradients({"dx": (x, dx)})}
    for layer in model.layers:
        gradients[layer.name] = _copy_gradients(_parameters(layer))
    unit = rms(model.gradients)
    objective = Objective(outputs, weights=np.ones(1))
    report = Report(f"{type(model).__name__} of {len(model.layers)} layers, fuse={model.fuse}, {loss!r}", tolerance)
    for name, arrays in gradients.items():
        report.add(compare(name, arrays, objective, tolerance, samples, rng, 0.0 if name == "input" else unit))
    return report


def separated(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Return evenly spaced numbers between -2 and 2 in random order: a gap of 4/size between any two, half of it to 0.

    A ReLU has its kink at 0, and a max-pool where its two largest values are equal. Neither is within reach of a step
    smaller than a quarter of the gap.
    """
    size = int(np.prod(shape))
    places = size + size % 2  # an even number of places: 0 lies between the two in the middle
    values = (np.arange(places) + 0.5) / places * 4 - 2
    return rng.permutation(values)[:size].reshape(shape)


def _parameters(layer: Layer) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the parameters of a layer with their gradients; none of a frozen one, which owes no gradients."""
    return {name: (layer.params[name], layer.grads[name]) for name in layer.params if layer.trainable}


def _fresh_copy(layer: Layer) -> Layer:
    """Return a copy of the layer as it was before ``build``."""
    layer = copy.deepcopy(layer)
    layer.unbuild()
    return layer


def _move_away_from_initial_values(layers: list[Layer], rng: np.random.Generator) -> None:
    for layer in layers:
        for parameter in layer.params.values():
            parameter += rng.normal(0, 0.1, parameter.shape)
        for state in layer.state.values():
            state += rng.uniform(0.1, 0.5, state.shape)  # upwards: a variance stays positive


def _copy_gradients(arrays: dict[str, tuple[np.ndarray, Any]]) -> dict[str, tuple[np.ndarray, Any]]:
    """Copy the gradients, which are buffers: the next backward would overwrite them. The arrays must not be copies."""
    return {
        name: (array, gradient if gradient is None else gradient.copy()) for name, (array, gradient) in arrays.items()
    }
