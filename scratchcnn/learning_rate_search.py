"""Which learning rate? Try all of them, from far too low to far too high, in one short training.

At rates that are too low the loss stays where it is; then it falls, the faster the higher the rate; at last the steps
are so long that it shoots up. A good rate lies where the loss still falls steeply, well below the one where it was
lowest (Smith 2017, "Cyclical learning rates for training neural networks").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .evaluation import as_samples, require_compiled
from .progress import announcing_compilation
from .training import update
from .validation import as_integer

if TYPE_CHECKING:
    from .model import Sequential

REACH = 1 / 30  # of the batches, on each side, go into a smoothed loss
DIVERGED = 4.0  # times the first loss: there is nothing more to see


@dataclass(frozen=True)
class LearningRateSearch:
    """What ``lr_find`` saw; ``plots.learning_rate_search`` draws it.

    Attributes
    ----------
    learning_rates : list of float
        The rates, each of one update.
    losses : list of float
        The loss of the batch before that update.
    smoothed_losses : list of float
        The trend: means over neighbours on both sides.
    suggestion : float
        A tenth of the rate at which the smoothed loss was lowest. A highest rate for a schedule that climbs to it and
        descends may be two to five times that.
    """

    learning_rates: list[float]
    losses: list[float]
    smoothed_losses: list[float]

    @property
    def suggestion(self) -> float:
        return self.learning_rates[int(np.argmin(self.smoothed_losses))] / 10


def lr_find(
    model: Sequential,
    x: Any,
    y: Any,
    *,
    lowest: float = 1e-6,
    highest: float = 1.0,
    steps: int = 150,
    batch_size: int = 32,
    verbose: int | str = "auto",
) -> LearningRateSearch:
    """Train for a moment at a learning rate that grows from batch to batch, and look at the loss.

    Afterwards the model is what it was before, to the bit: parameters, state, what the optimizer remembers, its
    learning rate, and the random numbers to come.

    Parameters
    ----------
    model : Sequential
        Compiled, with the optimizer that the rate is for.
    x, y : array_like
        Images and labels, in any form that ``fit`` takes.
    lowest, highest : float, default 1e-6 and 1
        The first and the last rate; each batch multiplies it by the same factor.
    steps : int, default 150
        Batches, at least 2. Fewer are run if the loss has shot up before.
    batch_size : int, default 32
        That of the training that is planned: with larger batches, higher rates are possible.
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

    Examples
    --------
    >>> search = lr_find(model, x_train, y_train, batch_size=128)
    >>> plots.learning_rate_search(search).savefig("learning_rates.png")
    >>> model.optimizer.learning_rate = search.suggestion
    """
    require_compiled(model, "lr_find")
    if not 0 < lowest < highest < math.inf:
        raise ValueError(f"lowest and highest must be numbers with 0 < lowest < highest, got {lowest} and {highest}")
    steps, batch_size = as_integer("steps", steps, 2), as_integer("batch_size", batch_size, 1)
    x, y = as_samples(model, x, y)
    batch_size = min(batch_size, len(x))
    rates = [float(rate) for rate in np.geomspace(lowest, highest, steps)]
    losses: list[float] = []
    restore = _snapshot(model)
    try:
        with announcing_compilation(verbose), np.errstate(all="ignore"):  # at the end, numbers overflow: expected
            for chosen, rate in zip(_batches(model.rng, len(x), batch_size), rates, strict=False):
                model.optimizer.learning_rate = rate  # type: ignore[union-attr]
                try:
                    loss, _ = update(model, x[chosen], y[chosen])
                except FloatingPointError:
                    break
                losses.append(loss)
                if loss > DIVERGED * losses[0]:
                    break
    finally:
        restore()
    if not losses:
        raise ValueError("the loss of this model is not a finite number before any update; are its weights?")
    reach = max(1, round(REACH * steps))
    smoothed = [float(np.mean(losses[max(0, i - reach) : i + reach + 1])) for i in range(len(losses))]
    return LearningRateSearch(rates[: len(losses)], losses, smoothed)


def _batches(rng: np.random.Generator, samples: int, batch_size: int) -> Any:
    """Yield the numbers of the samples of full batches, endlessly, by a new permutation each time all are used up."""
    while True:
        order = rng.permutation(samples)
        for start in range(0, samples - batch_size + 1, batch_size):
            yield order[start : start + batch_size]


def _snapshot(model: Sequential) -> Any:
    """Return a function that brings the model back to where it is now."""
    optimizer = model.optimizer
    assert optimizer is not None
    states = [array for layer in model.layers for array in layer.state.values()]
    arrays = [model.parameters, model.gradients, *states, *optimizer.slots.values()]
    copies = [array.copy() for array in arrays]
    rate, iterations, random_state = optimizer.learning_rate, optimizer.iterations, model.rng.bit_generator.state

    def restore() -> None:
        for array, copy in zip(arrays, copies, strict=True):
            array[...] = copy
        optimizer.learning_rate, optimizer.iterations = rate, iterations
        model.rng.bit_generator.state = random_state

    return restore
