"""Which learning rate? Try all of them, from far too low to far too high, in a few short trainings.

At rates that are too low the loss stays where it is; then it falls, the faster the higher the rate; at last the steps
are so long that it shoots up. A good rate lies where the loss still falls steeply, well below the one where it shoots
up (Smith 2017, "Cyclical learning rates for training neural networks").

Which rate that is, ``learning_rate_search.py`` reads off the losses. One training says more about the weights that it
began with than about the rate, so there are several (*sweeps*), from other initial weights, and what counts is the mean
of their losses.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..callbacks.progress import announcing_compilation, silenced
from ..checks.inputs import as_integer
from ..concurrency.turns import undisturbed
from ..layers.membership import unbuilt
from ..losses.use import invalidate
from ..network.network import Network
from ..optimizers import Optimizer
from .batches import Batches
from .checks import as_samples, require_compiled, require_trainable
from .learning_rate_search import LearningRateSearch, lag_of, smoothed, start_of
from .step import update

SWEEP_STREAM = 2  # of the numbers that come from a model's seed; training.py has 0 and 1
DIVERGED = 4.0  # times the first loss: there is nothing more to see
HARDLY = 0.05  # of the first loss: if it does not fall by more, there is nothing to be read off the curve


@undisturbed
def lr_find(
    model: Network,
    x: Any,
    y: Any,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 150,
    batch_size: int = 32,
    sweeps: int = 4,
    verbose: int | str = "auto",
) -> LearningRateSearch:
    """Learning-rate finder: train for a moment at a rate that grows from batch to batch, and look at the loss.

    Afterwards the model is what it was before, to the bit: parameters, state, what the optimizer remembers, its
    learning rate, and the random numbers to come. Other threads that use the model wait until then.

    Parameters
    ----------
    model : Network
        Compiled, with the optimizer that the rate is for.
    x, y : array_like
        Images and labels, in any form that ``fit`` takes.
    lowest, highest : float, default 1e-6 and 10
        The first and the last rate; each batch multiplies it by the same factor.
    steps : int, default 150
        Batches of a sweep, at least 2. Fewer are run if the loss has shot up before.
    batch_size : int, default 32
        That of the training that is planned: with larger batches, higher rates are possible.
    sweeps : int, default 4
        How often the rates are tried, on other batches each time. A model that is as its seed has made it begins each
        sweep with other initial weights, those of other seeds; one that has learnt something, with what it has.
    verbose : {"auto", 0, 1, 2}
        0: silent. Otherwise it is said when kernels are being compiled.

    Returns
    -------
    LearningRateSearch
        The rates, the losses, and a suggestion.

    Raises
    ------
    ValueError
        If an argument or the data are not as described, or the loss is not a number already before the first update.
    RuntimeError
        If the model is not compiled.

    Warns
    -----
    RuntimeWarning
        If the loss hardly fell at any rate: the suggestion then means nothing.

    Examples
    --------
    >>> import scratchcnn as sc
    >>> (x, y), _ = sc.data.load_data("digits")
    >>> model = sc.Sequential([sc.Rescaling(1 / 255), sc.Flatten(), sc.Dense(10)], input_shape=(28, 28, 1))
    >>> model.compile(sc.Adam(1e-3))
    >>> search = sc.lr_find(model, x[:500], y[:500], steps=40, verbose=0)
    >>> model.optimizer.learning_rate = search.suggestion
    >>> figure = sc.plots.learning_rate_search(search)
    """
    optimizer = require_compiled(model, "lr_find")
    require_trainable(model)
    if not 0 < lowest < highest < math.inf:
        raise ValueError(f"lowest and highest must be numbers with 0 < lowest < highest, got {lowest} and {highest}")
    steps, batch_size = as_integer("steps", steps, 2), as_integer("batch_size", batch_size, 1)
    sweeps = as_integer("sweeps", sweeps, 1)
    x, y = as_samples(model, x, y)
    batch_size = min(batch_size, len(x))
    rates = [float(rate) for rate in np.geomspace(lowest, highest, steps)]
    curves: list[list[float]] = []
    is_fresh = all(map(np.array_equal, model.get_weights(), _initial_weights(model, model.seed)))
    restore = _snapshot(model)
    try:
        # At the end, numbers overflow.
        with silenced(verbose == 0), announcing_compilation(), np.errstate(all="ignore"):
            for number in range(sweeps):
                restore()
                _reset(optimizer)
                if number:
                    rng = np.random.default_rng([model.seed, SWEEP_STREAM, number])
                    model.rng.bit_generator.state = rng.bit_generator.state
                if number and is_fresh:
                    model.set_weights(_initial_weights(model, int(rng.integers(2**63))))
                curves.append(_sweep(model, optimizer, x, y, rates, batch_size))
    finally:
        restore()
    if not all(curves):
        raise ValueError("the loss of this model is not a finite number before any update; are its weights?")
    losses = [float(np.mean(column)) for column in zip(*curves, strict=False)]  # up to where the first one diverged
    trend = smoothed(losses, steps)
    if min(trend) > (1 - HARDLY) * start_of(losses):
        warnings.warn(
            f"lr_find: the loss hardly fell, from {start_of(losses):.4g} to {min(trend):.4g} at the best of the rates "
            f"from {lowest:g} to {rates[len(losses) - 1]:g}: pass a wider range, lowest=... and highest=...",
            RuntimeWarning,
            stacklevel=3,  # who called lr_find, not what undisturbed has made of it
        )
    lag = lag_of(optimizer)
    sweeps_seen = [LearningRateSearch(rates[: len(curve)], curve, smoothed(curve, steps), lag) for curve in curves]
    return LearningRateSearch(rates[: len(losses)], losses, trend, lag, sweeps_seen)


def _sweep(
    model: Network, optimizer: Optimizer, x: np.ndarray, y: np.ndarray, rates: list[float], batch_size: int
) -> list[float]:
    """Return the loss of each batch, one for each rate or until it has shot up."""
    losses: list[float] = []
    batches = Batches(model, x, y, np.arange(len(x)), batch_size)
    full = len(x) // batch_size  # of an epoch
    for number, rate in enumerate(rates):
        if number % full == 0:
            batches.shuffle()
        optimizer.learning_rate = rate
        try:
            _, loss = update(model, *batches.draw(number % full))
            invalidate(model.loss)
        except FloatingPointError:
            break
        losses.append(loss)
        if loss > DIVERGED * losses[0]:
            break
    return losses


def _reset(optimizer: Optimizer) -> None:
    """Let an optimizer begin anew: what it remembers has the size of the steps that it made at another rate."""
    optimizer.iterations = 0
    for slot in optimizer.slots.values():
        slot.fill(0)


def _initial_weights(model: Network, seed: int) -> list[np.ndarray]:
    """Return the weights that a model of the same layers has when it is made from ``seed``."""
    layers = [unbuilt(layer) for layer in model.layers]
    return type(model)(layers, model.input_shape, seed=seed, dtype=model.dtype.name).get_weights()


def _snapshot(model: Network) -> Callable[[], None]:
    """Return a function that brings the model back to where it is now."""
    optimizer = model.optimizer
    assert optimizer is not None
    model.lay_out()  # which may move the arrays
    states = [array for layer in model.layers for array in layer.state.values()]
    frozen = [array for layer in model.layers if not layer.trainable for array in layer.params.values()]
    arrays = [model.parameters, model.gradients, *states, *frozen, *optimizer.slots.values()]
    copies = [array.copy() for array in arrays]
    rate, iterations, random_state = optimizer.learning_rate, optimizer.iterations, model.rng.bit_generator.state

    def restore() -> None:
        for array, kept in zip(arrays, copies, strict=True):
            array[...] = kept
        optimizer.learning_rate, optimizer.iterations = rate, iterations
        model.rng.bit_generator.state = random_state

    return restore
