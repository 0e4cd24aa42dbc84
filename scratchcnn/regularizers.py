"""Regularizers: penalties on the weights of a layer, which are part of the loss.

A layer with a ``kernel_regularizer`` adds its penalty to the loss that is reported and the penalty's gradient to that
of its kernel. It is the model that does it, for the layers it trains: ``backward`` fills ``gradients`` with both, and
``regularization_loss`` is the sum of the penalties.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np

from .checks.attributes import KnownAttributes
from .checks.habits import elsewhere as _elsewhere
from .checks.messages import shown
from .checks.settings import Setting, at_least_zero

__all__ = ["L2"]


class L2(KnownAttributes):
    """The L2 penalty, also called ridge or Tikhonov regularization: l2 times the sum of the squares, as in Keras.

        penalty  = l2 sum w^2
        gradient = 2 l2 w

    PyTorch's ``weight_decay`` of 2 l2 has the same gradient, but falls on every parameter: here that is an optimizer's
    ``l2_penalty``.

    Parameters
    ----------
    l2 : float, default 0.01
        How much the squares count, >= 0. May be changed between batches.

    Examples
    --------
    >>> import numpy as np
    >>> L2(0.5).penalty(np.array([1.0, 2.0]))
    2.5
    """

    l2 = Setting(at_least_zero)

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = l2

    def penalty(self, w: np.ndarray) -> float:
        """Return the penalty on an array of weights, summed in float64."""
        return self.l2 * float(np.sum(np.square(w, dtype=np.float64)))

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Return the gradient of the penalty, an array like ``w``."""
        return 2 * self.l2 * w

    def config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain JSON values."""
        return {"l2": self.l2}

    def __repr__(self) -> str:
        return f"L2({self.l2})"


def as_regularizer(name: str, value: Any) -> L2 | None:
    """Return a regularizer, or None for none; the name "l2" and what ``L2.config`` returns will do.

    Raises
    ------
    ValueError
        If it is anything else: with the line to write instead.
    """
    if value is None or type(value) is L2:
        return value
    if value is L2 or (isinstance(value, str) and value.lower() == "l2"):
        return L2()
    if isinstance(value, dict) and value.keys() == {"l2"}:
        return L2(**value)
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        raise ValueError(f"{name} must be a regularizer, got a number; write {name}=sc.regularizers.L2({value})")
    raise ValueError(f"{name} must be a regularizer such as sc.regularizers.L2(0.01), or None, got {shown(value)}")


def regularizer_config(regularizer: L2 | None) -> dict[str, Any]:
    """Return what a layer's ``config`` says of its regularizer: nothing where there is none."""
    return {} if regularizer is None else {"kernel_regularizer": regularizer.config()}


def penalties(layers: Iterable[Any]) -> float:
    """Return the sum of the penalties of the layers that are trained."""
    return sum((layer.kernel_regularizer.penalty(layer.params["kernel"]) for layer in _regularized(layers)), 0.0)


def add_gradients(layers: Iterable[Any]) -> float:
    """Add the gradients of the penalties to those that ``backward`` has filled in; return the sum of the penalties."""
    regularized = _regularized(layers)
    for layer in regularized:
        layer.grads["kernel"] += layer.kernel_regularizer.gradient(layer.params["kernel"])
    return penalties(regularized) if regularized else 0.0


def _regularized(layers: Iterable[Any]) -> list[Any]:
    return [layer for layer in layers if layer.kernel_regularizer is not None and layer.trainable]


def __getattr__(name: str) -> NoReturn:
    _elsewhere(__name__, name)
