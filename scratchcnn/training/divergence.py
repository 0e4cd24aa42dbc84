"""Noticing that a training has diverged: a loss, or an array that training changes, that is no longer finite.

An update that overshoots shows in the loss of the next batch. After the last update of an epoch there is no next batch
before the model is validated, saved and handed over, so the arrays themselves are looked at.
"""

from __future__ import annotations

import math

import numpy as np

from ..network.network import Network

_WAY_ON = "go on from a file that was saved earlier, or from a new model that is compiled with a new optimizer"


def require_finite_loss(model: Network, loss: float) -> None:
    """Raise a FloatingPointError if the loss of a batch is NaN or infinite."""
    if not math.isfinite(loss):
        assert model.optimizer is not None
        updates, found = model.optimizer.iterations, _not_finite(model)
        raise FloatingPointError(
            f"the loss became {loss} after {updates} updates: training has diverged; {_advice(model)}"
            + (f". {found}: {_WAY_ON}" if found else "")
        )


def require_finite_arrays(model: Network) -> None:
    """Raise a FloatingPointError if an update has left a parameter, state or slot of the optimizer NaN or infinite."""
    found = _not_finite(model)
    if found:
        assert model.optimizer is not None
        raise FloatingPointError(
            f"{found} after {model.optimizer.iterations} updates, though the loss before the last of them was finite: "
            f"training has diverged; {_advice(model)}. The model keeps what it holds: {_WAY_ON}"
        )


def require_finite_update(model: Network) -> None:
    """Do the same for the trained parameters after each step, in the time of one sum: it is finite only if all are."""
    with np.errstate(all="ignore"):
        total = float(np.add.reduce(model.parameters))
    if not math.isfinite(total):
        require_finite_arrays(model)  # which also knows a sum that is too large from a parameter that is


def require_finite_start(model: Network) -> None:
    """Raise a ValueError if a model cannot be trained because of what it holds before any update."""
    found = _not_finite(model)
    if found:
        raise ValueError(f"{found} before this training, and no update makes a number of it again; {_WAY_ON}")


def require_finite_after_callbacks(model: Network) -> None:
    """Raise a FloatingPointError if a callback has left something NaN or infinite that was finite before."""
    found = _not_finite(model)
    if found:
        raise FloatingPointError(
            f"{found} after a callback at the end of an epoch or of the training, and did not before: the callback has "
            f"changed it, no update has. The model keeps what it holds: {_WAY_ON}, without that callback"
        )


def _not_finite(model: Network) -> str:
    """Return "conv2d/kernel holds nan" of the first array that is not finite, or an empty text."""
    assert model.optimizer is not None
    named = [
        (f"{layer.name}/{name}", array)
        for layer in model.layers
        for name, array in (*layer.params.items(), *layer.state.items())
    ]
    slots = [(f"the optimizer's {name}", slot) for name, slot in model.optimizer.slots.items()]
    for name, array in named + slots:
        finite = np.isfinite(array)
        if not finite.all():
            return f"{name} holds {array.reshape(-1)[int(np.argmin(finite))]}"
    return ""


def _advice(model: Network) -> str:
    assert model.optimizer is not None
    rate = model.optimizer.current_learning_rate()
    return f"lower the learning rate (now {rate:g}), warm it up, or pass the optimizer global_clipnorm=1.0"
